#!/bin/bash
# kernel-compare.sh [-n ROUNDS] [-t SECONDS] [-s SEED]: does vmdkfs replay a journal as the kernel does?
#
# First testdata: web01 and every image in ext that has a manifest. Then ROUNDS times (8), but no new round after SECONDS (120):
# new file systems of four kinds, each cut while writer.py is at work, replayed by the kernel in a copy, and compared: every
# name, field and byte. SEED chooses geometries and when the power goes; where exactly it hits is luck.
# On a difference the exit status is 1, and the image and the manifest stay where the last line says.
#
# Needs what lib.sh needs, and Go.
set -euo pipefail
rounds=8 seconds=120 seed=$((RANDOM * 32768 + RANDOM))
while getopts n:t:s: option; do
  case $option in
  n) rounds=$OPTARG ;;
  t) seconds=$OPTARG ;;
  s) seed=$OPTARG ;;
  *) echo "usage: ${0##*/} [-n ROUNDS] [-t SECONDS] [-s SEED]" >&2; exit 2 ;;
  esac
done
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
echo "seed $seed"
RANDOM=$seed
(cd "$DATA/.." && go build -o "$W/vmdkfs" ./cmd/vmdkfs)
cd "$W"
failed=0

same() { python3 "$GEN/compare.py" ./vmdkfs "$@" || failed=1; }   # same [--replay-time] MANIFEST IMAGE [PATH]

stored() {
  local m name volume why
  for volume in p1:boot vg_root/root:root vg_root/home:home; do
    same "$DATA/web01/${volume#*:}.manifest.jsonl.gz" "$DATA/web01/web01.vmdk" "${volume%:*}"
  done
  for m in "$DATA"/ext/*.manifest.jsonl.gz; do
    name=$(basename "$m" .manifest.jsonl.gz)
    zcat "$DATA/ext/$name.img.gz" > "$name.img"
    if why=$(left_out "$name"); then
      echo "$name: left out: $why"
    elif [[ $(super "$name.img") = *features:*" fast_commit "* ]]; then
      same --replay-time "$m" "$name.img"
    else
      same "$m" "$name.img"
    fi
    rm "$name.img"
  done
}
left_out() { # left_out NAME: prints why an image of testdata cannot be compared; fails if it can
  if zgrep -q '"error"' "$DATA/ext/$1.manifest.jsonl.gz"; then
    echo 'the kernel has a form of its own for encrypted names'
  elif [ -e "$DATA/ext/$1.journal.img.gz" ]; then
    echo 'the command takes no journal from another device'
  else
    return 1
  fi
}

# cut ROUND KIND MOUNT-OPTIONS MKE2FS-ARGS...: a power cut, and the comparison
cut() {
  local name=$1-$2 opts=$3 blocks=(1024 1024 2048 4096) magic=() img block kept; shift 3
  img=$name.img
  block=${blocks[RANDOM % 4]}
  if [ "$opts" = data=journal ] && [ $((RANDOM % 2)) = 0 ]; then magic=(--magic); fi
  # As many blocks whatever their size: at least 1024 for the journal, and it may overflow.
  mkfs "$img" $((block * 10))K -b "$block" -J size=$((block / 1024)) "$@"
  fill "$img" packages
  crash "$img" "noatime,$opts" $((RANDOM % 24 + 1)) "${magic[@]}"
  replayed "$img" replayed.img
  manifest replayed.img "$name"
  if ! python3 "$GEN/compare.py" ./vmdkfs "$name.manifest.jsonl.gz" "$img"; then
    failed=1
    kept=$(mktemp -d --tmpdir kernel-compare.XXXXXX)
    cp --sparse=always "$img" "$name.manifest.jsonl.gz" "$kept"
    echo "kept in $kept"
  fi
  rm "$img" "$name.manifest.jsonl.gz" replayed.img
}

stored
for ((round = 1; round <= rounds && SECONDS < seconds; round++)); do
  cut $round ext3-ordered data=ordered -t ext3
  cut $round ext3-journal data=journal -t ext3
  cut $round ext4-default data=ordered -t ext4
  cut $round ext4-journal_checksum journal_checksum -t ext4 -O '^metadata_csum,^64bit'
done
echo "$((round - 1)) rounds in $SECONDS s, seed $seed"
exit $failed

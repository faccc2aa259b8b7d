#!/bin/bash
# kernel-compare.sh [-n ROUNDS] [-t SECONDS] [-s SEED]: does vmdkfs replay a journal as the kernel does?
#
# First testdata: web01 and every image in ext that has a manifest. Then ROUNDS times (8), but no new round after SECONDS (120):
# new file systems of five kinds, each cut while writer.py is at work, or their backing file copied while they are mounted,
# replayed by the kernel in a copy, and compared: every name, field and byte. SEED chooses geometries, what is written and when
# the power goes; where exactly it hits is luck.
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

# vmdkfs with an external journal, as a command of one word.
cat > with-journal <<'END'
#!/bin/sh
exec ./vmdkfs "$@" --journal journal.img
END
chmod +x with-journal

# same COMMAND [--replay-time] MANIFEST IMAGE [PATH]
same() {
  local command=$1 flags=(); shift
  if [ "$1" = --replay-time ]; then flags=(--replay-time); shift; fi
  python3 "$GEN/compare.py" "${flags[@]}" "$command" "$@" || failed=1
}

stored() {
  local m name volume why
  for volume in p1:boot vg_root/root:root vg_root/home:home; do
    same ./vmdkfs "$DATA/web01/${volume#*:}.manifest.jsonl.gz" "$DATA/web01/web01.vmdk" "${volume%:*}"
  done
  for m in "$DATA"/ext/*.manifest.jsonl.gz; do
    name=$(basename "$m" .manifest.jsonl.gz)
    zcat "$DATA/ext/$name.img.gz" > "$name.img"
    if why=$(left_out "$name"); then
      echo "$name: left out: $why"
    elif [[ $(super "$name.img") = *features:*" fast_commit "* ]]; then
      same ./vmdkfs --replay-time "$m" "$name.img"
    elif [ -e "$DATA/ext/$name.journal.img.gz" ]; then
      zcat "$DATA/ext/$name.journal.img.gz" > journal.img
      same ./with-journal "$m" "$name.img"
    else
      same ./vmdkfs "$m" "$name.img"
    fi
    rm "$name.img"
  done
}
left_out() { # left_out NAME: prints why an image of testdata cannot be compared; fails if it can
  if zgrep -q '"error"' "$DATA/ext/$1.manifest.jsonl.gz"; then
    echo 'the kernel has a form of its own for encrypted names'
  else
    return 1
  fi
}

# cut ROUND KIND MOUNT-OPTIONS MKE2FS-ARGS...: a power cut, and the comparison
cut() {
  local name=$1-$2 opts=$3 blocks=(1024 1024 2048 4096) writer=(--seed $RANDOM) flags=() img block kept; shift 3
  img=$name.img
  block=${blocks[RANDOM % 4]}
  if [ "$opts" = data=journal ] && [ $((RANDOM % 2)) = 0 ]; then writer+=(--magic); fi
  if [ $((RANDOM % 4)) = 0 ]; then writer+=(--mounted); fi
  if [[ $* = *fast_commit* ]]; then flags=(--replay-time); fi
  # As many blocks whatever their size: at least 1024 for the journal, and it may overflow.
  mkfs "$img" $((block * 10))K -b "$block" -J size=$((block / 1024)) "$@"
  fill "$img" packages
  crash "$img" "noatime,$opts" $((RANDOM % 24 + 1)) "${writer[@]}"
  replayed "$img" replayed.img
  manifest replayed.img "$name"
  if ! python3 "$GEN/compare.py" "${flags[@]}" ./vmdkfs "$name.manifest.jsonl.gz" "$img"; then
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
  cut $round ext4-fast_commit data=ordered -t ext4 -O fast_commit
  cut $round ext4-journal_checksum journal_checksum -t ext4 -O '^metadata_csum,^64bit'
done
echo "$((round - 1)) rounds in $SECONDS s, seed $seed"
exit $failed

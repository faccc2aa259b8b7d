#!/bin/bash
# fastcommit.sh [NAME...]: make the images testdata/ext/dirty-ext4-fc-*, all or those named (the functions below)
# fastcommit.sh random N [SEED]: compare N random file systems, each cut, replayed by the kernel and read by vmdkfs; needs Go
#
# No file system without extents is among them: the replay of Linux 6.18 writes extents over a map of blocks, or hits a BUG that
# leaves the machine with a sync(2) that never returns.
#
# Every image asserts that it has the tags that it exists for. See testdata/README.md.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
OUT=$DATA/ext
FEATURES=(-t ext4 -b 1024 -I 256 -O fast_commit -J size=1,fast_commit_size=200)

# cut IMG KIND [SEED]: run fastcommit.py on IMG. The image is copied before umount: nothing more may reach its home block.
cut() {
  local img=$1; shift
  mounted "$img" noatime cut_copy_fc "$img" "$@"
  mv "$img.cut" "$img"
  has "$(super "$img")" 'features:.* needs_recovery'
}
cut_copy_fc() {
  local img=$1 kind=$2; shift 2
  python3 "$GEN/fastcommit.py" "$kind" "$MNT" "$@" && cp --sparse=always "$img" "$img.cut"
}

# tags: the tags of the whole area of $img, one a line: kind, block of the image, and name, transaction or "unwritten"
tags() {
  local size; size=$(super "$img" | awk '/^Block size/ {print $3}')
  # shellcheck disable=SC2046
  python3 - "$img" "$size" $(dbg "$img" 'blocks <8>' | tr ' ' '\n' | tail -n +1026) << 'EOF'
import struct, sys
names = 'add-range del-range creat link unlink inode pad tail head'.split()
size = int(sys.argv[2])
with open(sys.argv[1], 'rb') as f:
    for n in map(int, sys.argv[3:]):
        f.seek(n * size)
        block, pos = f.read(size), 0
        while pos + 4 <= size:
            tag, length = struct.unpack_from('<HH', block, pos)
            value = block[pos + 4:pos + 4 + length]
            if not 1 <= tag <= 9:
                break
            detail = '-'
            if tag == 1 and struct.unpack_from('<H', value, 8)[0] > 32768:
                detail = 'unwritten'
            elif tag in (3, 4, 5):
                detail = ascii(value[8:])[2:-1]
            elif tag == 8:
                detail = struct.unpack_from('<I', value)[0]
            print(names[tag - 1], n, detail)
            pos += 4 + length
EOF
}
last_tail() { tags | awk '/^tail/ {b = $2} END {print b}'; }
first_head() { tags | awk '/^head/ {print $2; exit}'; }
image() { gzip -9nc "$img" > "$OUT/$name.img.gz"; }
keep() { image; replayed "$img" "$W/replay.img"; manifest "$W/replay.img" "$OUT/$name"; }
refused() {   # no manifest: the kernel does not mount it
  image
  rm -f "$OUT/$name.manifest.jsonl.gz"
  if replayed "$img" "$W/replay.img" 2> /dev/null; then die "the kernel mounts it"; fi
}

# made SIZE KIND REGEXP...: the image of a kind, with tags that match each
made() {
  local size=$1 kind=$2 regexp; shift 2
  mkfs "$img" "$size" "${FEATURES[@]}"
  cut "$img" "$kind"
  tags=$(tags)
  for regexp in "$@"; do has "$tags" "$regexp"; done
}

dirty-ext4-fc-creates() {
  made 6M creates '^head' '^creat .* deep$' '^inode' '^add-range' '^pad'
  [ "$(count "$tags" '^tail')" -ge 10 ] || die "only $(count "$tags" '^tail') fast commits"
  keep
}
dirty-ext4-fc-names() {
  made 6M names '^unlink .*file-with-a-name' '^link .*renamed-' '^unlink .* c$' '^unlink .* gone$' '^creat .* made$'
  has "$(dbg "$img" 'htree_dump big')" 'Indirect levels: '
  keep
}
dirty-ext4-fc-lost() {
  made 4M lost '^creat .* lost' '^unlink .* made'
  keep
  ! zgrep -qE '"path": "(lost|gone)"' "$OUT/$name.manifest.jsonl.gz" || die "the kernel names it"
}
dirty-ext4-fc-ranges() {
  made 6M ranges '^del-range' '^add-range .* unwritten'
  has "$(dbg "$img" 'ex extents')" '^ *1/ *1 '
  keep
}

dirty-ext4-fc-inline() {
  FEATURES=(-t ext4 -b 1024 -I 256 -O fast_commit,inline_data -J size=1,fast_commit_size=200)
  made 4M inline '^creat .* dir' '^inode' '^creat .* 4$' '^unlink .* 0$'
  keep
}
dirty-ext4-fc-4k() {
  FEATURES=(-t ext4 -b 4096 -O fast_commit,metadata_csum_seed,orphan_file -J size=4,fast_commit_size=400)
  made 12M creates '^head' '^tail'
  keep
}
dirty-ext4-fc-no-checksums() {
  FEATURES=(-t ext4 -b 1024 -I 128 -O 'fast_commit,^metadata_csum' -J size=1,fast_commit_size=200)
  made 4M reused '^creat .* new'
  keep
}
dirty-ext4-fc-special() {   # links and devices are never in a fast commit: the log has them
  made 4M special '^head'
  keep
  has "$(zcat "$OUT/$name.manifest.jsonl.gz")" '"path": "d/slow", "type": "symlink"'
}
dirty-ext4-fc-stale() {
  made 4M stale '^unlink .* old-3'
  [ "$(awk '/^tail/ {print $3}' <<<"$tags" | sort -u | wc -l)" -gt 1 ] || die "no stale fast commits"
  keep
}

# ---- damaged -------------------------------------------------------------------------------------

shortened() { ! cmp -s "$OUT/$name.manifest.jsonl.gz" "$OUT/$1.manifest.jsonl.gz" || die "nothing was lost"; }

dirty-ext4-fc-torn() {   # the block of the last tail never came
  zcat "$OUT/dirty-ext4-fc-names.img.gz" > "$img"
  dd if=/dev/zero of="$img" bs=1024 seek="$(last_tail)" count=1 conv=notrunc status=none
  keep
  shortened dirty-ext4-fc-names
}
dirty-ext4-fc-bad-tail() {   # one bit of it flipped
  zcat "$OUT/dirty-ext4-fc-names.img.gz" > "$img"
  printf '\377' | dd of="$img" bs=1 seek="$(($(last_tail) * 1024 + 1))" conv=notrunc status=none
  keep
  shortened dirty-ext4-fc-names
}
dirty-ext4-fc-torn-first() {   # not one good tail
  made 4M stale
  printf '\001' | dd of="$img" bs=1 seek="$(($(first_head) * 1024 + 40))" conv=notrunc status=none
  refused
}
# What the kernel's replay cannot do. vmdkfs can.
dirty-ext4-fc-unlinked() { made 4M unlinked '^unlink .* temporary'; refused; }
dirty-ext4-fc-reused() { made 4M reused '^creat .* new'; refused; }
dirty-ext4-fc-indexed() { made 4M indexed '^creat .* 7-7'; refused; }

# ---- random --------------------------------------------------------------------------------------

random() {
  local n=$1 seed=${2:-$RANDOM} i same=0 none=0 fast=0 manifest=$W/random start
  (cd "$DATA/.." && go build -o "$W/vmdkfs" ./cmd/vmdkfs)
  for ((i = seed; i < seed + n; i++)); do
    img=$W/$i.img name=random-$i
    case $((i % 4)) in
      0) FEATURES=(-t ext4 -b 1024 -I 256 -O fast_commit -J size=1,fast_commit_size=200) ;;
      1) FEATURES=(-t ext4 -b 4096 -I 256 -O fast_commit -J size=4,fast_commit_size=400) ;;
      2) FEATURES=(-t ext4 -b 1024 -I 256 -O fast_commit,inline_data -J size=1,fast_commit_size=200) ;;
      3) FEATURES=(-t ext4 -b 1024 -I 128 -O 'fast_commit,^metadata_csum' -J size=1,fast_commit_size=200) ;;
    esac
    mkfs "$img" 16M "${FEATURES[@]}"
    cut "$img" chance "$i"
    # shellcheck disable=SC2015
    [ "$(count "$(tags)" '^tail')" -gt 0 ] && fast=$((fast + 1)) || true
    start=$(date -u +%Y-%m-%dT%H:%M:%S.%N)
    if ! replayed "$img" "$W/replay.img" 2> /dev/null; then
      "$W/vmdkfs" ls -R "$img" > /dev/null || die "seed $i: neither the kernel nor vmdkfs reads it"
      none=$((none + 1))
      continue
    fi
    manifest "$W/replay.img" "$manifest"
    # A time that the kernel's replay set is not known to anyone else.
    zcat "$manifest.manifest.jsonl.gz" | python3 -c '
import json, sys
for o in map(json.loads, sys.stdin):
    if o["type"] == "dir" and o["mtime"] > sys.argv[1]: del o["mtime"]
    print(json.dumps(o))' "$start" > "$manifest.json"
    python3 "$GEN/compare.py" "$W/vmdkfs" "$manifest.json" "$img" > "$W/differences" || {
      cat "$W/differences" >&2
      cp "$img" "$manifest.json" /tmp/
      die "seed $i differs; see /tmp/$i.img"
    }
    same=$((same + 1))
    rm "$img" "$W/replay.img"
  done
  echo "$same as the kernel shows them, $none that it refuses; $fast with fast commits, be they stale"
}

mkdir -p "$OUT"
if [ "${1:-}" = random ]; then
  "$@"
  exit
fi
names=("$@")
if [ $# = 0 ]; then mapfile -t names < <(sed -nE 's/^(dirty-ext4-fc-[a-z0-9-]+)\(\).*/\1/p' "$GEN/fastcommit.sh"); fi
for name in "${names[@]}"; do
  echo "$name"
  FEATURES=(-t ext4 -b 1024 -I 256 -O fast_commit -J size=1,fast_commit_size=200)
  img=$W/$name.img
  "$name"
  rm -f "$W"/*.img
done

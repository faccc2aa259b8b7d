#!/bin/bash
# compress.sh: make testdata/compress/chunks.jsonl.gz: what ntfs-3g and libwim compressed, beside the plain bytes.
#
# Needs, beside what lib.sh needs: ntfs-3g and FUSE, attr, libwim. wofchunks.py describes the file.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
OUT=$DATA/compress
name=chunks
img=$W/$name.img

truncate -s 8M "$img"
mkntfs -Q -F -c 4096 -p 0 -H 255 -S 63 "$img" &> "$W/mkntfs.err" || { cat "$W/mkntfs.err" >&2; exit 1; }
LOOP=$(losetup -f --show "$img")
ntfs-3g -o compression "$LOOP" "$MNT"
mkdir "$MNT/c"
setfattr -n system.ntfs_attrib -v 0x10080000 "$MNT/c"
python3 -c "import sys; sys.path.insert(0, '$GEN')
import wofchunks
for name, make in wofchunks.CONTENTS.items():
  open('$MNT/c/' + name, 'wb').write(make(65536))"
umount "$MNT"
losetup -d "$LOOP"; LOOP=

# Each file is one unit, with holes where its clusters were saved.
python3 -c "import sys; sys.path.insert(0, '$GEN')
import wofchunks
from ntfsraw import *
v = Volume('$img')
for name, make in wofchunks.CONTENTS.items():
  there = [r for r in v.runs_of('c/' + name) if r[1] != HOLE]
  if 0 < sum(n for _, _, n in there) < 16:
    wofchunks.line('lznt1', name, make(65536), b''.join(v.m[lcn * v.cluster:(lcn + n) * v.cluster] for _, lcn, n in there))
" > "$W/units"
[ "$(grep -c lznt1 "$W/units")" -ge 6 ] || die "not compressed"
mkdir -p "$OUT"
python3 "$GEN/wofchunks.py" "$W/units" | gzip -9n > "$OUT/chunks.jsonl.gz"

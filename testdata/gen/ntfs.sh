#!/bin/bash
# ntfs.sh [NAME...]: make testdata/ntfs, all images or those named (the functions below the line).
#
# Every image asserts that it has the feature it exists for. See testdata/ntfs/README.md. Needs, beside what lib.sh needs:
# ntfs-3g and FUSE, attr, libwim, sleuthkit. compress.sh makes chunks of the same kinds for the decoders.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
OUT=$DATA/ntfs

# new SIZE MKNTFS-ARGS...: the volume $img, empty
new() {
  rm -f "$img"; truncate -s "$1" "$img"
  mkntfs -Q -F -L "$name" -p 0 -H 255 -S 63 "${@:2}" "$img" &> "$W/mkntfs.err" || { cat "$W/mkntfs.err" >&2; return 1; }
}
# with_ntfs OPTIONS CMD...: run CMD while $img is mounted. On a block device umount waits for ntfs-3g.
with_ntfs() {
  LOOP=$(losetup -f --show "$img")
  ntfs-3g -o "streams_interface=windows,$1" "$LOOP" "$MNT" 2> "$W/mount.err" || { cat "$W/mount.err" >&2; return 1; }
  "${@:2}"
  umount "$MNT"
  losetup -d "$LOOP"; LOOP=
}
fill() { with_ntfs "${2:-rw}" python3 "$GEN/ntfstree.py" "$1" "$MNT"; }   # fill KIND [OPTIONS]

# raw PYTHON: run it with the volume as v
raw() { python3 -c "import sys; sys.path.insert(0, '$GEN')
from ntfsraw import *
v = Volume('$img')
$1" || die "${1//$'\n'/; }"; }

# image: store $img without its $UpCase, which all volumes have in common and which does not compress
image() {
  cp --sparse=always "$img" "$W/stored.img"
  img=$W/stored.img raw "
(_, lcn, n), = v.runs_of(10)
at = lcn * v.cluster
open('$W/upcase', 'wb').write(v.m[at:at + 131072])
v.m[at:at + 131072] = b'vmdkfs: \$UpCase\n'.ljust(131072, b'\0')"
  [ -e "$OUT/upcase.gz" ] || gzip -9nc "$W/upcase" > "$OUT/upcase.gz"
  zcat "$OUT/upcase.gz" | cmp - "$W/upcase"
  gzip -9nc "$W/stored.img" > "$OUT/$name.img.gz"
}
listing() { with_ntfs ro,permissions python3 "$GEN/ntfsmanifest.py" "$MNT" | gzip -9n > "$OUT/$name.manifest.jsonl.gz"; }
keep() { image; listing; }
listed() { has "$(zcat "$OUT/$name.manifest.jsonl.gz")" "$1"; }   # listed REGEXP: a line of the manifest matches

#---- geometry --------------------------------------------------------------------------------------

plain() { # plain SIZE MKNTFS-ARGS...
  new "$@"
  fill plain
  raw "assert v.attr('many', INDEX_ALLOCATION, '\$I30').size >= 4096"
  raw "assert v.attr('sizes/300').resident and not v.attr('sizes/50000').resident"
  keep
}
c512()  { plain 3M -s 512 -c 512;    raw 'assert v.cluster == 512'; }
c4096() { plain 4M -c 4096;    raw 'assert v.cluster == 4096 and v.record_size == 1024'; }
c64k()  { plain 10M -c 65536;  raw 'assert v.cluster == 65536'; }
c2m()   { plain 72M -c 2097152; raw 'assert v.cluster == 2 << 20'; }
s4096() { plain 5M -s 4096 -c 4096; raw 'assert v.sector == 4096 and v.record_size == 4096'; }

#---- data ------------------------------------------------------------------------------------------

# A unit is raw, a hole, or LZNT1; the last holds chunks that are compressed and chunks that are stored.
compressed() {
  new "$@"
  fill lznt1 compression
  raw "
kinds = set()
for n in range(24, v.records):
  if not v.used(n) or u(v.record(n), 32, 6): continue
  for a in v.attrs(n):
    if a.type != DATA or a.resident or not a.flags & COMPRESSED or not v.runs_of(n): continue
    clusters = [lcn + i if lcn != HOLE else HOLE for _, lcn, length in v.runs_of(n) for i in range(length)]
    for i in range(0, len(clusters), 16):
      there = [c for c in clusters[i:i + 16] if c != HOLE]
      kinds.add('hole' if not there else 'raw' if len(there) == 16 else 'packed')
      if 0 < len(there) < 16:
        data, at = b''.join(v.m[c * v.cluster:(c + 1) * v.cluster] for c in there), 0
        while at + 2 <= len(data) and (h := u(data, at, 2)):
          kinds.add('chunk' if h & 0x8000 else 'stored chunk')
          at += (h & 0xfff) + 3
assert kinds == {'hole', 'raw', 'packed', 'chunk', 'stored chunk'}, kinds"
  keep
  [ "$(zcat "$OUT/$name.manifest.jsonl.gz" | grep -c '"error"')" = 0 ] || die "ntfs-3g cannot read what it wrote"
}
lznt1()      { compressed 6M -c 4096; }
lznt1-512()  { compressed 4M -c 512; }

# libwim compresses the files, ntfs-3g stores them. It does not read them: the manifest, of which the lines are short, is that of
# the plain files, which are deleted then.
wof() {
  new 4M -c 1024
  fill wof
  listing
  zcat "$OUT/$name.manifest.jsonl.gz" | python3 -c "
import json, sys
for o in map(json.loads, sys.stdin):
  if o['path'].startswith('plain/'): print(json.dumps(dict(path=o['path'][6:], type='file', size=o['size'], sha256=o['sha256'])))
" > "$W/manifest"
  gzip -9n < "$W/manifest" > "$OUT/$name.manifest.jsonl.gz"
  with_ntfs rw rm -r "$MNT/plain"
  raw "
import json
for o in map(json.loads, open('$W/manifest')):
  n = v.find(o['path'])
  tag, _, _, version, provider, file_version, algorithm = struct.unpack('<IHH4I', v.attr(n, REPARSE_POINT).data)
  assert (tag, version, provider, file_version) == (0x80000017, 1, 2, 1)
  assert v.attr(n).size == o['size'] and all(lcn == HOLE for _, lcn, _ in v.runs_of(n))
  if o['size'] > 40000 and 'stored' not in o['path']: assert v.attr(n, DATA, 'WofCompressedData').size < o['size'], o
used = v.content(v.attr(6))
for c in range(v.clusters):  # the plain files would be most of the image
  if not used[c // 8] >> c % 8 & 1: v.m[c * v.cluster:(c + 1) * v.cluster] = bytes(v.cluster)"
  image
  mkdir -p "$OUT/wof"
  mv "$OUT/$name".* "$OUT/wof"  # apart from what is compared with a whole manifest
}

streams() {
  new 4M -c 1024
  fill streams
  raw "assert any(a.type == ATTRIBUTE_LIST and not a.resident for a in v.attrs(v.find('many')))"
  keep
  listed '"path": "\.".*"of the root"'
}

# Clusters are marked used while the trees are written, so that the free ones lie in pieces.
on_board() { # on_board PATTERN KIND
  raw "open('$W/bits', 'wb').write(v.board($1))"
  fill "$2"
  raw "v.unboard(open('$W/bits', 'rb').read())"
}
fragmented() {
  new 20M -s 512 -c 512
  on_board "b'\xff\0'" records
  on_board "b'\x0f'" fragmented
  raw "
for n in (60, 300, 900, 1700): assert len(v.runs_of('pieces-%04d' % n)) >= n, n
assert v.attr('pieces-0900', ATTRIBUTE_LIST) and v.attr('pieces-1700', ATTRIBUTE_LIST)
assert len(v.mft) > 200 and any(a.type == ATTRIBUTE_LIST for a in v.own(0)), v.mft"
  keep
}

sparse() {
  new 4M -c 1024
  fill sparse
  ntfsfallocate -n -l 300000 "$img" /allocated &> "$W/fallocate.err" || die "$(cat "$W/fallocate.err")"
  raw "
for f, name, n in (('initialized', '', 10240), ('initialized-odd', '', 12345), ('initialized-none', '', 0), ('stream', 'initialized', 700)):
  a = v.attr(f, DATA, name)
  v.set(a, 56, 8, n)
  assert v.attr(f, DATA, name).initialized == n
assert v.attr('huge').flags & SPARSE and v.attr('huge').size > 1 << 40
a = v.attr('allocated')
assert a.allocated >= 300000 and a.initialized == 5000, a"
  keep
}

#---- names -----------------------------------------------------------------------------------------

crowded() {
  new 16M -c 1024
  fill crowded
  raw "
for d, most in (('few', 10), ('none', 1)):
  a = v.attr(d, BITMAP, '\$I30')
  blocks = v.attr(d, INDEX_ALLOCATION, '\$I30').size // 4096
  used = sum(c.bit_count() for c in v.content(a))
  assert blocks > 10 * used, (d, blocks, used)
assert v.attr('all', INDEX_ALLOCATION, '\$I30').size > 65536
# The records of deleted links take most of the room: only those of the deleted files stay.
for n in range(24, v.records):
  if v.m[v.at(n):v.at(n) + 4] == b'FILE' and not v.used(n) and b'f\0i\0l\0e\0-\0' not in v.record(n):
    v.m[v.at(n):v.at(n) + v.record_size] = bytes(v.record_size)"
  keep
}
names() {
  new 4M -c 1024
  fill names
  raw "
spaces = {a.data[65] for n in range(24, v.records) if v.used(n) for a in v.own(n) if a.type == FILE_NAME}
assert spaces == {0, 1, 2, 3}, spaces
assert any(a.type == ATTRIBUTE_LIST for a in v.attrs(v.find('links/0')))"
  keep
  listed '\\\\ud800'
  listed '"dos_name": "ALONGN~1.TXT"'
}

#---- metadata --------------------------------------------------------------------------------------

objects() { new 2M -c 1024; fill objects; keep; listed '"object_id"'; }
interix() { new 2M -c 1024; fill interix; keep; listed '"rdev": "259:70000"'; }
wsl()     { new 2M -c 1024; fill wsl special_files=wsl; keep; listed '"ea"'; }
reparse() { # ntfs-3g writes reparse points, and looks up none of these: the manifest is what it was given, and what is there
  new 2M -c 1024
  fill reparse
  raw "
import base64, json, ntfstree
for path, data in sorted((ntfstree.REPARSE_FILES | ntfstree.REPARSE_DIRS).items()):
  assert v.attr(path, REPARSE_POINT).data == data and v.record(v.find(path))[22] & 2 == (2 if path in ntfstree.REPARSE_DIRS else 0)
  print(json.dumps(dict(path=path, inode=v.find(path), reparse=base64.b64encode(data).decode())))
" | gzip -9n > "$OUT/$name.manifest.jsonl.gz"
  image
}
efs() {
  new 2M -c 1024
  fill efs
  raw "
for f, name in (('encrypted', ''), ('small', ''), ('stream', 'encrypted')):
  a = v.attr(f, DATA, name)
  v.set(a, 12, 2, a.flags | ENCRYPTED)
  a = v.attr(f, STANDARD_INFORMATION)
  v.set_value(a, 32, 4, u(a.data, 32, 4) | 0x4000)
assert all(v.attr(f).flags & ENCRYPTED for f in ('encrypted', 'small'))"
  keep
  listed '"encrypted".*"error": "E'
}

#---- states ----------------------------------------------------------------------------------------

volume_flags() { raw "v.set_value(v.attr(3, VOLUME_INFORMATION), 10, 2, $1)"; }   # $Volume's flags
dirty()         { new 2M -c 1024; fill state; listing; volume_flags 1; image; has "$(ntfsinfo -fm "$img" 2> /dev/null)" 'Volume Flags: 0x0001 DIRTY'; }
chkdsk()        { new 2M -c 1024; fill state; listing; volume_flags 0x8021; image; }
hibernated()    { new 2M -c 1024; fill hibernated;   keep; }
fast-started()  { new 2M -c 1024; fill fast_started; keep; }
resumed()       { new 2M -c 1024; fill resumed;      keep; }
# A log as Windows leaves it, of which ntfsrecover finds every record.
dirty-log() {
  new 2M -c 1024; fill state; listing
  python3 "$GEN/ntfslog.py" "$img" > "$W/log"
  ntfsrecover -n -f -v "$img" > "$W/recover" 2>&1 || true
  has "$(< "$W/recover")" 'syncing from .*, dirty'
  python3 -c "
import json, re
text = open('$W/recover').read().split('* block 4 ')[1]
find = lambda field: [int(h, 16) for h in re.findall(r'^%s +([0-9a-f]+)' % field, text, re.M)]
rows = zip(find('this_lsn'), find('client_previous_lsn'), find('transaction_id'), find('redo_operation'), find('undo_operation'))
for lsn, previous, transaction, redo, undo in sorted(set(rows)):
  print(json.dumps(dict(lsn=lsn, previous=previous, transaction=transaction, redo=redo, undo=undo)))
" > "$W/found"
  [ "$(wc -l < "$W/found")" = "$(wc -l < "$W/log")" ] || die "ntfsrecover finds $(wc -l < "$W/found") of $(wc -l < "$W/log") records"
  gzip -9n < "$W/found" > "$OUT/$name.log.jsonl.gz"
  image
}

# spoilt PYTHON: an image whose structures no other tool could find any more
spoilt() {
  new 2M -c 1024; fill state; listing
  raw "open('$W/mft', 'w').write(str(v.at(0)))"
  image
  python3 -c "
import mmap
f, mft = open('$W/stored.img', 'r+b'), $(< "$W/mft")
m = mmap.mmap(f.fileno(), 0)
$1"
  gzip -9nc "$W/stored.img" > "$OUT/$name.img.gz"
}
bad-mft()  { spoilt "for n in range(4): m[mft + n * 1024:mft + n * 1024 + 512] = b'BAAD'.ljust(512, b'?')"; }   # the mirror is good
bad-boot() { spoilt "m[:512] = bytes(512); assert m[-509:-501] == b'NTFS    '"; }                             # its copy is good

# pair-1 and pair-2 are one volume at two times.
pair() {
  new 8M -c 1024
  for name in pair-1 pair-2; do
    fill "${name/-/}"
    raw "
assert v.attr('many', INDEX_ALLOCATION, '\$I30').size > 200_000
assert v.attr('work/resident-same-times').resident and not v.attr('work/outside-same-times').resident
assert v.attr('streams/all', ATTRIBUTE_LIST)
for f in ('resident-same-times', 'outside-same-times', 'read'):  # ntfs-3g sets the time of change as it likes
  v.set_value(v.attr('work/' + f, STANDARD_INFORMATION), 0x10, 8, 134_000_000_000_000_003)"
    keep
  done
}

# What sleuthkit and ntfsundelete find of deleted files; some of their clusters are in use again.
deleted() {
  new 3M -c 1024
  fill deleted
  fill deleted_since
  keep
  python3 "$GEN/ntfsdeleted.py" "$img" > "$W/found"
  python3 -c "
import json
o = [json.loads(line) for line in open('$W/found')]
assert len(o) >= 12 and any(0 < f['used'] < f['clusters'] for f in o) and any(f['used'] == 0 < f['clusters'] for f in o) and any(f['dir'] for f in o), o"
  gzip -9n < "$W/found" > "$OUT/$name.deleted.jsonl.gz"
}

mkdir -p "$OUT"
names=("$@")
if [ $# = 0 ]; then mapfile -t names < <(sed -nE '/^#-/,$s/^([a-z0-9-]+)\(\) *\{.*/\1/p' "$GEN/ntfs.sh" | grep -vxE 'plain|compressed|volume_flags|spoilt|on_board'); fi
for name in "${names[@]}"; do
  echo "$name"
  img=$W/$name.img
  "$name"
  rm -f "$W"/*.img
done

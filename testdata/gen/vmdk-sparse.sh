#!/bin/bash
# vmdk-sparse.sh: make testdata/vmdk/sparse: sparse, compressed and chained VMDKs, by qemu-img and qemu-io, and by vmdkwriter.py
# what those do not write.
#
# Every disk is read by qemu-img: sha256 has the hashes of what it converts to raw, as "SUM NAME OFFSET LENGTH", of the whole disk
# or, where that is large, of parts; maps.json has what `qemu-img map` says of each. The images are gzipped.
#
# Needs qemu-img, qemu-io (7.2), Python 3.
set -euo pipefail
shopt -s inherit_errexit
GEN=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
OUT=$(dirname "$GEN")/vmdk/sparse
W=$(mktemp -d)
trap 'rm -rf "$W"' EXIT
cd "$W"

die() { echo "vmdk-sparse.sh: $*" >&2; exit 1; }
text() { seq -f "$1 %.0f" 1 2000000 | head -c "$2" || true; }   # text WORD BYTES: no two sectors are equal
at() { dd of="$1" bs=64k seek="$2" oflag=seek_bytes conv=notrunc status=none; }   # at FILE BYTE: put standard input there
writes() { local f=$1; shift; qemu-io -f vmdk "${@/#/-c}" "$f" > /dev/null; }   # writes IMAGE COMMAND...
write() { qemu-img convert -f raw -O vmdk -o "subformat=$2" "$1" "$3"; }   # write RAW OPTIONS IMAGE
make() { python3 "$GEN/vmdkwriter.py" "$@"; }
header() { python3 -c 'import struct,sys; print(struct.unpack_from(sys.argv[2], open(sys.argv[1],"rb").read(512), int(sys.argv[3]))[0])' "$@"; }

# hash IMAGE [OFFSET LENGTH]...: qemu-img's content of the whole disk, or of parts
hash() {
  local name=$1 size; shift
  [ -e "$name.oracle" ] || qemu-img convert -f vmdk -O raw "$name" "$name.oracle"
  size=$(stat -c %s "$name.oracle")
  [ $# -gt 0 ] || set -- 0 "$size"
  while [ $# -gt 0 ]; do
    echo "$(tail -c +$(($1 + 1)) "$name.oracle" | head -c "$2" | sha256sum | cut -d' ' -f1) $name $1 $2" >> sha256
    shift 2
  done
  rm "$name.oracle"
  printf '%s"%s": %s' "$sep" "$name" "$(qemu-img map -f vmdk --output=json "$name")" >> maps.json
  sep=,
}
# same IMAGE RAW: qemu-img reads from the image what went into it
same() {
  qemu-img convert -f vmdk -O raw "$1" "$1.oracle"
  cmp "$1.oracle" "$2" || die "qemu-img reads $1 otherwise"
}
# delta NAME TYPE EXTENT PARENT: a descriptor of one extent over a parent, whose CID is read
delta() {
  printf '%s\n' '# Disk DescriptorFile' version=1 CID=0badcafe "parentCID=$(grep -a -m1 '^CID=' "$4" | cut -d= -f2)" \
    "createType=\"$2\"" "parentFileNameHint=\"$4\"" '' '# Extent description' "RW $3" '' '#DDB' > "$1"
}

sep=
echo '{' > maps.json
: > sha256

# A disk of 3 MiB and 3 sectors: text, a hole, grains that are partly zeros
truncate -s $((3 * 1048576 + 3 * 512)) disk.raw
text one 100000 | at disk.raw 0
text two 5000 | at disk.raw 1500000
text end 2048 | at disk.raw $((3 * 1048576 - 512))

# Every sparse subformat of qemu-img
for kind in monolithicSparse twoGbMaxExtentSparse streamOptimized; do
  write disk.raw $kind "$kind.vmdk"
  hash $kind.vmdk
done
write disk.raw monolithicSparse,compat6=on compat6.vmdk
hash compat6.vmdk
write disk.raw monolithicSparse,hwversion=11 hwversion.vmdk
hash hwversion.vmdk

# Zeroed grains, and grains that were stored before they were zeroed
write disk.raw monolithicSparse,zeroed_grain=on zeroed.vmdk
writes zeroed.vmdk 'write -z 64k 128k' 'write -P 7 1M 64k' 'write -z 1088k 64k' 'discard 0 64k'
[ $(($(header zeroed.vmdk '<I' 8) & 4)) = 4 ] || die "zeroed.vmdk: no flag"
qemu-img map -f vmdk --output=json zeroed.vmdk | grep -q '"start": 65536.*"zero": true, "data": false' || die 'zeroed.vmdk: no zeroed grain'
hash zeroed.vmdk

# Two files, and data at the seam and at both ends
qemu-img create -q -f vmdk -o subformat=twoGbMaxExtentSparse two.vmdk $((2147483648 + 5 * 1048576)) > /dev/null
[ -e two-s002.vmdk ] || die 'two.vmdk: one file'
writes two.vmdk 'write -P 1 0 64k' 'write -P 2 2147450880 64k' 'write -P 3 2152000000 100k'
hash two.vmdk 0 1048576 2146435072 6291456

# What vmdkwriter.py makes, each read by qemu-img as what went in
make hosted grain8.vmdk disk.raw --grain 8 --version 2
make hosted grain256.vmdk disk.raw --grain 256 --version 3
make hosted tables16.vmdk disk.raw --grain 16 --per-table 16
make stream ovf.vmdk disk.raw
make stream ovf-gd.vmdk disk.raw --header-directory
make stream ovf-raw.vmdk disk.raw --no-markers
make stream ovf-grain8.vmdk disk.raw --grain 8
for name in grain8 grain256 tables16 ovf ovf-gd ovf-raw ovf-grain8; do
  same $name.vmdk disk.raw
  hash $name.vmdk
done

# Snapshots of ESXi over a flat disk and over each other
text base $((1048576 + 512)) > flat.raw
qemu-img convert -f raw -O vmdk -o subformat=monolithicFlat flat.raw base.vmdk
truncate -s $((1048576 + 512)) cow.raw
text cow 20000 | at cow.raw 4096
text cow2 700 | at cow.raw 700000
make cowd base-000001-delta.vmdk cow.raw
delta base-000001.vmdk vmfsSparse '2049 VMFSSPARSE "base-000001-delta.vmdk"' base.vmdk
make cowd cow8-delta.vmdk cow.raw --grain 8
delta cow8.vmdk vmfsSparse '2049 VMFSSPARSE "cow8-delta.vmdk"' base.vmdk
truncate -s $((1048576 + 512)) se.raw
text se 30000 | at se.raw 12288
text se2 5000 | at se.raw 900000
make se base-000002-sesparse.vmdk se.raw --zero 100:40 --unmap 200:3
delta base-000002.vmdk seSparse '2049 SESPARSE "base-000002-sesparse.vmdk"' base-000001.vmdk
for name in base base-000001 cow8 base-000002; do hash $name.vmdk; done
cmp -s base.vmdk.oracle base-000001.vmdk.oracle && die 'no difference'

# A seSparse extent with a second table, over nothing
truncate -s 34M large.raw
text large 9000 | at large.raw 1000000
text large2 9000 | at large.raw $((33 * 1048576))
make se large-sesparse.vmdk large.raw --zero 8600:2
printf '%s\n' '# Disk DescriptorFile' version=1 CID=1 parentCID=ffffffff 'createType="seSparse"' \
  'RW 69632 SESPARSE "large-sesparse.vmdk"' > large.vmdk
same large.vmdk large.raw
hash large.vmdk 0 4194304 33554432 2097152

# A chain of eight, each of which wrote a grain of its own and one that all wrote
qemu-img create -q -f vmdk chain0.vmdk 2M
writes chain0.vmdk 'write -P 0x10 0 64k' 'write -P 0x11 1M 640k'
for n in 1 2 3 4 5 6 7; do
  qemu-img create -q -f vmdk -F vmdk -b chain$((n - 1)).vmdk -o zeroed_grain=on chain$n.vmdk
  writes chain$n.vmdk "write -P 0x2$n $((n * 65536)) 64k" "write -P 0x3$n 960k 64k" "write -z $((1048576 + n * 65536)) 64k"
done
hash chain7.vmdk
hash chain3.vmdk

# A stream under a snapshot, and a snapshot that is larger than its parent
write disk.raw streamOptimized under.vmdk
qemu-img create -q -f vmdk -F vmdk -b under.vmdk over.vmdk 5M
writes over.vmdk 'write -P 9 128k 1000' 'write -P 8 4M 512'
hash over.vmdk

# Flat and sparse extents in one disk. (qemu-img passes over ZERO extents, and reads from a grain that is cut by the end of its
# extent what belongs to the next one: the sparse extent is the last.)
text flat 65536 > mixed-f001.vmdk
make hosted mixed-s002.vmdk disk.raw
printf '%s\n' '# Disk DescriptorFile' version=1 CID=2 parentCID=ffffffff 'createType="monolithicFlat"' \
  'RW 100 FLAT "mixed-f001.vmdk" 28' 'RW 28 FLAT "mixed-f001.vmdk" 0' 'RW 6147 SPARSE "mixed-s002.vmdk"' > mixed.vmdk
hash mixed.vmdk

echo '}' >> maps.json
python3 -m json.tool --compact maps.json > maps.min && mv maps.min maps.json
mkdir -p "$OUT"
rm -f "$OUT"/*
gzip -9n ./*.vmdk
cp ./*.vmdk.gz sha256 maps.json "$OUT"
du -sh "$OUT"

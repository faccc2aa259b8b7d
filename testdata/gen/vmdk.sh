#!/bin/bash
# vmdk.sh: make testdata/vmdk: flat VMDKs by qemu-img and by hand, and the first sectors of what is not flat.
#
# sha256 lists the disks that a descriptor makes. qemu-img is the oracle; where it does not read the descriptor (it passes over
# ZERO extents and over those that are not RW), the disk is what dd put together, and the script asserts that qemu-img fails or
# differs.
#
# Needs qemu-img.
set -euo pipefail
shopt -s inherit_errexit
GEN=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
OUT=$(dirname "$GEN")/vmdk
W=$(mktemp -d)
trap 'rm -rf "$W"' EXIT

die() { echo "vmdk.sh: $*" >&2; exit 1; }
sum() { sha256sum < "$1" | cut -d' ' -f1; }
text() { seq -f "$1 %.0f" 1 20000 | head -c $(($2 * 512)) || true; }   # text WORD SECTORS: bytes of which no two sectors are equal
asserts() { grep -qE -- "$2" "$1" || die "$1: expected $2"; }
convert() { qemu-img convert -f raw -O vmdk -o "subformat=$2" "$W/$1.raw" "$3"; }

# descriptor NAME CREATETYPE EXTENT...
descriptor() {
  local name=$1 type=$2; shift 2
  printf '%s\n' '# Disk DescriptorFile' version=1 CID=12345678 parentCID=ffffffff "createType=\"$type\"" '' \
    '# Extent description' "$@" '' '#DDB' 'ddb.adapterType = "lsilogic"' > "$OUT/$name"
}
# oracle NAME: what qemu-img makes of it; known NAME FILE: what it is, where qemu-img is wrong
oracle() {
  qemu-img convert -f vmdk -O raw "$OUT/$1" "$W/oracle.raw"
  echo "$(sum "$W/oracle.raw")  $1" >> "$OUT/sha256"
}
known() {
  if qemu-img convert -f vmdk -O raw "$OUT/$1" "$W/oracle.raw" 2> /dev/null; then
    [ "$(sum "$W/oracle.raw")" != "$(sum "$2")" ] || die "qemu-img reads $1 now: use it as the oracle"
  fi
  echo "$(sum "$2")  $1" >> "$OUT/sha256"
}
# head_of NAME FILE: the first two sectors, which hold the magic
head_of() { head -c 1024 "$2" > "$OUT/$1"; }

mkdir -p "$OUT"
rm -f "$OUT"/*.vmdk "$OUT"/*.head "$OUT"/sha256
text disk 96 > "$W/disk.raw"

convert disk monolithicFlat "$OUT/mono.vmdk"
asserts "$OUT/mono.vmdk" '^RW 96 FLAT "mono-flat.vmdk" 0'
oracle mono.vmdk
convert disk twoGbMaxExtentFlat "$OUT/split.vmdk"
asserts "$OUT/split.vmdk" '^createType="twoGbMaxExtentFlat"'
oracle split.vmdk

# Three files; the middle of the disk is the end of the first file, so that offsets matter.
text 'part one' 40 > "$OUT/parts-f001.vmdk"
text 'part two' 24 > "$OUT/parts f002.vmdk"
descriptor parts.vmdk twoGbMaxExtentFlat \
  'RW 16 FLAT "parts-f001.vmdk" 8' 'RW 20 FLAT "parts f002.vmdk" 2' 'RW 12 FLAT "parts-f001.vmdk" 28' 'RW 8 FLAT "parts-f001.vmdk" 0'
oracle parts.vmdk
descriptor vmfs.vmdk vmfs 'RW 40 VMFS "parts-f001.vmdk"'
oracle vmfs.vmdk

# A hole, a read-only extent, a hole at the end
descriptor zero.vmdk monolithicFlat \
  'RW 16 FLAT "parts-f001.vmdk" 0' 'RW 32 ZERO' 'RDONLY 8 FLAT "parts f002.vmdk" 4' 'RW 8 ZERO'
{
  head -c 8192 "$OUT/parts-f001.vmdk"; head -c 16384 /dev/zero
  dd if="$OUT/parts f002.vmdk" bs=512 skip=4 count=8 status=none; head -c 4096 /dev/zero
} > "$W/zero.raw"
known zero.vmdk "$W/zero.raw"

# What is not flat
for type in monolithicSparse streamOptimized; do
  convert disk $type "$W/$type.vmdk"
  head_of $type.head "$W/$type.vmdk"
  grep -qa "createType=\"$type\"" "$OUT/$type.head" || die "$type: no embedded descriptor"
done
convert disk twoGbMaxExtentSparse "$W/twosparse.vmdk"
cp "$W/twosparse.vmdk" "$OUT/twosparse.vmdk"
asserts "$OUT/twosparse.vmdk" '^RW 96 SPARSE "twosparse-s001.vmdk"'
for format in qcow qcow2 qed vdi vhdx vpc parallels; do
  qemu-img convert -f raw -O $format "$W/disk.raw" "$W/$format.img"
  head_of $format.head "$W/$format.img"
done
qemu-img convert -f raw -O vpc -o subformat=fixed,force_size=on "$W/disk.raw" "$OUT/fixed-vhd.head"

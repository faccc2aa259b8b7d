#!/bin/bash
# windows-vm.sh: make testdata/win01, the disk of a small Windows machine in two flat extents.
#
#   GPT:  p1  EFI system partition, FAT12
#         p2  Microsoft reserved
#         p3  NTFS: files in their record and outside, in pieces, with a hole, a named stream, a directory of two levels
#
# Needs, beside what lib.sh needs: sgdisk, mkfs.vfat, mtools, 7z, ntfs-3g and FUSE, attr, qemu-img.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
OUT=$DATA/win01
name=win01
EFI=2048 MSR=4096 NTFS=4352 END=12254   # sectors; the backup GPT follows END
DISK=$((6 * 2048))
CUT=6401                                # sector where the second extent begins: inside NTFS, and inside a cluster

text() { seq -f "$1 %.0f" 1 100000 | head -c "$2" || true; }   # text WORD BYTES

# mtools write the files, since not every kernel has vfat; read back by 7z they are the same.
efi() {
  mkdir -p "$W/efi/EFI/Microsoft/Boot" "$W/efi/EFI/Boot"
  text bootmgfw 70000 > "$W/efi/EFI/Microsoft/Boot/bootmgfw.efi"
  text bootx64 30000 > "$W/efi/EFI/Boot/bootx64.efi"
  text 'a long name' 100 > "$W/efi/EFI/Microsoft/Boot/a file with a long name.txt"
  mcopy -s -i "$W/p1.img" "$W/efi/EFI" ::
  (cd "$W/efi"; find . -type f -printf '%P\0' | sort -z | xargs -0 sha256sum) > "$OUT/p1.sha256"
  7z x -o"$W/read" "$W/p1.img" > /dev/null
  (cd "$W/read"; sha256sum --quiet --strict -c "$OUT/p1.sha256")
}

ntfs() {
  local i
  mkdir -p "$MNT/Users/alice" "$MNT/Windows/System32"
  text resident 300 > "$MNT/Users/alice/resident.txt"
  text plain 300000 > "$MNT/Users/alice/plain.txt"
  text stream 5000 > "$W/stream"
  setfattr -n user.origin -v "0x$(od -An -v -tx1 "$W/stream" | tr -d ' \n')" "$MNT/Users/alice/plain.txt"
  : > "$MNT/Users/alice/empty.txt"
  for i in {0..23}; do  # two files that grow in turn, so that they lie in pieces
    text "left $i" 4096 >> "$MNT/left.log"
    text "right $i" 4096 >> "$MNT/right.log"
    sync -f "$MNT"
  done
  text begin 4096 > "$MNT/sparse.bin"
  truncate -s 8M "$MNT/sparse.bin"
  text end 4096 >> "$MNT/sparse.bin"
  for i in {000..199}; do text "library $i" $((10#$i * 7)) > "$MNT/Windows/System32/library-$i.dll"; done
}

# with_ntfs OPTIONS CMD...: run CMD while the NTFS volume is mounted. On a block device umount waits for ntfs-3g.
with_ntfs() {
  local opts=$1; shift
  LOOP=$(losetup -f --show "$W/p3.img")
  ntfs-3g -o "streams_interface=xattr,$opts" "$LOOP" "$MNT"
  "$@"
  umount "$MNT"
  losetup -d "$LOOP"; LOOP=
}
list() { python3 "$GEN/manifest.py" "$MNT" | gzip -9n > "$OUT/$1.manifest.jsonl.gz"; }
sum() { sha256sum | cut -d' ' -f1; }
cut_out() { dd if="$W/disk.img" bs=512 skip="$1" count="$2" status=none; }   # cut_out SECTOR COUNT
put() { dd if="$1" of="$W/disk.img" bs=512 seek="$2" conv=notrunc status=none; }

mkdir -p "$OUT"
rm -f "$OUT"/*.gz "$OUT"/*.vmdk "$OUT"/*sha256
truncate -s $((DISK * 512)) "$W/disk.img"
sgdisk -a 1 -U "$(uuid win01)" \
  -n 1:$EFI:$((MSR - 1)) -t 1:ef00 -c '1:EFI system partition' -u "1:$(uuid win01-1)" \
  -n 2:$MSR:$((NTFS - 1)) -t 2:0c01 -c '2:Microsoft reserved partition' -u "2:$(uuid win01-2)" \
  -n 3:$NTFS:$END -t 3:0700 -c '3:Basic data partition' -u "3:$(uuid win01-3)" "$W/disk.img" > "$W/sgdisk.log"

truncate -s $(((MSR - EFI) * 512)) "$W/p1.img"
mkfs.vfat -F 12 -n SYSTEM -i 20010911 -h $EFI "$W/p1.img" > /dev/null
efi
put "$W/p1.img" $EFI

text 'microsoft reserved' $(((NTFS - MSR) * 512)) > "$W/p2.img"
put "$W/p2.img" $MSR

truncate -s $(((END + 1 - NTFS) * 512)) "$W/p3.img"
mkntfs -q -F -L win01 -p $NTFS -H 255 -S 63 "$W/p3.img" &> "$W/mkntfs.err" || { cat "$W/mkntfs.err" >&2; exit 1; }
with_ntfs rw ntfs
with_ntfs ro list p3
put "$W/p3.img" $NTFS

# What the files are for
info() { ntfsinfo -v -F "$1" "$W/p3.img" 2> /dev/null; }
has "$(info Users/alice/resident.txt | grep -A 2 'attribute .DATA')" 'Resident:\s+Yes'
has "$(info Users/alice/plain.txt | grep -A 2 'attribute .DATA')" 'Resident:\s+No'
has "$(zcat "$OUT/p3.manifest.jsonl.gz" | grep '"Users/alice/plain.txt"')" '"user.origin"'
has "$(info Windows/System32)" 'INDEX_ALLOCATION'
has "$(info sparse.bin)" 'Data size:\s+8392704'
has "$(info left.log)" 'fragments: [1-9][0-9]'
[ "$(zcat "$OUT/p3.manifest.jsonl.gz" | grep -c sha256)" = 206 ] || die "not all files are listed"

cat > "$OUT/win01.vmdk" <<END_OF_DESCRIPTOR
# Disk DescriptorFile
version=1
encoding="windows-1252"
CID=77696e31
parentCID=ffffffff
createType="twoGbMaxExtentFlat"

# Extent description
RW $CUT FLAT "win01-f001.vmdk" 0
RW $((DISK - CUT)) FLAT "win01-f002.vmdk" 0

# The Disk Data Base
#DDB

ddb.adapterType = "lsilogic"
ddb.virtualHWVersion = "19"
END_OF_DESCRIPTOR
cp "$OUT/win01.vmdk" "$W"
cut_out 0 $CUT > "$W/win01-f001.vmdk"
cut_out $CUT $((DISK - CUT)) > "$W/win01-f002.vmdk"
qemu-img convert -f vmdk -O raw "$W/win01.vmdk" "$W/oracle.img"
cmp "$W/oracle.img" "$W/disk.img"
for part in f001 f002; do gzip -9nc "$W/win01-$part.vmdk" > "$OUT/win01-$part.vmdk.gz"; done

{
  echo "$(sum < "$W/disk.img")  disk"
  echo "$(cut_out $EFI $((MSR - EFI)) | sum)  p1"
  echo "$(cut_out $MSR $((NTFS - MSR)) | sum)  p2"
  echo "$(cut_out $NTFS $((END + 1 - NTFS)) | sum)  p3"
} > "$OUT/sha256"

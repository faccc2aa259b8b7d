#!/bin/bash
# partition.sh: make testdata/partition, disks with MBR and GPT tables by three writers and with two sector sizes.
#
# NAME.img.gz is the disk; NAME.manifest is what partx and blkid (libblkid) say of it, a line for the table and one for each
# partition, in sectors of 512 bytes whatever the disk's are, with the sha256 of the partition's bytes, which dd cut out.
#
# Needs root and loop devices (for 4096-byte sectors), sfdisk, partx, losetup, sgdisk, parted, mke2fs, mkfs.fat, mkntfs,
# python3.
set -euo pipefail
shopt -s inherit_errexit
export LC_ALL=C.UTF-8 E2FSPROGS_FAKE_TIME=1000000000
GEN=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
OUT=$(dirname "$GEN")/partition
W=$(mktemp -d)
LOOP=
trap 'if [ -n "$LOOP" ]; then losetup -d "$LOOP"; fi; rm -rf "$W"' EXIT

die() { echo "partition.sh: $*" >&2; exit 1; }
has() { grep -qE -- "$2" <<<"$1" || die "expected: $2, found: $1"; }           # has TEXT REGEXP
new() { IMG=$W/$1.img; rm -f "$IMG"; truncate -s "$2" "$IMG"; }                # new NAME SIZE
guid() { md5sum <<<"$1" | sed -E 's/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*/\1-\2-4\3-8\4-\5/'; }
sector() { printf '%s\n' "$2" | dd of="$IMG" seek="$1" bs=512 conv=notrunc,sync status=none; }   # sector NR TEXT

# in_4k COMMAND...: run COMMAND with $LOOP, a device of 4096-byte sectors over the image
in_4k() {
  LOOP=$(losetup -f --show -b 4096 "$IMG")
  "$@"
  losetup -d "$LOOP"; LOOP=
}
write_sfdisk() { sfdisk -q --no-reread --no-tell-kernel "${LOOP:-$IMG}"; }
table() { blkid -p -o export "${LOOP:-$IMG}" | sed -n 's/^PT\(TYPE\|UUID\)=\(.*\)/PT\1="\2"/p' | tr '\n' ' '; }

# parts [SECTOR-SIZE]: what libblkid finds
parts() { partx -S "${1:-512}" --pairs -o NR,START,SECTORS,TYPE,UUID,FLAGS,NAME "$IMG"; }

# mark [SECTOR-SIZE]: write the name of each partition into its first and its last sector
mark() {
  local NR START SECTORS TYPE UUID FLAGS NAME line list
  list=$(parts "$@")
  while read -r line; do
    eval "$line"
    case $TYPE in 0x5|0xf|0x85) continue;; esac
    sector "$START" "$(basename "$IMG") p$NR begins"
    sector $((START + SECTORS - 1)) "$(basename "$IMG") p$NR ends"
  done <<<"$list"
}

# golden [SECTOR-SIZE]: write the image and its manifest
golden() {
  # shellcheck disable=SC2034 # set by the line of the list
  local NR START SECTORS TYPE UUID FLAGS NAME line list name size sum
  name=$(basename "$IMG" .img) size=$(stat -c %s "$IMG")
  list=$(parts "$@")
  {
    if [ "${1:-512}" = 4096 ]; then in_4k table; else table; fi
    echo "SECTORSIZE=\"${1:-512}\""
    while read -r line; do
      eval "$line"
      sum=-
      if [ $(((START + SECTORS) * 512)) -le "$size" ]; then
        sum=$(dd if="$IMG" bs=512 skip="$START" count="$SECTORS" status=none | sha256sum | cut -d' ' -f1)
      fi
      echo "$line SHA256=\"$sum\""
    done <<<"$list"
  } > "$OUT/$name.manifest"
  gzip -9n < "$IMG" > "$OUT/$name.img.gz"
}

mbr_primary() {
  new mbr-primary 4M
  write_sfdisk <<-END
	label: dos
	label-id: 0x1a2b3c4d
	start=63, size=1000, type=83
	start=2048, size=512, type=7, bootable
	start=4096, size=1024, type=82
	start=5120, size=3072, type=8e
	END
  mark; golden
  [ "$(grep -c '^NR' "$OUT/mbr-primary.manifest")" = 4 ] || die 'no four primaries'
}

# Six logical partitions: out of order on the disk, with gaps, and a chain whose first table is empty, because its partition
# was deleted; libblkid and the kernel count what is left from 5 on.
mbr_logical() {
  new mbr-logical 8M
  write_sfdisk <<-END
	label: dos
	label-id: 0x00000e0b
	1: start=64, size=512, type=83
	2: start=1024, size=12288, type=f
	4: start=14336, size=1024, type=7
	5: start=1088, size=200, type=83
	6: start=5120, size=300, type=83
	7: start=2048, size=400, type=82
	8: start=9000, size=500, type=8e
	9: start=6200, size=600, type=fd
	10: start=12000, size=700, type=83
	11: start=3000, size=64, type=b
	END
  dd if=/dev/zero of="$IMG" seek=$((1024 * 512 + 446)) bs=1 count=16 conv=notrunc status=none
  mark; golden
  [ "$(grep -cE '^NR="([5-9]|10)"' "$OUT/mbr-logical.manifest")" = 6 ] || die 'no six logical partitions'
  [ "$(sed -nE 's/^NR="([5-9]|10)" START="([0-9]+)".*/\2/p' "$OUT/mbr-logical.manifest" | sort -nc 2>&1)" ] || die 'the chain is in order'
}

mbr_parted() {
  new mbr-parted 4M
  parted -s "$IMG" unit s mklabel msdos mkpart primary ext2 64s 1000s mkpart extended 1024s 8000s \
    mkpart logical ext2 1100s 2000s mkpart logical linux-swap 3000s 4000s set 1 boot on 2> /dev/null
  sfdisk -q --no-reread --no-tell-kernel --disk-id "$IMG" 0x70617274
  mark; golden
}

mbr_4k() {
  new mbr-4k 8M
  in_4k write_sfdisk <<-END
	label: dos
	label-id: 0x00004096
	start=64, size=256, type=83
	start=512, size=1024, type=f
	start=576, size=128, type=82
	start=1024, size=256, type=8e
	END
  mke2fs -q -F -t ext2 -b 1024 -U "$(guid mbr-4k)" -E "offset=$((64 * 4096)),hash_seed=$(guid seed)" "$IMG" 512
  sector $((1024 * 8)) 'mbr-4k.img p6 begins'
  golden 4096
  has "$(cat "$OUT/mbr-4k.manifest")" '^NR="6" START="8192" SECTORS="2048"'
}

# gpt_table COUNT: five partitions, of which the numbers have gaps, in a table of COUNT entries
gpt_table() {
  sgdisk -S "$1" -a 1 -U "$(guid "$(basename "$IMG")")" \
    -n 1:80:2047 -t 1:ef00 -c 1:'EFI system' -n 2:2048:3071 -t 2:8300 -c 2:'Größe ☃ 😀' -A 2:set:2 \
    -n 3:5000:5099 -t 3:8e00 -n 5:4000:4499 -t 5:0700 -c 5:'Basic data partition' \
    -n "$1":6000:6000 -t "$1":8200 -c "$1":'012345678901234567890123456789012345' "$IMG" > /dev/null
  local i
  for i in 1 2 3 5 "$1"; do sgdisk -u "$i:$(guid "$i")" "$IMG" > /dev/null; done
}
gpt() {
  new gpt 4M; gpt_table 128; mark; golden
  has "$(sgdisk -v "$IMG")" 'No problems found'
  has "$(sgdisk -i 128 "$IMG")" 'First sector: 6000 .*'

  # The same disk with its first header, its first table of entries, or its end gone
  cp --sparse=always "$IMG" "$W/gpt-header.img"; IMG=$W/gpt-header.img
  printf '\377' | dd of="$IMG" seek=$((512 + 40)) bs=1 conv=notrunc status=none
  golden
  cp --sparse=always "$W/gpt.img" "$W/gpt-entries.img"; IMG=$W/gpt-entries.img
  printf '\377' | dd of="$IMG" seek=$((1024 + 130)) bs=1 conv=notrunc status=none
  golden
  cp --sparse=always "$W/gpt.img" "$W/gpt-cut.img"; IMG=$W/gpt-cut.img
  truncate -s $((5050 * 512)) "$IMG"
  has "$(sgdisk -v "$IMG" 2>&1 || true)" 'Disk is too small to hold all the data'
  has "$(sgdisk -i 3 "$IMG" 2> /dev/null)" 'Last sector: 5099 '
  cp "$OUT/gpt.manifest" "$OUT/gpt-cut.manifest" # libblkid refuses to look at it; the table is the same
  gzip -9n < "$IMG" > "$OUT/gpt-cut.img.gz"
}
gpt_resized() {
  new gpt-resized 4M; gpt_table 256; mark; golden
  has "$(od -An -tu4 -j 592 -N 4 "$IMG")" '^ *256$'
}
# No common tool writes or reads entries of 256 bytes, which the specification allows. The manifest is that of the same table
# before each entry was widened.
gpt_wide() {
  new gpt-wide 4M; gpt_table 64; mark; golden
  python3 - "$IMG" <<-'END'
	import struct, sys, zlib
	disk = bytearray(open(sys.argv[1], 'rb').read())
	for header in 512, len(disk) - 512:
	    entries = struct.unpack_from('<Q', disk, header + 72)[0] * 512
	    narrow = disk[entries:entries + 64 * 128]
	    wide = b''.join(narrow[i:i + 128] + b'\xee' * 128 for i in range(0, len(narrow), 128))
	    if header > entries:
	        entries = header - len(wide)
	        struct.pack_into('<Q', disk, header + 72, entries // 512)
	    disk[entries:entries + len(wide)] = wide
	    struct.pack_into('<III', disk, header + 80, 64, 256, zlib.crc32(wide))
	    struct.pack_into('<I', disk, header + 16, 0)
	    struct.pack_into('<I', disk, header + 16, zlib.crc32(disk[header:header + 92]))
	open(sys.argv[1], 'wb').write(disk)
	END
  gzip -9n < "$IMG" > "$OUT/gpt-wide.img.gz"
}
gpt_hybrid() {
  new gpt-hybrid 4M; gpt_table 128; sgdisk -h 2:5 "$IMG" > /dev/null; mark; golden
  [ "$(sfdisk -J --label-nested dos "$IMG" | grep -c '"type"')" = 3 ] || die 'no hybrid MBR'
}
gpt_4k() {
  new gpt-4k 8M
  in_4k write_sfdisk <<-END
	label: gpt
	label-id: $(guid gpt-4k)
	start=256, size=512, type=uefi, name="four", uuid=$(guid 4k1)
	start=1024, size=300, type=lvm, uuid=$(guid 4k2), attrs=LegacyBIOSBootable
	END
  mark 4096; golden 4096
  [ "$(dd if="$IMG" bs=4096 skip=1 count=1 status=none | head -c 8)" = 'EFI PART' ] || die 'no 4096-byte sectors'
}
no_table() {
  new fat 1M; mkfs.fat -i 0fa70fa7 "$IMG" > /dev/null; gzip -9n < "$IMG" > "$OUT/fat.img.gz"
  new ntfs 2M; mkntfs -q -F -f -s 512 -p 0 -H 16 -S 63 "$IMG" > /dev/null 2>&1; truncate -s 64k "$IMG"; gzip -9n < "$IMG" > "$OUT/ntfs.img.gz"
  local name
  for name in fat ntfs; do
    [ "$(od -An -tx1 -j 510 -N 2 "$W/$name.img")" = ' 55 aa' ] || die "$name: no 55 AA"
  done
}

# Tables that are told by name only
other_tables() {
  new other-mac 1M; parted -s "$IMG" mklabel mac mkpart one ext2 100kB 900kB; other mac
  new other-bsd 1M; parted -s "$IMG" mklabel bsd mkpart ext2 100kB 900kB; other bsd
  new other-sun 8M; parted -s "$IMG" mklabel sun mkpart ext2 1MB 4MB; other sun
}
other() {
  has "$(parted -sm "$IMG" print)" ":$1:"
  gzip -9n < "$IMG" > "$OUT/other-$1.img.gz"
}

mkdir -p "$OUT"
for table in mbr_primary mbr_logical mbr_parted mbr_4k gpt gpt_resized gpt_wide gpt_hybrid gpt_4k no_table other_tables; do $table; done

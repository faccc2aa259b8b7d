#!/bin/bash
# build-disk.sh [--manifests] [DIR]: make the disk that run.py measures with, in DIR (bench/vm when not given).
#
#   web01.vmdk, web01-flat.vmdk   descriptor and bytes, 6.6 GiB:
#     p1  ext3 /boot, clean
#     p2  LVM2 PV, VG vg_root:  root  3 GiB ext3, dirty, three segments of which the second lies last
#                               home  512 MiB ext3, clean;  swap
#     p3  NTFS, with compressed directories and a named stream
#   layout.env                    byte offsets of all that
#   root.segments ...             "VOLUME-OFFSET DISK-OFFSET LENGTH" of each segment, in bytes
#   ntfs.sha256                   what was written to the NTFS volume
#
# root is as a snapshot of a running server is: files of this machine, a busy writer, and the power cut under it. What was
# committed last lies in the journal only. With --manifests, also the volumes as the kernel replays them (root.img, home.img,
# boot.img: about 3 GiB more) and what the kernel reads there (root.manifest.jsonl.gz ...).
#
# Needs root, Linux with loop devices, ext4 and FUSE, e2fsprogs, lvm2 (no device-mapper), ntfs-3g, attr, fdisk and python3 >= 3.11.
# Takes about 3 minutes and, for as long, 12 GiB.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

MANIFESTS=
if [ "${1-}" = --manifests ]; then MANIFESTS=1; shift; fi
case ${1-} in -*) echo "usage: ${0##*/} [--manifests] [DIR]" >&2; exit 2 ;; esac
OUT=${1:-$HERE/vm}
mkdir -p "$OUT"
OUT=$(cd "$OUT" && pwd)
TMPDIR=$OUT   # for lib.sh: the volumes do not fit into a small /tmp
export TMPDIR
. "$HERE/../testdata/gen/lib.sh"

M=$((1024 * 1024))
PE=4                                                        # all sizes in MiB
BOOT=256 ROOT=3072 HOMES=512 SWAP=256 NTFS=2560
PV=$((ROOT + HOMES + SWAP + 16 * PE))                       # 15 free extents or so
P1=1 P2=$((1 + BOOT)) P3=$((1 + BOOT + PV))
DISK=$((P3 + NTFS + 1))
BIG=512                                                     # the large file, in root and in NTFS
ROUNDS=600                                                  # of the writer
FLAT=$OUT/web01-flat.vmdk
BOOT_UUID=$(uuid boot.img)

say() { printf '%4d s  %s\n' "$SECONDS" "$*" >&2; }

disk() {
  rm -f "$FLAT"; truncate -s ${DISK}M "$FLAT"
  sfdisk -q "$FLAT" <<-END
	label: dos
	label-id: 0x77656230
	start=$((P1 * 2048)), size=$((BOOT * 2048)), type=83, bootable
	start=$((P2 * 2048)), size=$((PV * 2048)), type=8e
	start=$((P3 * 2048)), size=$((NTFS * 2048)), type=7
	END
  cat > "$OUT/web01.vmdk" <<-END
	# Disk DescriptorFile
	version=1
	encoding="UTF-8"
	CID=4f1d2c3b
	parentCID=ffffffff
	isNativeSnapshot="no"
	createType="vmfs"

	# Extent description
	RW $((DISK * 2048)) VMFS "web01-flat.vmdk"

	# The Disk Data Base
	#DDB

	ddb.adapterType = "lsilogic"
	ddb.geometry.cylinders = "$((DISK * 2048 / 255 / 63))"
	ddb.geometry.heads = "255"
	ddb.geometry.sectors = "63"
	ddb.virtualHWVersion = "13"
	END
}

# lv COMMAND...: lvm on the PV alone, without device-mapper, host configuration or backups
lv() {
  local command=$1; shift
  LVM_SUPPRESS_FD_WARNINGS=1 lvm "$command" --driverloaded n -q --config "
    devices { use_devicesfile=0 filter=[\"a|^$LOOP\$|\", \"r|.*|\"] }
    activation { monitoring=0 } backup { backup=0 archive=0 }" "$@" 2>> "$W/lvm.err" || { cat "$W/lvm.err" >&2; return 1; }
}
create() { lv lvcreate -an -Zn -Wn -y -n "$1" -l "$2" vg_root "$LOOP:$3-$(($3 + $2 - 1))" > /dev/null; }   # NAME EXTENTS FIRST
extend() { lv lvextend -l "+$2" "vg_root/$1" "$LOOP:$3-$(($3 + $2 - 1))" > /dev/null; }

# On the disk: the first part of root, swap, home, the third part of root, free space, the second part of root.
volumes() {
  local root=$((ROOT / PE)) home=$((HOMES / PE)) swap=$((SWAP / PE)) first second third total
  first=$((root * 5 / 12)) second=$((root / 3)) third=$((root - root * 5 / 12 - root / 3))
  LOOP=$(losetup -f --show -o $((P2 * M)) --sizelimit $((PV * M)) "$FLAT")
  lv pvcreate -ff -y "$LOOP" > /dev/null
  lv vgcreate -s ${PE}m vg_root "$LOOP" > /dev/null
  total=$(lv vgs --noheadings -o vg_extent_count vg_root)
  create root $first 0
  create swap $swap $first
  extend root $second $((total - second))
  create home $home $((first + swap))
  extend root $third $((first + swap + home))
  lv lvs --segments --noheadings --units b --nosuffix -o lv_name,seg_start,seg_size,seg_pe_ranges vg_root > "$W/lvs"
  local start; start=$(($(lv pvs --noheadings --units b --nosuffix -o pe_start "$LOOP") + P2 * M))
  losetup -d "$LOOP"; LOOP=
  local name
  for name in root home swap; do
    awk -v lv=$name -v start="$start" -v pe=$((PE * M)) '
      $1 == lv {sub(".*:", "", $4); printf "%.0f %.0f %.0f\n", $2, start + $4 * pe, $3}' "$W/lvs" > "$OUT/$name.segments"
  done
  [ "$(wc -l < "$OUT/root.segments")" = 3 ] || die "root is not in three segments"
  echo "0 $((P1 * M)) $((BOOT * M))" > "$OUT/boot.segments"
  echo "0 $((P3 * M)) $((NTFS * M))" > "$OUT/ntfs.segments"
  cat > "$OUT/layout.env" <<-END
	DISK_BYTES=$((DISK * M))
	P1_OFF=$((P1 * M)) P1_LEN=$((BOOT * M))
	P2_OFF=$((P2 * M)) P2_LEN=$((PV * M))
	P3_OFF=$((P3 * M)) P3_LEN=$((NTFS * M))
	ROOT_LEN=$((ROOT * M))
	END
}

# place NAME: put NAME.img where its segments lie on the disk; runs of zeros stay holes
place() {
  local from to size
  while read -r from to size; do
    dd if="$W/$1.img" of="$FLAT" bs=1M iflag=skip_bytes,count_bytes oflag=seek_bytes skip="$from" seek="$to" count="$size" \
      conv=notrunc,sparse status=none
  done < "$OUT/$1.segments"
}

# keep NAME: with --manifests, NAME.img as the kernel replays it, and its manifest
keep() {
  [ -n "$MANIFESTS" ] || { rm "$W/$1.img"; return; }
  mv "$W/$1.img" "$OUT/$1.img"
  mounted "$OUT/$1.img" noatime true
  manifest "$OUT/$1.img" "$OUT/$1"
}

# import MIB DIR TREE...: copy files, directories and links of this machine into DIR until MIB is used up. No links below doc:
# the writer changes those files, and would follow them.
import() {
  local mib=$1 dir=$2 there=() tree; shift 2
  for tree; do if [ -d "$tree" ]; then there+=("$tree"); fi; done
  find "${there[@]}" -xdev \( -type f -o -type d -o -type l -not -path '*/doc/*' \) -printf '%s\t%p\0' |
    awk -v RS='\0' -v ORS='\0' -F'\t' -v max=$((mib * M)) '{used += $1 + 4096} used <= max {print $2}' |
    tar -C / -cf - --no-recursion --null -T - 2> /dev/null |
    tar -C "$dir" -xpf - "${OWNERS[@]}"
}
OWNERS=()
random() { head -c "$1" /dev/urandom > "$2"; }   # random BYTES FILE

boot() {
  mkdir "$MNT/grub"
  printf 'set timeout=5\nset root=(hd0,msdos1)\n' > "$MNT/grub/grub.cfg"
  random $((BOOT * M / 20)) "$MNT/vmlinuz-6.1.0-web"
  random $((BOOT * M / 8)) "$MNT/initrd.img-6.1.0-web"
}

home() {
  local user i
  for user in alice bob carol; do
    mkdir -p "$MNT/$user/notes"
    for i in {1..200}; do echo "$user note $i" > "$MNT/$user/notes/n$i.txt"; done
    random $((HOMES * M / 16)) "$MNT/$user/photo.raw"
    chown -R 1000:1000 "$MNT/$user"
  done
  echo web01-home > "$MNT/hostname"
}

root() {
  import 1500 "$MNT" /etc /usr/share /usr/include /usr/lib/python3 /usr/lib/python3.1* /usr/lib/systemd /usr/bin /usr/local
  mkdir -p "$MNT"/{boot,dev,home,opt/stale,proc,root,srv,sys,tmp,var/lib/app,var/log}
  rm -f "$MNT"/etc/{hostname,fstab}
  echo web01 > "$MNT/etc/hostname"
  cat > "$MNT/etc/fstab" <<-END
	# the volumes of web01
	/dev/mapper/vg_root-root / ext3 errors=remount-ro 0 1
	UUID=$BOOT_UUID /boot ext3 defaults 0 2
	LABEL=home /home ext3 nodev 0 2
	/dev/vg_root/swap none swap sw 0 0
	tmpfs /tmp tmpfs defaults 0 0
	END
  random $((BIG * M)) "$MNT/var/lib/app/big.bin"
  truncate -s $((BIG * 4))M "$MNT/var/lib/app/sparse.db"
  local i j
  for i in 0 1 7 63 200; do
    dd if=/dev/urandom of="$MNT/var/lib/app/sparse.db" bs=64k count=1 seek=$((i * BIG / 32)) conv=notrunc status=none
  done
  mknod "$MNT/dev/null" c 1 3
  mknod "$MNT/dev/sda" b 8 0
  mkfifo "$MNT/tmp/fifo"
  for i in {1..600}; do  # one is deleted in every second round of the writer: revoked directory blocks
    mkdir "$MNT/opt/stale/d$i"
    for j in {1..6}; do random $((RANDOM % 20000)) "$MNT/opt/stale/d$i/f$j"; done
  done
  for i in 1 2 3; do seq 20000 > "$MNT/var/log/app$i.log"; done
}

ntfs() {
  mkntfs -q -F -f -L DATA -p $((P3 * 2048)) -H 255 -S 63 "$W/ntfs.img" &> "$W/mkntfs.err" || { cat "$W/mkntfs.err" >&2; return 1; }
  LOOP=$(losetup -f --show "$W/ntfs.img")  # on a block device, umount waits until ntfs-3g has written all
  ntfs-3g -o compression,streams_interface=xattr,big_writes "$LOOP" "$MNT"
  OWNERS=(--no-same-owner --no-same-permissions)
  echo web01-ntfs > "$MNT/hostname.txt"
  setfattr -n user.stream1 -v 'a named stream' "$MNT/hostname.txt"
  random $((BIG * M)) "$MNT/big.bin"
  import 700 "$MNT" /usr/share
  mkdir "$MNT/compressed"
  setfattr -n system.ntfs_attrib_be -v 0x00000810 "$MNT/compressed"
  import 175 "$MNT/compressed" /usr/include
  seq 9000000 > "$MNT/compressed/seq.txt"
  (cd "$MNT"; find . -type f -print0 | sort -z | xargs -0 sha256sum) > "$OUT/ntfs.sha256"
  umount "$MNT"
  losetup -d "$LOOP"; LOOP=
}

disk
volumes

say 'boot, home, swap'
for name in boot home; do
  mkfs "$W/$name.img" "$(awk '{n += $3} END {print n}' "$OUT/$name.segments")" -t ext3 -L $name
  mounted "$W/$name.img" noatime $name
  place $name
  keep $name
done
truncate -s ${SWAP}M "$W/swap.img"
mkswap -q "$W/swap.img"
place swap

say ntfs
truncate -s ${NTFS}M "$W/ntfs.img"
ntfs
place ntfs
rm "$W/ntfs.img"

say root
OWNERS=()
mkfs "$W/root.img" ${ROOT}M -t ext3 -L root
mounted "$W/root.img" noatime root
say 'the writer, and the power cut'
crash "$W/root.img" noatime $ROUNDS
log=$(log "$W/root.img")
[ "$(count "$log" 'type 2 \(commit')" -ge 100 ] || die "fewer than 100 transactions"
[ "$(count "$log" 'type 5 \(revoke')" -ge 1 ] || die "no revoke"
place root
keep root
say "$OUT/web01.vmdk: $((DISK * M)) bytes, $(du -m "$FLAT" | cut -f1) MiB on disk"

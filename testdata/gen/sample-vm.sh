#!/bin/bash
# sample-vm.sh: make testdata/web01, the disk of a small Linux server that lost its power.
#
#   MBR:  p1  ext3 /boot, clean
#         p2  LVM2 PV, VG vg_root:  root  ext3, dirty journal, three segments out of order
#                                   home  ext3, clean
#
# Needs, beside what lib.sh needs: lvm2 (no device-mapper) and sfdisk.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
OUT=$DATA/web01
FLAT=$OUT/web01-flat.vmdk
M=$((1024 * 1024))
P1=1 BOOT=3 P2=4 PV=19 DISK=24   # MiB
PE=$((M / 2)) ROOT=24 HOME_PE=8  # extents
export BOOT_UUID; BOOT_UUID=$(uuid boot.img)

disk() {
  rm -f "$FLAT"; truncate -s ${DISK}M "$FLAT"
  sfdisk -q "$FLAT" <<-END
	label: dos
	label-id: 0x77656230
	start=$((P1 * 2048)), size=$((BOOT * 2048)), type=83, bootable
	start=$((P2 * 2048)), size=$((PV * 2048)), type=8e
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

# The first 10 extents of root, then home, a gap, the last 6 of root, and its middle after those.
volumes() {
  LOOP=$(losetup -f --show -o $((P2 * M)) --sizelimit $((PV * M)) "$FLAT")
  lv pvcreate -ff -y "$LOOP" > /dev/null
  lv vgcreate -s 512k vg_root "$LOOP" > /dev/null
  lv lvcreate -an -Zn -Wn -y -n root -l 10 vg_root "$LOOP:0-9" > /dev/null
  lv lvcreate -an -Zn -Wn -y -n home -l $HOME_PE vg_root "$LOOP:10-17" > /dev/null
  lv lvextend -l +8 vg_root/root "$LOOP:26-33" > /dev/null
  lv lvextend -l +6 vg_root/root "$LOOP:19-24" > /dev/null
  lv lvs --segments --noheadings --units b --nosuffix -o lv_name,seg_start,seg_size,seg_pe_ranges vg_root > "$W/segments"
  PE0=$(lv pvs --noheadings --units b --nosuffix -o pe_start "$LOOP")
  losetup -d "$LOOP"; LOOP=
  [ "$(grep -c root "$W/segments")" = 3 ] || die "root is in one piece"
}

# place IMG OFFSET SKIP SIZE: put SIZE bytes of IMG from SKIP on at OFFSET of the disk
place() {
  dd if="$1" of="$FLAT" bs=64k iflag=skip_bytes,count_bytes oflag=seek_bytes seek="$2" skip="$3" count="$4" conv=notrunc,sparse status=none
}
place_lv() {
  local name start size range
  while read -r name start size range; do
    range=${range#*:}
    if [ "$name" = "$1" ]; then place "$2" $((P2 * M + PE0 + ${range%-*} * PE)) "$start" "$size"; fi
  done < "$W/segments"
}

root() {
  local img=$W/root.img log
  mkfs "$img" $((ROOT * PE)) -t ext3 -b 1024 -L root -J size=1
  fill "$img" server
  crash "$img" noatime 16
  log=$(log "$img")
  [ "$(count "$log" 'type 2 \(commit')" -ge 5 ] || die "fewer than 5 transactions"
  [ "$(count "$log" 'type 5 \(revoke')" -ge 1 ] || die "no revoke"
  replayed "$img" "$W/replayed.img"
  matters "$img" "$W/replayed.img" || die "the journal changes nothing"
  has "$(dbg "$W/replayed.img" 'htree_dump /var/spool/mail')" 'Indirect levels'
  manifest "$W/replayed.img" "$OUT/root"
  place_lv root "$img"
}

clean() { # clean NAME SIZE
  mkfs "$W/$1.img" "$2" -t ext3 -b 1024 -L "$1" -J size=1
  fill "$W/$1.img" "$1"
  manifest "$W/$1.img" "$OUT/$1"
}

mkdir -p "$OUT"
disk
volumes
clean boot ${BOOT}M; place "$W/boot.img" $((P1 * M)) 0 $((BOOT * M))
clean home $((HOME_PE * PE)); place_lv home "$W/home.img"
root

#!/bin/bash
# datastore.sh: make testdata/datastore, a datastore with the snapshots of a Linux server whose files change between them.
#
#   MBR:  p1  ext4 root, label app-root        datastore.tar.gz          app01/ and .snapshot/*/app01/
#         p2  ext3 /srv, label app-srv,        N.root.manifest.jsonl.gz  step N of root, as the kernel replayed it
#             inodes of 128 bytes              N.srv.manifest.jsonl.gz
#
# The steps are those of history.py. Steps 2 and 4 are crash-consistent: their journals are dirty, and matter. Two more snapshots
# are damaged: one disk was cut, one extent is missing.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
OUT=$DATA/datastore
M=$((1024 * 1024))
P1=1 ROOT=5 P2=6 SRV=3 DISK=9   # MiB
STORE=$W/store
declare -A IMG=([root]=$W/root.img [srv]=$W/srv.img)

# step KIND N [--cut]: the volume KIND as it is after step N, in $W/KIND.N
step() {
  local kind=$1 n=$2 img=${IMG[$1]} kept=$W/$1.$2
  if [ "${3-}" = --cut ]; then
    mounted "$img" noatime crashed "$kind" "$n" "$kept"
    has "$(super "$kept")" 'features:.* needs_recovery'
    replayed "$kept" "$img"
    matters "$kept" "$img" || die "$kind, step $n: the journal changes nothing"
  else
    mounted "$img" noatime python3 "$GEN/history.py" "$kind" "$n" "$MNT"
    cp --sparse=always "$img" "$kept"
    [[ $(super "$kept") != *needs_recovery* ]] || die "$kind, step $n: not clean"
  fi
  manifest "$img" "$OUT/$n.$kind"
}
crashed() { python3 "$GEN/history.py" "$1" "$2" "$MNT" --cut && cp --sparse=always "${IMG[$1]}" "$3"; }

# version DIR STEP TIME: the machine in DIR, after a step
version() {
  local dir=$1/app01 flat=$1/app01/app01-flat.vmdk
  mkdir -p "$dir"
  truncate -s ${DISK}M "$flat"
  sfdisk -q "$flat" <<-END
	label: dos
	label-id: 0x61707031
	start=$((P1 * 2048)), size=$((ROOT * 2048)), type=83, bootable
	start=$((P2 * 2048)), size=$((SRV * 2048)), type=83
	END
  dd if="$W/root.$2" of="$flat" bs=64k oflag=seek_bytes seek=$((P1 * M)) conv=notrunc,sparse status=none
  dd if="$W/srv.$2" of="$flat" bs=64k oflag=seek_bytes seek=$((P2 * M)) conv=notrunc,sparse status=none
  cat > "$dir/app01.vmdk" <<-END
	# Disk DescriptorFile
	version=1
	encoding="UTF-8"
	CID=0000000$2
	parentCID=ffffffff
	createType="vmfs"
	RW $((DISK * 2048)) VMFS "app01-flat.vmdk"
	END
  touch -d "$3" "$dir"/*
}

mkfs "${IMG[root]}" ${ROOT}M -t ext4 -b 1024 -I 256 -L app-root -J size=1
mkfs "${IMG[srv]}" ${SRV}M -t ext3 -b 1024 -I 128 -L app-srv -J size=1
mkdir -p "$OUT" "$STORE"
for n in 1 2 3 4 5; do
  cut=$([[ $n = [24] ]] && echo --cut || true)
  step root $n $cut
  step srv $n
done
# What the steps are for.
has "$(dbg "$W/root.1" 'htree_dump /var/spool/mail')" 'Root node'
inode() { dbg "$1" "stat $2" | sed -n 's/^Inode: \([0-9]*\) .*/\1/p'; }
[ "$(inode "$W/root.1" /home/alice/letters)" = "$(inode "${IMG[root]}" /home/alice/mail)" ] || die "not the directory that was renamed"
version "$STORE/.snapshot/daily.2026-11-14_0010" 1 2026-11-14T00:09Z
version "$STORE/.snapshot/daily.2026-11-15_0010" 2 2026-11-15T00:09Z
version "$STORE/.snapshot/daily.2026-11-16_0010" 3 2026-11-16T00:09Z
version "$STORE/.snapshot/hourly.2026-11-16_1200" 3 2026-11-16T11:59Z
truncate -s $((P1 * M + M / 2)) "$STORE/.snapshot/hourly.2026-11-16_1200/app01/app01-flat.vmdk"
touch -d 2026-11-16T11:59Z "$STORE/.snapshot/hourly.2026-11-16_1200/app01/app01-flat.vmdk"
version "$STORE/.snapshot/daily.2026-11-17_0010" 4 2026-11-17T00:09Z
version "$STORE/.snapshot/before-upgrade" 4 2026-11-17T09:00Z   # a name without a date
rm "$STORE/.snapshot/before-upgrade/app01/app01-flat.vmdk"
version "$STORE" 5 2026-11-17T18:00Z
tar --sort=name --owner=0 --group=0 --numeric-owner --format=ustar -C "$STORE" -c .snapshot app01 | gzip -9n > "$OUT/datastore.tar.gz"
du -bc "$OUT"/* | tail -1

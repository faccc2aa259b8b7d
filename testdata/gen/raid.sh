#!/bin/bash
# raid.sh [SET...]: make the sets of testdata/lvm that have raid, mirrors, snapshots and moves, all of them or those named (the
# functions below the line).
#
# What runs in the appliance, and how, is that of lvm.sh, whose first half is read from it. Every set asserts that it has the
# feature it exists for. See testdata/lvm/README.md.
set -euo pipefail
shopt -s inherit_errexit
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC1090
source <(sed '/^# ---- the sets/,$d' "$HERE/lvm.sh")
OUT=$(dirname "$HERE")/lvm

cat >> "$W/prelude" <<'EOF'
for m in dm-raid raid0 raid1 raid10 raid456 dm-mirror dm-log dm-snapshot; do modprobe $m || true; done
# synced VG: wait until every raid and mirror of it is in sync
synced() {
  for i in $(seq 40); do
    if ! field lvs -o copy_percent "$1" | grep -v '^$' | grep -qv '^100.00$'; then return; fi
    sleep 0.5
  done
  echo "not in sync:"; command lvm lvs -a "$1"; exit 1
} >&2
# fillall VG: fill every LV of it, activating all at once
fillall() {
  lvm vgchange -ay "$1"
  field lvs -o lv_name,lv_size "$1" | while read -r lv bytes; do
    seq -f "$1/$lv %09g$(printf '%*s' $((1024 - ${#1} - ${#lv} - 12)) .)" $((bytes / 1024)) > /tmp/content
    [ "$(wc -c < /tmp/content)" = "$bytes" ] || { echo "$lv: $bytes bytes are not whole lines" >&2; exit 1; }
    dd if=/tmp/content of="/dev/$1/$lv" bs=1M oflag=direct conv=fsync 2> /tmp/dd.err || { cat /tmp/dd.err >&2; exit 1; }
  done
}
# change DEVICE TEXT BLOCK...: write 4 KiB of TEXT to these blocks
change() {
  dev=$1 text=$2; shift 2
  for block; do yes "$text $block" | head -c 4096 | dd of="$dev" bs=4k seek="$block" oflag=direct conv=notrunc,fsync 2> /dev/null; done
}
# stop DM-NAME: stop its recovery or reshape on the way
stop() {
  for i in $(seq 400); do
    set -- "$1" $(dmsetup status "$1" | sed -E 's,.* ([0-9]+)/([0-9]+) .*,\1 \2,')
    if [ "$2" -gt $(($3 / 8)) ] && [ "$2" -lt $(($3 * 7 / 8)) ]; then
      dmsetup message "$1" 0 frozen
      sleep 1
      echo "@stopped $(dmsetup status "$1")"
      return
    fi
    sleep 0.05
  done
  echo "not under way: $(dmsetup status "$1")" >&2; exit 1
}
# partial MODE VG: activate what can be
partial() { command lvm vgchange -ay --activationmode "$1" "$2" --config "$CONFIG" >> /tmp/lvm.out 2>&1 || true; }
EOF
# save, back: keep copies of the PVs, and take them again
save() { mkdir -p "$W/saved"; rm -f "$W"/saved/*; cp "$W"/pv*.img "$W/saved"; }
back() { rm -f "$W"/pv*.img; cp "$W"/saved/*.img "$W"; }
sums_only() { cp "$W/$1.sha256" "$OUT"; }               # sums_only NAME: its manifest, without the report

# ---- the sets -----------------------------------------------------------------------------------

# Six PVs: every type of raid that LVM makes, each with two numbers of members and two sizes of chunk.
raid() {
  drives 6 16M
  appliance raid <<'EOF'
lvm pvcreate --dataalignment 64k --metadatasize 252k /dev/sda /dev/sdc
lvm pvcreate --dataalignment 64k --pvmetadatacopies 0 /dev/sd[bdef]
lvm vgcreate --physicalextentsize 32k vg_raid /dev/sd[a-f]
for t in la ra ls rs n; do
  create -n r5${t}4 --type raid5_$t -i 2 -I 4k -l 12 vg_raid
  create -n r5${t}32 --type raid5_$t -i 3 -I 32k -l 18 vg_raid
done
for t in zr nr nc ls_6 la_6 rs_6 ra_6 n_6; do
  create -n r6${t}4 --type raid6_$t -i 3 -I 4k -l 12 vg_raid
  create -n r6${t}16 --type raid6_$t -i 4 -I 16k -l 16 vg_raid
done
create -n r4-4 --type raid4 -i 2 -I 4k -l 12 vg_raid
create -n r4-16 --type raid4 -i 4 -I 16k -l 16 vg_raid
create -n r0-4 --type raid0 -i 2 -I 4k -l 12 vg_raid
create -n r0-16 --type raid0 -i 3 -I 16k -l 12 vg_raid
create -n r0m-4 --type raid0_meta -i 3 -I 4k -l 12 vg_raid
create -n r0m-32 --type raid0_meta -i 2 -I 32k -l 12 vg_raid
create -n r1-2 --type raid1 -m 1 -l 10 vg_raid
create -n r1-3 --type raid1 -m 2 -l 10 vg_raid /dev/sdb /dev/sdc /dev/sdd
create -n r10-4 --type raid10 -i 2 -m 1 -I 4k -l 12 vg_raid
create -n r10-16 --type raid10 -i 3 -m 1 -I 16k -l 12 vg_raid
fillall vg_raid
synced vg_raid
EOF
  local t
  for t in raid0 raid0_meta raid1 raid4 raid5_la raid5_ra raid5_ls raid5_rs raid5_n raid6_zr raid6_nr raid6_nc raid6_ls_6 raid6_la_6 \
    raid6_rs_6 raid6_ra_6 raid6_n_6 raid10; do has "$W/raid.json" "\"segtype\": *\"$t\""; done
  keep raid
}

# What is left of the set raid without one PV, and without two: manifests only.
missing() {
  local img
  rm -f "$W"/pv*.img
  for img in "$OUT"/raid.pv*.img.gz; do gunzip -c "$img" > "$W/$(basename "$img" | sed 's/^raid.//; s/.gz$//')"; done
  save
  rm "$W/pv1.img"
  appliance raid-1 <<'EOF'
partial degraded vg_raid
EOF
  sums_only raid-1
  back
  rm "$W/pv0.img" "$W/pv3.img"
  appliance raid-2 <<'EOF'
partial degraded vg_raid
EOF
  sums_only raid-2
}

# Five PVs, of which the second was away while the volumes were changed: its legs are out of date.
legs() {
  drives 5 4M
  appliance legs <<'EOF'
lvm pvcreate --dataalignment 64k --metadatasize 60k /dev/sd[a-e]
lvm vgcreate --physicalextentsize 32k vg_legs /dev/sd[a-e]
create -n r1 --type raid1 -m 1 -l 8 vg_legs /dev/sdb /dev/sda
create -n r5 --type raid5 -i 2 -I 8k -l 8 vg_legs
create -n r6 --type raid6 -i 3 -I 4k -l 9 vg_legs
create -n r10 --type raid10 -i 2 -m 1 -I 4k -l 8 vg_legs
fillall vg_legs
synced vg_legs
EOF
  save
  mv "$W/pv1.img" "$W/away.img"
  appliance legs <<'EOF'
partial degraded vg_legs
for lv in r1 r5 r6 r10; do change /dev/vg_legs/$lv "$lv changed" 0 3 5 11 17 20 21 22 23 31 40; done
EOF
  mv "$W/away.img" "$W/pv1.img"
  keep legs
  has "$W/legs.sha256" 'vg_legs/r6$'
  appliance legs-again <<'EOF'
partial complete vg_legs
EOF
  diff "$W/legs.sha256" "$W/legs-again.sha256"
}

# Four PVs: mirrors of LVM's own kind, with a log on disk, one in memory, one that is mirrored; and what is left without the
# first legs.
mirrors() {
  drives 4 4M
  appliance mirrors <<'EOF'
lvm pvcreate --dataalignment 64k --metadatasize 60k /dev/sd[a-d]
lvm vgcreate --physicalextentsize 32k vg_mirrors /dev/sd[a-d]
create -n disk --type mirror -m 1 --mirrorlog disk --regionsize 32k -l 8 vg_mirrors /dev/sda /dev/sdb /dev/sdc
create -n core --type mirror -m 1 --mirrorlog core -l 8 vg_mirrors /dev/sda /dev/sdb
create -n three --type mirror -m 2 --mirrorlog disk --regionsize 64k -l 8 vg_mirrors
fillall vg_mirrors
synced vg_mirrors
EOF
  has "$W/mirrors.json" '"segtype": *"mirror"'
  keep mirrors
  rm "$W/pv0.img"
  appliance mirrors-0 <<'EOF'
partial partial vg_mirrors
EOF
  sums_only mirrors-0
}

# Two PVs: a move from the first to the second that has not come to its end, with volumes changed meanwhile.
moving() {
  drives 2 8M
  appliance moving <<'EOF'
lvm pvcreate --dataalignment 64k --metadatasize 60k /dev/sda /dev/sdb
lvm vgcreate --physicalextentsize 32k vg_moving /dev/sda /dev/sdb
create -n one -l 8 vg_moving /dev/sda
create -n stay -l 4 vg_moving /dev/sdb
create -n two -l 24 vg_moving /dev/sda
lvm lvextend -l +6 vg_moving/one /dev/sda
create -n striped -i 2 -I 4k -l 8 vg_moving
fillall vg_moving
command lvm pvmove --alloc anywhere -i 2 /dev/sda /dev/sdb --config "$CONFIG" > /tmp/pvmove.out 2>&1 &
mover=$!
for i in $(seq 100); do
  dd if=/dev/sdb bs=4k count=17 iflag=direct 2> /dev/null | tr -d '\0' > /tmp/area
  if grep -qaE 'extents_moved = [1-9]' /tmp/area; then break; fi
  sleep 0.1
done
kill -9 $mover || { cat /tmp/pvmove.out >&2; exit 1; }
change /dev/vg_moving/one changed 1 9 17 62 64 65 100
change /dev/vg_moving/two changed 0 77 78
sums
report() { echo '{"report": []}'; }
sums() { :; }
lvm() { :; }
sync
EOF
  has "$W/pv0.img" 'extents_moved = [1-9]'
  keep moving
}

# Two PVs: snapshots with two sizes of chunk, of a plain volume and of raid1; one of nothing, one that is full, one that is being
# merged into its origin.
snapshots() {
  drives 2 10M
  appliance snapshots <<'EOF'
lvm pvcreate --dataalignment 64k --metadatasize 60k /dev/sda /dev/sdb
lvm vgcreate --physicalextentsize 32k vg_snap /dev/sda /dev/sdb
create -n plain -l 20 vg_snap /dev/sda
create -n both --type raid1 -m 1 -l 12 vg_snap
create -n full -l 10 vg_snap /dev/sdb
create -n joins -l 24 vg_snap /dev/sdb
fillall vg_snap
synced vg_snap
lvm lvcreate -y -s -n plain4 -c 4k -l 10 vg_snap/plain
change /dev/vg_snap/plain origin 0 1 2 50 60 61
lvm lvcreate -y -s -n plain16 -c 16k -l 12 vg_snap/plain
change /dev/vg_snap/plain4 snapshot 0 3 17 159
change /dev/vg_snap/plain origin 2 3 4 100
change /dev/vg_snap/plain16 snapshot 5 40 158
lvm lvcreate -y -s -n both8 -c 8k -l 6 vg_snap/both
change /dev/vg_snap/both origin 7 20
change /dev/vg_snap/both8 snapshot 20 95
lvm lvcreate -y -s -n full4 -c 4k -l 1 vg_snap/full
change /dev/vg_snap/full origin 0 1 2 3 4 5 6 7 8 9
lvm lvcreate -y --type snapshot -n virtual -c 4k --virtualsize 1m -l 8 vg_snap
change /dev/vg_snap/virtual virtual 0 7 200
lvm lvcreate -y -s -n joins4 -c 4k -l 30 vg_snap/joins
change /dev/vg_snap/joins4 snapshot $(seq 0 3 190)
change /dev/vg_snap/joins origin 3 4 5 77
exec 9< /dev/vg_snap/joins
lvm lvconvert --merge vg_snap/joins4
exec 9<&-
echo 1 > /sys/module/dm_snapshot/parameters/snapshot_copy_throttle
lvm lvchange -an vg_snap/joins
lvm lvchange -ay vg_snap/joins
for i in $(seq 200); do
  if dmsetup status vg_snap-joins | grep -E 'snapshot-merge' > /tmp/merge; then
    used=$(sed 's/.*snapshot-merge //; s,/.*,,' /tmp/merge)
    if [ "$used" -lt 300 ]; then break; fi
  fi
done
dmsetup suspend --noflush vg_snap-joins
cat /tmp/merge | sed 's/^/@merge /'
dmsetup resume vg_snap-joins
sums
report() { echo '{"report": []}'; }
sums() { :; }
lvm() { :; }
sync
EOF
  has "$W/out" '^@merge .* snapshot-merge [0-9]+/'
  keep snapshots
}

# Five PVs: raid of which one leg was replaced, and was being recovered when the machine was shut down. The new legs lie where
# another volume has been.
recovering() {
  drives 5 12M
  appliance recovering <<'EOF'
lvm pvcreate --dataalignment 64k --metadatasize 60k /dev/sd[a-e]
lvm vgcreate --physicalextentsize 32k vg_recovering /dev/sd[a-e]
create -n before -l 370 vg_recovering /dev/sde
fillall vg_recovering
lvm lvremove -y vg_recovering/before
create -n r1 --type raid1 -m 1 -l 96 vg_recovering /dev/sda /dev/sdb
create -n r5 --type raid5 -i 2 -I 4k -l 192 vg_recovering /dev/sda /dev/sdb /dev/sdc
create -n r6 --type raid6 -i 3 -I 16k -l 96 vg_recovering /dev/sd[abcde]
fillall vg_recovering
synced vg_recovering
echo 1 > /proc/sys/dev/raid/speed_limit_min
for lv in r1 r5; do
  lvm lvchange --maxrecoveryrate 256 vg_recovering/$lv
  lvm lvconvert -y --replace /dev/sdb vg_recovering/$lv /dev/sde
  stop vg_recovering-$lv
done
EOF
  has "$W/out" '^@stopped .* raid1 2 .* (frozen|recover) '
  has "$W/out" '^@stopped .* raid5_ls 3 .* (frozen|recover) '
  keep recovering
}

mkdir -p "$OUT"
if [ $# = 0 ]; then set -- raid missing legs mirrors moving snapshots recovering; fi
for set in "$@"; do echo "$set" >&2; "$set"; done

#!/bin/bash
# reshape.sh [SET...]: make the sets of testdata/lvm whose raid was reshaped, or was being so.
#
# What runs in the appliance, and how, is that of raid.sh, whose first half is read from it. Every set asserts that it has the
# feature it exists for. See testdata/lvm/README.md.
set -euo pipefail
shopt -s inherit_errexit
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC1090
source <(sed '/^# ---- the sets/,$d; s,\$(dirname "${BASH_SOURCE\[0\]}"),'"$HERE," "$HERE/raid.sh")

cat >> "$W/prelude" <<'EOF'
# idle LV: wait until what lvconvert has begun is done
idle() {
  for i in $(seq 400); do
    if [ "$(field lvs -o sync_percent,raid_sync_action "$1" | tr -s ' ')" = "100.00 idle" ]; then return; fi
    sleep 0.25
  done
  echo "never done:"; command lvm lvs -a -o +raid_sync_action,sync_percent "$1"; dmsetup status; exit 1
} >&2
convert() { lv=$1; shift; lvm lvconvert -y "$@" "$lv"; idle "$lv"; }      # convert LV ARGS...
EOF

# ---- the sets -----------------------------------------------------------------------------------

# Six PVs: what lvconvert leaves behind when it has added legs, or has changed the size of chunks or the layout.
reshaped() {
  drives 6 20M
  appliance reshaped <<'EOF'
lvm pvcreate --dataalignment 64k --metadatasize 252k /dev/sd[a-f]
lvm vgcreate --physicalextentsize 32k vg_reshaped /dev/sd[a-f]
create -n legs5 --type raid5_ls -i 2 -I 4k -l 24 vg_reshaped
create -n layout5 --type raid5_ls -i 3 -I 16k -l 24 vg_reshaped
create -n chunk6 --type raid6_zr -i 3 -I 4k -l 24 vg_reshaped
create -n legs6 --type raid6_zr -i 3 -I 8k -l 24 vg_reshaped
create -n legs10 --type raid10 -i 2 -m 1 -I 4k -l 24 vg_reshaped
create -n chunk10 --type raid10 -i 2 -m 1 -I 4k -l 24 vg_reshaped
create -n twice5 --type raid5_ls -i 2 -I 4k -l 24 vg_reshaped
create -n mirror5 --type raid1 -m 1 -l 24 vg_reshaped
create -n stripe5 --type raid0_meta -i 3 -I 4k -l 24 vg_reshaped
create -n five6 --type raid5_n -i 3 -I 4k -l 24 vg_reshaped
fillall vg_reshaped
synced vg_reshaped
convert vg_reshaped/legs5 --stripes 3
convert vg_reshaped/layout5 --type raid5_ra
convert vg_reshaped/chunk6 --stripesize 16k
convert vg_reshaped/legs6 --stripes 4
convert vg_reshaped/legs10 --stripes 3
convert vg_reshaped/chunk10 --stripesize 16k
convert vg_reshaped/twice5 --stripesize 8k
convert vg_reshaped/twice5 --stripesize 16k
convert vg_reshaped/mirror5 --type raid5
convert vg_reshaped/stripe5 -R 64k --type raid5_n
convert vg_reshaped/five6 -R 64k --type raid6_n_6
lvm vgchange -an vg_reshaped                            # raid10 has its new size from the next activation on
lvm vgchange -ay vg_reshaped
for lv in legs5 legs6 legs10; do                        # what was added is in sync when it is written to
  change /dev/vg_reshaped/$lv "$lv grown" $(seq 192 $(($(blockdev --getsize64 /dev/vg_reshaped/$lv) / 4096 - 1)))
done
for lv in legs5 layout5 chunk6 legs6 legs10 chunk10 twice5 mirror5 stripe5 five6; do
  change /dev/vg_reshaped/$lv "$lv changed" 0 3 5 11 17 40 150
  echo "@status $(dmsetup status vg_reshaped-$lv)"
done
EOF
  has "$W/out" '^@status .* raid5_ra 4 .* idle 0 2048 -'     # data moved up by the space for reshaping
  has "$W/out" '^@status .* raid6_zr 6 .* idle 0 0 -'        # and not
  keep reshaped
}

# Six PVs: raid that was being reshaped when the machine was shut down. Its volumes are in no manifest: the kernel lets a read
# wait that is of the stripes at which the reshape stands.
reshaping() {
  drives 6 12M
  appliance reshaping <<'EOF'
lvm pvcreate --dataalignment 64k --metadatasize 252k /dev/sd[a-f]
lvm vgcreate --physicalextentsize 32k vg_reshaping /dev/sd[a-f]
create -n legs5 --type raid5_ls -i 2 -I 4k -l 128 vg_reshaping
create -n chunk6 --type raid6_zr -i 3 -I 4k -l 192 vg_reshaping
create -n legs10 --type raid10 -i 2 -m 1 -I 4k -l 128 vg_reshaping
create -n plain -l 4 vg_reshaping
fillall vg_reshaping
synced vg_reshaping
echo 1 > /proc/sys/dev/raid/speed_limit_min
for lv in legs5 chunk6 legs10; do lvm lvchange --maxrecoveryrate 128 vg_reshaping/$lv; done
lvm lvconvert -y --stripes 3 vg_reshaping/legs5
stop vg_reshaping-legs5
lvm lvconvert -y --stripesize 16k vg_reshaping/chunk6
stop vg_reshaping-chunk6
lvm lvconvert -y --stripes 3 vg_reshaping/legs10
stop vg_reshaping-legs10
sums() { echo "@sum $(sha256sum < /dev/vg_reshaping/plain | cut -d' ' -f1)  vg_reshaping/plain"; }
EOF
  has "$W/out" '^@stopped .* raid5_ls 4 .* (frozen|reshape) '
  has "$W/out" '^@stopped .* raid6_zr 5 .* (frozen|reshape) '
  has "$W/out" '^@stopped .* raid10 6 .* (frozen|reshape) '
  keep reshaping
}

mkdir -p "$OUT"
if [ $# = 0 ]; then set -- reshaped reshaping; fi
for set in "$@"; do echo "$set" >&2; "$set"; done

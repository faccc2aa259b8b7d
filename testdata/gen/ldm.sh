#!/bin/bash
# ldm.sh: make testdata/ldm, a disk group of Windows on four dynamic disks: DISK.img.gz, and NAME.sha256 with what ldmtool and
# the device-mapper read of each volume, in the appliance of guestfish: all, and without one of the disks.
#
# ldm.py writes the disks; see there. Needs sgdisk, python3, libguestfs-tools, ldmtool, linux-image-amd64.
set -euo pipefail
shopt -s inherit_errexit
export LC_ALL=C.UTF-8 LIBGUESTFS_BACKEND=direct LIBGUESTFS_BACKEND_SETTINGS=force_tcg
GEN=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
OUT=$(dirname "$GEN")/ldm
W=$(mktemp -d)
trap 'rm -rf "$W"' EXIT
die() { echo "ldm.sh: $*" >&2; exit 1; }

truncate -s 4M "$W/disk4.img"
sgdisk -a 1 -U 4d696372-6f73-4f66-b74c-444d00000004 -n 1:64:2111 -t 1:4201 -n 2:2112:8158 -t 2:4200 "$W/disk4.img" > /dev/null
python3 "$GEN/ldm.py" "$W"

# sums NAME DISK...: what the volumes of these disks hold
sums() {
  local name=$1 drives=() disk; shift
  for disk; do drives+=(--ro --format=raw -a "$W/disk$disk.img"); done
  guestfish "${drives[@]}" run : ldmtool-create-all : \
    debug sh 'for v in /dev/mapper/ldm_vol_*; do echo "@ $(sha256sum < "$v" | cut -d" " -f1)  ${v#/dev/mapper/ldm_vol_WIN01-Dg0_}"; done' > "$W/out"
  sed -n 's/^@ //p' "$W/out" | LC_ALL=C sort -k2 > "$OUT/$name.sha256"
  cat "$OUT/$name.sha256"
}
mkdir -p "$OUT"
sums all 1 2 3 4
[ "$(wc -l < "$OUT/all.sha256")" = 7 ] || die 'no seven volumes'
sums without-disk3 1 2 4
sums without-disk2 1 3 4
for n in 1 2 3 4; do gzip -9n < "$W/disk$n.img" > "$OUT/disk$n.img.gz"; done

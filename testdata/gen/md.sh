#!/bin/bash
# md.sh [SET...]: make testdata/md, all arrays or those named (the functions below the line).
#
# mdadm and the real md driver run in the appliance of guestfish, under emulation. Needs libguestfs-tools, linux-image-amd64 and
# python3. Every array asserts that it has the feature it exists for. See testdata/md/README.md.
set -euo pipefail
shopt -s inherit_errexit
OUT=$(dirname "$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)")/md
W=$(mktemp -d)
trap 'rm -rf "$W"' EXIT
export LIBGUESTFS_BACKEND=direct LIBGUESTFS_BACKEND_SETTINGS=force_tcg

die() { echo "${FUNCNAME[1]}: $*" >&2; exit 1; }
has() { grep -qaE -- "$2" "$1" || die "no $2 in $1"; }   # has FILE REGEXP

cat > "$W/prelude" <<'EOF'
set -eu
for m in linear raid0 raid1 raid10 raid456; do modprobe $m; done
echo 0 > /sys/module/md_mod/parameters/start_ro 2> /dev/null || true
mdadm() { command mdadm "$@" > /tmp/md.out 2>&1 || { cat /tmp/md.out >&2; echo "mdadm $*" >&2; exit 1; }; }
# fill ARRAY [WORD]: every line is 1 KiB and says whose it is and the how manieth
fill() {
  kib=$(($(blockdev --getsize64 "$1") / 1024))
  seq -f "${2:-$1} %09g$(printf '%*s' $((1024 - $(printf %s "${2:-$1}" | wc -c) - 11)) .)" $kib > /tmp/content
  dd if=/tmp/content of="$1" bs=1M oflag=direct conv=fsync 2> /tmp/dd.err || { cat /tmp/dd.err >&2; exit 1; }
}
sum() { sync; echo 3 > /proc/sys/vm/drop_caches; echo "@sum $(sha256sum < "$1" | cut -d' ' -f1) $(blockdev --getsize64 "$1")  $2"; }
synced() { command mdadm --wait "$1" || true; }         # it fails when there is nothing to wait for
state() { command mdadm --detail "$1" | sed "s/^/@detail $2 /"; }
EOF

# appliance < SCRIPT: run it as root with $W/disk*.img as /dev/sda, /dev/sdb, ...
appliance() {
  local drives=() img script=$W/script.img
  for img in "$W"/disk*.img; do drives+=(-a "$img"); done
  { cat "$W/prelude" - ; echo exit; } > "$script"
  truncate -s 64k "$script"                             # a drive; the NULs lie behind the exit
  guestfish --format=raw "${drives[@]}" -a "$script" run : \
    debug sh "bash /dev/sd$(printf %b "\\$(printf %o $((97 + ${#drives[@]} / 2)))")" > "$W/out" || { cat "$W/out"; die "failed"; }
}
sums() { sed -n 's/^@sum //p' "$W/out" | LC_ALL=C sort -k3 > "$OUT/$1.sha256"; has "$OUT/$1.sha256" '^[0-9a-f]{64} '; }
detail() { sed -n "s/^@detail $1 //p" "$W/out"; }

# ---- the sets -----------------------------------------------------------------------------------

# Six disks of 20 partitions: an array for each level and layout, over the partitions of one number.
arrays() {
  local i
  rm -f "$W"/disk*
  for i in 0 1 2 3 4 5; do
    truncate -s 16M "$W/disk$i.img"
    { echo 'label: gpt'; local n; for n in $(seq 24); do echo "start=$((512 + 512 * n))KiB, size=512KiB, type=A19D880F-05FC-4D3B-A006-743F0F84911E"; done; } | sfdisk -q "$W/disk$i.img"
  done
  appliance <<'EOF'
n=0
# make NAME LEVEL MEMBERS MDADM-ARGS...: the next partition of the first MEMBERS disks
make() {
  name=$1 level=$2 count=$3; shift 3
  n=$((n + 1)); members=
  case "$*" in *--metadata=1.[12]*) set -- "$@" --data-offset=128;; esac # KiB: the default is as large as these members
  for d in $(echo a b c d e f | cut -d' ' -f1-$count); do members="$members /dev/sd$d$n"; done
  mdadm --create /dev/md$n --run --homehost=host --name=$name --level=$level --raid-devices=$count "$@" $members
  fill /dev/md$n $name
  synced /dev/md$n
  sum /dev/md$n $name
  state /dev/md$n $name
  mdadm --stop /dev/md$n
}
make linear linear 3 --metadata=1.2
make linear-round linear 2 --metadata=1.0 --rounding=64
make r0 0 3 --chunk=4 --metadata=1.2
make r0-64 0 2 --chunk=64 --metadata=1.0
make r1 1 2 --metadata=1.0 --bitmap=internal
make r1-090 1 3 --metadata=0.90
make r4 4 3 --chunk=4 --metadata=1.2 --bitmap=none
make r4-16 4 4 --chunk=16 --metadata=1.1
for l in la ra ls rs parity-first parity-last; do make r5-$l 5 4 --chunk=4 --layout=$l --metadata=1.2; done
make r5-090 5 3 --chunk=32 --metadata=0.90
make r6 6 5 --chunk=4 --metadata=1.2
make r6-16 6 6 --chunk=16 --layout=right-asymmetric --metadata=1.0
make r6-zr 6 5 --chunk=4 --layout=ddf-zero-restart --metadata=1.2
make r10 10 5 --chunk=4 --layout=n2 --metadata=1.2
make r10-n3 10 4 --chunk=16 --layout=n3 --metadata=1.1
make r10-f2 10 5 --chunk=4 --layout=f2 --metadata=1.2
make r10-f3 10 4 --chunk=4 --layout=f3 --metadata=1.2
make r10-o2 10 3 --chunk=16 --layout=o2 --metadata=1.2
EOF
  sums arrays
  has <(detail r5-ls) 'Layout : left-symmetric'
  has <(detail r6-zr) 'Layout : ddf-zero-restart'
  has <(detail r10-f3) 'Layout : far=3'
  has <(detail r10-o2) 'Layout : offset=2'
  has <(detail r5-090) 'Version : 0.90'
  rm -f "$OUT"/arrays.disk*
  for i in 0 1 2 3 4 5; do gzip -9nc "$W/disk$i.img" > "$OUT/arrays.disk$i.img.gz"; done
}

# Four disks: arrays whose second member was away while they were changed; one whose second member was being recovered; one with
# sectors that are known to be bad.
stale() {
  local i
  rm -f "$W"/disk*
  for i in 0 1 2 3; do
    truncate -s 6M "$W/disk$i.img"
    { echo 'label: gpt'; local n; for n in $(seq 8); do echo "start=$((512 + 512 * n))KiB, size=512KiB"; done; } | sfdisk -q "$W/disk$i.img"
  done
  appliance <<'EOF'
change() {
  dev=$1 text=$2; shift 2
  for block; do yes "$text $block" | head -c 4096 | dd of="$dev" bs=4k seek="$block" oflag=direct conv=notrunc,fsync 2> /dev/null; done
}
# make N NAME LEVEL MEMBERS MDADM-ARGS...: then lose the second member, and change the array
make() {
  n=$1 name=$2 level=$3 count=$4; shift 4
  members=
  for d in $(echo a b c d | cut -d' ' -f1-$count); do members="$members /dev/sd$d$n"; done
  mdadm --create /dev/md$n --run --homehost=host --name=$name --level=$level --raid-devices=$count "$@" $members
  fill /dev/md$n $name
  synced /dev/md$n
  mdadm --stop /dev/md$n
  mdadm --assemble --run /dev/md$n $(echo $members | sed "s, */dev/sdb$n,,")
  change /dev/md$n "$name changed" 0 1 2 3 7 8 20 33 60
  sum /dev/md$n $name
  state /dev/md$n $name
  mdadm --stop /dev/md$n
}
make 1 s1 1 2 --metadata=1.2 --data-offset=128 --bitmap=internal
make 2 s5 5 3 --metadata=1.0 --chunk=8
make 3 s6 6 4 --metadata=1.1 --data-offset=128 --chunk=4
make 4 s10 10 4 --metadata=1.2 --data-offset=128 --chunk=4
make 5 s090 5 3 --metadata=0.90 --chunk=16
# A member that is being recovered, stopped half-way.
mdadm --create /dev/md6 --run --homehost=host --name=recovers --level=5 --raid-devices=3 --metadata=1.2 --data-offset=128 --chunk=4 /dev/sda6 /dev/sdb6 /dev/sdc6
fill /dev/md6 recovers
synced /dev/md6
mdadm /dev/md6 --fail /dev/sdb6
mdadm /dev/md6 --remove /dev/sdb6
mdadm --zero-superblock /dev/sdb6
dd if=/dev/zero of=/dev/sdb6 bs=64k 2> /dev/null || true
echo 200 > /sys/block/md6/md/sync_max
mdadm /dev/md6 --add /dev/sdb6
sleep 3
sum /dev/md6 recovers
state /dev/md6 recovers
mdadm --stop /dev/md6
command mdadm --examine /dev/sdb6 | sed 's/^/@examine /'
# Bad sectors that md knows of.
mdadm --create /dev/md7 --run --homehost=host --name=bad --level=1 --raid-devices=2 --metadata=1.2 --data-offset=128 --assume-clean /dev/sda7 /dev/sdb7
fill /dev/md7 bad
echo 356 40 > /sys/block/md7/md/dev-sda7/bad_blocks
echo 500 8 > /sys/block/md7/md/dev-sda7/bad_blocks
sum /dev/md7 bad
state /dev/md7 bad
mdadm --stop /dev/md7
dd if=/dev/zero of=/dev/sda7 bs=512 seek=356 count=40 conv=notrunc,fsync oflag=direct 2> /dev/null
dd if=/dev/zero of=/dev/sda7 bs=512 seek=500 count=8 conv=notrunc,fsync oflag=direct 2> /dev/null
command mdadm --examine-badblocks /dev/sda7 | sed 's/^/@bad /'
EOF
  sums stale
  has <(detail s5) 'State : clean, degraded'
  has <(detail recovers) 'rebuilding'
  has "$W/out" '^@bad .*356 for 40 sectors'
  rm -f "$OUT"/stale.disk*
  for i in 0 1 2 3; do gzip -9nc "$W/disk$i.img" > "$OUT/stale.disk$i.img.gz"; done
}

# Two disks: a mirror with its superblock at the end, which looks like the file system that it holds, and a stripe that is a
# physical volume of LVM.
stacked() {
  local i
  rm -f "$W"/disk*
  for i in 0 1; do
    truncate -s 4M "$W/disk$i.img"
    printf 'label: gpt\nstart=1024KiB, size=1024KiB\nstart=2048KiB, size=1024KiB\n' | sfdisk -q "$W/disk$i.img"
  done
  appliance <<'EOF'
mdadm --create /dev/md1 --run --homehost=host --name=boot --level=1 --raid-devices=2 --metadata=1.0 /dev/sda1 /dev/sdb1
mke2fs -q -t ext2 -b 1024 -N 16 /dev/md1
mkdir -p /tmp/mnt
mount -t ext4 /dev/md1 /tmp/mnt
echo 'on a mirror' > /tmp/mnt/note
umount /tmp/mnt
synced /dev/md1
sum /dev/md1 boot
mdadm --stop /dev/md1
mdadm --create /dev/md2 --run --homehost=host --name=stripe --level=0 --raid-devices=2 --metadata=1.2 --data-offset=128 --chunk=16 /dev/sda2 /dev/sdb2
CONFIG='devices{use_devicesfile=0 pv_min_size=512} activation{monitoring=0} backup{backup=0 archive=0}'
lvm() { command lvm "$@" --config "$CONFIG" > /tmp/lvm.out 2>&1 || { cat /tmp/lvm.out >&2; echo "lvm $*" >&2; exit 1; }; }
lvm pvcreate --metadatasize 60k --dataalignment 64k /dev/md2
lvm vgcreate --physicalextentsize 64k vg_md /dev/md2
lvm lvcreate -y -Wn -Zn -n lv -l 10 vg_md
fill /dev/vg_md/lv lv
sum /dev/vg_md/lv vg_md/lv
lvm vgchange -an vg_md
sum /dev/md2 stripe
mdadm --stop /dev/md2
EOF
  sums stacked
  has "$W/disk0.img" 'on a mirror'
  rm -f "$OUT"/stacked.disk*
  for i in 0 1; do gzip -9nc "$W/disk$i.img" > "$OUT/stacked.disk$i.img.gz"; done
}

# Three disks: stripes whose members are not of one size, with both ways to go on where the smallest ends.
unequal() {
  local i
  rm -f "$W"/disk*
  for i in 0 1 2; do
    truncate -s 4M "$W/disk$i.img"
    printf 'label: gpt\nstart=1024KiB, size=%dKiB\nstart=2048KiB, size=%dKiB\nstart=3072KiB, size=%dKiB\n' \
      $((900 - 400 * (i == 2))) $((900 - 400 * (i == 2))) $((700 - 120 * i)) | sfdisk -q "$W/disk$i.img"
  done
  appliance <<'EOF'
n=0
for layout in original alternate; do
  n=$((n + 1))
  mdadm --create /dev/md$n --run --homehost=host --name=$layout --level=0 --raid-devices=3 --layout=$layout --metadata=1.2 --data-offset=128 --chunk=4 /dev/sda$n /dev/sdb$n /dev/sdc$n
  fill /dev/md$n $layout
  sum /dev/md$n $layout
  mdadm --stop /dev/md$n
done
mdadm --create /dev/md3 --run --homehost=host --name=linear --level=linear --raid-devices=3 --metadata=1.2 --data-offset=128 /dev/sda3 /dev/sdb3 /dev/sdc3
fill /dev/md3 linear
sum /dev/md3 linear
mdadm --stop /dev/md3
EOF
  sums unequal
  rm -f "$OUT"/unequal.disk*
  for i in 0 1 2; do gzip -9nc "$W/disk$i.img" > "$OUT/unequal.disk$i.img.gz"; done
}

mkdir -p "$OUT"
if [ $# = 0 ]; then set -- arrays stale stacked unequal; fi
for set in "$@"; do echo "$set" >&2; "$set"; done

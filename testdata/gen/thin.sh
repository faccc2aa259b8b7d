#!/bin/bash
# thin.sh [SET...]: make the sets of testdata/lvm that thin pools, caches, writecaches and integrity need.
#
# LVM and the real device-mapper run in the appliance of guestfish, under emulation. Needs libguestfs-tools, linux-image-amd64
# (a kernel for the appliance, readable in /boot), thin-provisioning-tools and python3. One boot makes all sets, on a drive
# each; a second one, of copies of what is kept, tells what the kernel reads. Every set asserts that it has the feature it
# exists for. See testdata/lvm/README.md.
set -euo pipefail
shopt -s inherit_errexit
OUT=$(dirname "$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)")/lvm
W=$(mktemp -d)
trap 'rm -rf "$W"' EXIT

export LIBGUESTFS_BACKEND=direct LIBGUESTFS_BACKEND_SETTINGS=force_tcg   # emulated: slow, and the same everywhere

die() { echo "$*" >&2; exit 1; }
has() { grep -qaE -- "$2" "$1" || die "no $2 in $1"; }   # has FILE REGEXP

# Sourced by every script that runs in the appliance.
cat > "$W/prelude" <<'EOF'
set -eu
disk() { readlink -f "/dev/disk/guestfs/$1"; }          # disk LABEL: the letters differ from boot to boot
filter=
for cut in CUTS; do filter+="\"r|^$(disk "$cut")\$|\","; done
CONFIG="devices{use_devicesfile=0 global_filter=[$filter\"a|.*|\"]} "'
activation{monitoring=0} backup{backup=0 archive=0}
global{thin_check_executable="" cache_check_executable=""}'
lvm() { command lvm "$@" --config "$CONFIG" >> /tmp/lvm.out 2>&1 || { tail -n 40 /tmp/lvm.out >&2; echo "lvm $*" >&2; exit 1; }; }
field() { command lvm "$@" --config "$CONFIG" --noheadings --units b --nosuffix 2>/dev/null | sed 's/^ *//; s/ *$//'; }
for m in dm-thin-pool dm-cache dm-cache-smq dm-writecache dm-integrity dm-raid raid1; do modprobe $m; done

group() {                                               # group VG DISK: a VG of 64 KiB extents
  lvm pvcreate --dataalignment 64k "$(disk "$2")"
  lvm vgcreate --physicalextentsize 64k "$1" "$(disk "$2")"
}
# content NAME KIB: /tmp/content, lines of 1 KiB that say whose they are and the how manieth
content() { seq -f "$1 %09g$(printf '%*s' $((1024 - ${#1} - 11)) .)" "$2" > /tmp/content; }
copy() { dd oflag=direct conv=notrunc status=none "$@"; }
# put DEVICE NAME BYTES KIB...: lines of NAME, so many bytes at each of the offsets
put() {
  local dev=$1 bytes=$3 at
  content "$2" 4096
  shift 3
  for at; do copy if=/tmp/content of="$dev" bs="$bytes" count=1 seek=$((at * 1024)) oflag=direct,seek_bytes; done
  blockdev --flushbufs "$dev"; sync "$dev"
}
whole() {                                               # whole VG/LV: fill it
  content "$1" $(($(field lvs -o lv_size "$1") / 1024))
  copy if=/tmp/content of="/dev/$1" bs=64k conv=notrunc,fsync
}
every() { seq "$1" "$2" "$3"; }                         # every FIRST STEP LAST
status() { echo "@status $1 $(dmsetup status "$1")"; }  # status DM-NAME: for what the script asserts
EOF

# ---- what the sets hold ---------------------------------------------------------------------------

declare -A sizes=([thin]=48 [odd]=16 [external]=24 [merging]=12 [torn]=12 [cache]=64 [cutcache]=64 [writecache]=16 [cutwrite]=16
  [integrity]=48 [cutintegrity]=48 [exported]=4)        # MiB
sets=(thin odd external merging torn cache cutcache writecache cutwrite integrity cutintegrity exported)
if [ $# -gt 0 ]; then sets=("$@"); fi
cuts=()                                                 # those that are copied while they are active
for set in "${sets[@]}"; do case $set in torn | cut*) cuts+=("$set") ;; esac; done
scratch=24                                              # MiB of a last drive, for thin metadata as thin_dump wants it

cat > "$W/make" <<'EOF'
# A pool with volumes of holes, snapshots of snapshots, and trees of two levels.
thin() {
  group vg_thin thin
  lvm lvcreate -y --type thin-pool -n pool -c 64k -L 34m --poolmetadatasize 2m vg_thin
  lvm lvcreate -y -V 24m --thinpool vg_thin/pool -n base
  put /dev/vg_thin/base base 4096 $(every 0 192 24575)       # chunk 0, 3, 6, ...
  put /dev/vg_thin/base base 4096 $(every 64 192 24575)
  put /dev/vg_thin/base base-full 65536 $(every 128 192 4000)
  lvm lvcreate -y -kn -s -n one vg_thin/base
  put /dev/vg_thin/base base-later 4096 0 640 704 6400 12868
  lvm lvcreate -y -kn -s -n two vg_thin/one
  put /dev/vg_thin/two two 1024 0 65 130 6401 24575
  blkdiscard -o $((64 * 1024 * 30)) -l $((64 * 1024 * 9)) /dev/vg_thin/base
  lvm lvcreate -y -kn -s -n three vg_thin/two
  put /dev/vg_thin/three three 65536 $(every 8320 192 12000)
  lvm lvcreate -y -kn -s -n past vg_thin/three
  lvm lvremove -y vg_thin/past
  lvm lvcreate -y -V 1m --thinpool vg_thin/pool -n empty
  lvm lvcreate -y -V 100m --thinpool vg_thin/pool -n large
  put /dev/vg_thin/large large 1024 0 51200 102399
  status vg_thin-pool-tpool
}

# Chunks of 192 KiB, volumes that are no multiple of them, zeroing off, a metadata snapshot held.
odd() {
  group vg_odd odd
  lvm lvcreate -y --type thin-pool -n pool -c 192k -L 6m -Zn --poolmetadatasize 2m vg_odd
  lvm lvcreate -y -V 1600k --thinpool vg_odd/pool -n first
  put /dev/vg_odd/first first 4096 0 188 192 380 1536 1596
  lvm lvcreate -y -kn -s -n snap vg_odd/first
  dmsetup message vg_odd-pool-tpool 0 reserve_metadata_snap
  put /dev/vg_odd/snap snap 131072 100 1000
  put /dev/vg_odd/first after 196608 768
  lvm lvcreate -y -V 320k --thinpool vg_odd/pool -n small
  whole vg_odd/small
  status vg_odd-pool-tpool
}

# Origins outside of the pool: as long as the volume, longer, shorter and ending inside a chunk; one that is thin itself.
external() {
  group vg_external external
  lvm lvcreate -y -Wn -Zn -n origin -L 3136k vg_external
  whole vg_external/origin
  lvm lvchange -an vg_external/origin
  lvm lvchange -pr vg_external/origin
  lvm lvcreate -y --type thin-pool -n pool -c 128k -L 4m --poolmetadatasize 2m vg_external
  lvm lvcreate -y --type thin-pool -n pool2 -c 64k -L 2m --poolmetadatasize 2m vg_external
  for lv in same longer shorter; do lvm lvcreate -y -kn -s --thinpool vg_external/pool -n $lv vg_external/origin; done
  lvm lvextend -L 4m vg_external/longer
  lvm lvreduce -f -y -L 2112k vg_external/shorter
  put /dev/vg_external/same same 4096 0 1000 3132
  put /dev/vg_external/longer longer 4096 128 3584 4092
  put /dev/vg_external/shorter shorter 4096 2108
  lvm lvchange -an vg_external/same
  lvm lvchange -pr vg_external/same
  lvm lvcreate -y -kn -s --thinpool vg_external/pool2 -n above vg_external/same
  put /dev/vg_external/above above 4096 64 3068
}

# A snapshot that will be merged when its origin is next activated.
merging() {
  group vg_merging merging
  lvm lvcreate -y --type thin-pool -n pool -c 64k -L 2m --poolmetadatasize 2m vg_merging
  lvm lvcreate -y -V 1m --thinpool vg_merging/pool -n base
  put /dev/vg_merging/base base 4096 0 64 128 512
  lvm lvcreate -y -kn -s -n snap vg_merging/base
  put /dev/vg_merging/base changed 4096 0 256
  put /dev/vg_merging/snap snap 4096 64
  exec 7< /dev/vg_merging/base
  lvm lvconvert --merge vg_merging/snap
  exec 7<&-
}

# Cut while active: writes that no commit covers yet.
torn() {
  group vg_torn torn
  lvm lvcreate -y --type thin-pool -n pool -c 64k -L 4m --poolmetadatasize 2m vg_torn
  lvm lvcreate -y -V 3m --thinpool vg_torn/pool -n base
  put /dev/vg_torn/base base 4096 $(every 0 64 1000)
  lvm lvcreate -y -kn -s -n snap vg_torn/base
  put /dev/vg_torn/base later 4096 0 192
  content lost 4096
  for at in 5 7 20 21 22 30; do copy if=/tmp/content of=/dev/vg_torn/base bs=64k count=1 seek=$at; done
}

# heat DM-NAME DEVICE NAME KIB...: write these chunks of 64 KiB until they are in the cache, and keep what is dirty there dirty
heat() {
  local dm=$1 dev=$2 name=$3 i at
  shift 3
  dmsetup message "$dm" 0 migration_threshold 0
  content "$name" 64
  for i in $(seq 12); do
    for at; do copy if=/tmp/content of="$dev" bs=64k count=1 seek=$((at * 1024)) oflag=direct,seek_bytes; done
  done
  sync "$dev"
}
pooled() {                                              # pooled VG LV MODE FORMAT: a cache pool, 16 chunks
  lvm lvcreate -y -Wn -Zn -n "$2" -L 4m "$1"
  whole "$1/$2"
  lvm lvcreate -y --type cache-pool -c 64k -n "$2_fast" -L 1m --poolmetadatasize 2m "$1"
  lvm lvconvert -y --type cache --cachepool "$1/$2_fast" --cachemode "$3" --cachemetadataformat "$4" --cachepolicy smq "$1/$2"
}
single() {                                              # single VG LV MODE FORMAT: data and metadata of the cache in one volume
  lvm lvcreate -y -Wn -Zn -n "$2" -L 4m "$1"
  whole "$1/$2"
  lvm lvcreate -y -an -Wn -Zn -n "$2_fast" -L 4m "$1"
  lvm lvconvert -y --type cache --cachevol "$1/$2_fast" --chunksize 64k --cachemode "$3" --cachemetadataformat "$4" --cachepolicy smq "$1/$2"
}
caches() {                                              # caches VG
  pooled "$1" through writethrough 2
  pooled "$1" back writeback 2
  pooled "$1" back1 writeback 1
  single "$1" volback writeback 2
  for lv in through back back1 volback; do
    heat "$1-$lv" "/dev/$1/$lv" "$lv-changed" 0 64 192 1024 1536 2048 3072 4032
    put "/dev/$1/$lv" "$lv-small" 4096 32 1060
    status "$1-$lv"
  done
}
cache() { group vg_cache cache; caches vg_cache; }
cutcache() { group vg_cutcache cutcache; caches vg_cutcache; }

# writecaches VG: with blocks of 512 bytes and of 4 KiB; what the second round writes is newer than what the first wrote
writecaches() {
  for size in 512 4096; do
    lvm lvcreate -y -Wn -Zn -n "wc$size" -L 3m "$1"
    whole "$1/wc$size"
    lvm lvchange -an "$1/wc$size"
    lvm lvcreate -y -an -Wn -Zn -n "fast$size" -L 1m "$1"
    lvm lvconvert -y --type writecache --cachevol "$1/fast$size" --cachesettings "block_size=$size" "$1/wc$size"
    lvm lvchange -ay "$1/wc$size"
    put "/dev/$1/wc$size" "first$size" 8192 0 16 100 2000 3064
    put "/dev/$1/wc$size" "second$size" 4096 4 100 3068
    status "$1-wc$size"
  done
}
writecache() { group vg_writecache writecache; writecaches vg_writecache; }
cutwrite() {
  group vg_cutwrite cutwrite
  writecaches vg_cutwrite
  content lost 4
  for at in 16 200; do copy if=/tmp/content of=/dev/vg_cutwrite/wc4096 bs=4k count=1 seek=$((at * 1024)) oflag=direct,seek_bytes; done
}

# integrities VG: legs of raid1 with checksums beside them
integrities() {
  for mode in journal bitmap; do
    lvm lvcreate -y -Wn -Zn --type raid1 -m 1 --raidintegrity y --raidintegritymode $mode --nosync --alloc anywhere -n $mode -L 1m "$1"
  done
  for mode in journal bitmap; do
    whole "$1/$mode"
    put "/dev/$1/$mode" "$mode-later" 4096 0 500 1020
    status "$1-${mode}_rimage_0"
  done
}
integrity() { group vg_integrity integrity; integrities vg_integrity; }
cutintegrity() { group vg_cutintegrity cutintegrity; integrities vg_cutintegrity; }

# A group that is exported, with volumes as a host leaves them that has gone away.
exported() {
  group vg_exported exported
  lvm lvcreate -y -Wn -Zn -n data -L 256k vg_exported
  whole vg_exported/data
  lvm vgchange -an vg_exported
  lvm vgexport vg_exported
}
EOF

# appliance OUT HIDDEN LABEL=IMG... < SCRIPT: run it; LVM does not look at the disks whose labels HIDDEN lists
appliance() {
  local out=$1 hidden=$2 commands=() drive script=$W/script.img
  shift 2
  { sed "s/CUTS/$hidden/" "$W/prelude"; cat; echo exit; } > "$script"
  truncate -s 64k "$script"                             # a drive; the NULs lie behind the exit
  for drive in "$@" script="$script"; do
    commands+=(add-drive "${drive#*=}" format:raw label:"${drive%%=*}" :)
  done
  guestfish "${commands[@]}" run : debug sh "bash /dev/disk/guestfs/script" > "$out" || { cat "$out"; die "the appliance failed"; }
}

images=()
for set in "${sets[@]}"; do
  truncate -s "${sizes[$set]}M" "$W/$set.img"
  images+=("$set=$W/$set.img")
done
for set in "${cuts[@]}"; do
  truncate -r "$W/$set.img" "$W/$set.cut"
  images+=("${set}cut=$W/$set.cut")
done
truncate -s ${scratch}M "$W/meta.img"

{
  cat "$W/make"
  for set in "${sets[@]}"; do
    echo "echo @set $set >&2; $set"
    case " ${cuts[*]} " in *" $set "*) echo "dd if=\$(disk $set) of=\$(disk ${set}cut) bs=1M iflag=direct oflag=direct status=none" ;; esac
    [ "$set" = exported ] || echo "lvm vgchange -an vg_$set"
  done
  # The metadata of pools, as it lies on their hidden volumes: thin_dump is the second opinion.
  cat <<'EOF'
n=0
for pool in vg_thin/pool vg_odd/pool vg_external/pool vg_external/pool2; do
  if command lvm lvs --config "$CONFIG" "$pool" > /dev/null 2>&1; then
    lvm lvchange -y -ay "${pool}_tmeta"
    dd if="/dev/${pool}_tmeta" of="$(disk meta)" bs=1M seek=$((n * 2)) iflag=direct oflag=direct status=none
    lvm lvchange -an "${pool}_tmeta"
    echo "@meta $n $pool"
    n=$((n + 1))
  fi
done
EOF
} > "$W/run"
appliance "$W/made" "${cuts[*]/%/cut}" "${images[@]}" meta="$W/meta.img" < "$W/run"
for set in "${cuts[@]}"; do mv "$W/$set.cut" "$W/$set.img"; done

# ---- what the kernel reads in copies of them -------------------------------------------------------

copies=()
for set in "${sets[@]}"; do
  cp --sparse=always "$W/$set.img" "$W/$set.copy"
  copies+=("$set=$W/$set.copy")
done
cat > "$W/read" <<'EOF'
report() {
  command lvm fullreport --config "$CONFIG report{output_format=\"json\"}" --units b --nosuffix --all \
    --configreport vg -o vg_name,vg_uuid,vg_seqno,vg_extent_size,vg_tags,vg_attr \
    --configreport pv -o pv_name,pv_uuid,pv_size,dev_size,pe_start,pv_missing,pv_mda_count,pv_mda_used_count,pv_tags \
    --configreport lv -o lv_name,lv_uuid,lv_size,lv_layout,lv_role,lv_attr,lv_tags \
    --configreport seg -o lv_name,segtype,seg_start,seg_size,stripes,stripe_size,seg_pe_ranges \
    --configreport pvseg -o pv_name "$1" 2> /dev/null
}
sum() { echo "@sum $1 $(sha256sum < "$2" | cut -d' ' -f1)  $1/$3"; }
look() {                                                # look VG: what is in it
  echo "@report $1"
  report "$1"
  echo "@end"
  if [ "$1" = vg_exported ]; then lvm vgimport "$1"; fi
  lvm vgchange -ay -K "$1"
  sync; echo 3 > /proc/sys/vm/drop_caches
  field lvs -o lv_name,lv_active "$1" | while read -r lv active; do
    if [ "$active" = active ] && [ -e "/dev/$1/$lv" ]; then sum "$1" "/dev/$1/$lv" "$lv"; fi
  done
  for dm in "/dev/mapper/$1-"*_rimage_[01]; do
    if [ -e "$dm" ]; then sum "$1" "$dm" "${dm#"/dev/mapper/$1-"}"; fi
  done
  dmsetup table | grep "^$1-" | sed 's/^/@table /'
  lvm vgchange -an "$1"
}
EOF
{ cat "$W/read"; printf 'look vg_%s\n' "${sets[@]}"; } > "$W/run"
appliance "$W/seen" "" "${copies[@]}" < "$W/run"
# ---- what each set must have ------------------------------------------------------------------------

status() { grep "^@status $1 " "$W/made" || die "no status of $1"; }                # status DM-NAME
flags() {                                               # flags IMG: of the superblocks of all caches in it
  python3 -c '
import struct, sys
d = open(sys.argv[1], "rb").read()
for at in range(0, len(d), 4096):
    if struct.unpack_from("<Q", d, at + 32)[0] == 0o6142003 and struct.unpack_from("<Q", d, at + 8)[0] == 0:
        print(struct.unpack_from("<I", d, at + 4)[0])' "$1" | sort -u
}
check() {
  local n pool size blocks free clean=0
  case $1 in
    thin | odd | external)
      while read -r n pool; do
        dd if="$W/meta.img" of="$W/tmeta" bs=1M skip=$((n * 2)) count=2 status=none
        thin_check "$W/tmeta" > /dev/null
        thin_dump "$W/tmeta" > "$W/${pool//\//-}.xml"
      done < <(sed -n "s/^@meta \(.*vg_$1\)/\1/p" "$W/made") ;;&
    thin)
      has "$W/vg_thin-pool.xml" 'dev_id="1" mapped_blocks="2[6-9]'   # more than the 252 that one node holds
      has "$W/vg_thin-pool.xml" 'dev_id="5" mapped_blocks="0"' ;;
    odd)
      has "$W/vg_odd-pool.xml" 'data_block_size="384"'
      has <(status vg_odd-pool-tpool) 'thin-pool [0-9]+ [0-9/]+ [0-9/]+ [1-9]' ;;   # a held root
    external)
      has "$W/external.img" 'external_origin = "same"' ;;
    merging)
      has "$W/merging.img" 'merge = "base"' ;;
    cache | cutcache)
      has <(status "vg_$1-through") ' 0 2 metadata2 writethrough '
      has <(status "vg_$1-back") ' [1-9][0-9]* 2 metadata2 writeback '
      has <(status "vg_$1-back1") ' [1-9][0-9]* 1 writeback '
      has <(status "vg_$1-volback") ' [1-9][0-9]* 2 metadata2 writeback '
      if [ "$1" = cache ]; then clean=1; fi
      [ "$(flags "$W/$1.img")" = $clean ] || die "$1: not shut down as it should be" ;;
    writecache | cutwrite)
      for size in 512 4096; do
        read -r _ _ _ _ _ _ blocks free _ < <(status "vg_$1-wc$size")
        [ "$blocks" -gt "$free" ] || die "$1: nothing in the writecache of $size"
      done ;;
    integrity | cutintegrity)
      has <(status "vg_$1-journal_rimage_0") ' integrity ' ;;
    exported)
      has "$W/exported.img" 'status = \["EXPORTED"' ;;
  esac
}

mkdir -p "$OUT"
for set in "${sets[@]}"; do
  check "$set"
  sed -n "s/^@sum vg_$set //p" "$W/seen" | LC_ALL=C sort -k2 > "$W/$set.sha256"
  has "$W/$set.sha256" '^[0-9a-f]{64}  '
  rm -f "$OUT/$set".*
  cp "$W/$set.sha256" "$OUT"
  sed -n "/^@report vg_$set\$/,/^@end/p" "$W/seen" | sed '1d;$d' |
    python3 -c 'import json, sys; json.dump(json.load(sys.stdin), sys.stdout, indent=1)' | gzip -9nc > "$OUT/$set.json.gz"
  gzip -9nc "$W/$set.img" > "$OUT/$set.pv0.img.gz"
done

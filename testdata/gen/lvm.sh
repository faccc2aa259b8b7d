#!/bin/bash
# lvm.sh [SET...]: make testdata/lvm, all sets of physical volumes or those named (the functions below the line).
#
# LVM and the real device-mapper run in the appliance of guestfish, under emulation. Needs libguestfs-tools, linux-image-amd64
# (a kernel for the appliance, readable in /boot) and python3. Every set asserts that it has the feature it exists for.
# See testdata/lvm/README.md.
set -euo pipefail
shopt -s inherit_errexit
OUT=$(dirname "$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)")/lvm
W=$(mktemp -d)
trap 'rm -rf "$W"' EXIT

export LIBGUESTFS_BACKEND=direct LIBGUESTFS_BACKEND_SETTINGS=force_tcg   # emulated: slow, and the same everywhere

die() { echo "${FUNCNAME[1]}: $*" >&2; exit 1; }

# Sourced by every script that runs in the appliance.
cat > "$W/prelude" <<'EOF'
set -eu
CONFIG='devices{use_devicesfile=0} activation{monitoring=0} backup{backup=0 archive=0} global{thin_check_executable=""}'
lvm() { command lvm "$@" --config "$CONFIG" >> /tmp/lvm.out 2>&1 || { cat /tmp/lvm.out >&2; echo "lvm $*" >&2; exit 1; }; }
create() { lvm lvcreate -y -Wn -Zn -an "$@"; }          # create LVCREATE-ARGS...: an inactive LV
field() { command lvm "$@" --config "$CONFIG" --noheadings --units b --nosuffix 2>/dev/null | sed 's/^ *//; s/ *$//'; }

# fill VG/LV...: write through the device; every line is 1 KiB and says whose it is and the how manieth
fill() {
  for lv; do
    lvm lvchange -ay -K "$lv"
    bytes=$(field lvs -o lv_size "$lv")
    seq -f "$lv %09g$(printf '%*s' $((1024 - ${#lv} - 11)) .)" $((bytes / 1024)) > /tmp/content
    [ "$(wc -c < /tmp/content)" = "$bytes" ] || { echo "$lv: $bytes bytes are not whole lines" >&2; exit 1; }
    dd if=/tmp/content of="/dev/$lv" bs=1M oflag=direct conv=fsync 2> /tmp/dd.err || { cat /tmp/dd.err >&2; exit 1; }
  done
}

# sums: what the kernel reads in every visible LV that is active
sums() {
  sync; echo 3 > /proc/sys/vm/drop_caches
  field lvs -o vg_name,lv_name,lv_active | while read -r vg lv active; do
    if [ "$active" = active ] && [ -e "/dev/$vg/$lv" ]; then
      echo "@sum $(sha256sum < "/dev/$vg/$lv" 2> /dev/null | cut -d' ' -f1 | grep . || echo error)  $(name "$vg")/$lv"
    fi
  done
}
name() { echo "$1"; }                                   # how the manifest calls a VG

# report: LVM's own account of it all
report() {
  command lvm fullreport --config "$CONFIG report{output_format=\"json\"}" --units b --nosuffix --all \
    --configreport vg -o vg_name,vg_uuid,vg_seqno,vg_extent_size,vg_tags,vg_attr \
    --configreport pv -o pv_name,pv_uuid,pv_size,dev_size,pe_start,pv_missing,pv_mda_count,pv_mda_used_count,pv_tags \
    --configreport lv -o lv_name,lv_uuid,lv_size,lv_layout,lv_role,lv_attr,lv_tags \
    --configreport seg -o lv_name,segtype,seg_start,seg_size,stripes,stripe_size,seg_pe_ranges \
    --configreport pvseg -o pv_name 2> /dev/null
}
EOF

# appliance NAME < SCRIPT: run it as root with $W/pv*.img as /dev/sda, /dev/sdb, ...; then write what the kernel and LVM see
# as NAME.sha256 and NAME.json
appliance() {
  local drives=() img script=$W/script.img
  for img in "$W"/pv*.img; do drives+=(-a "$img"); done
  { cat "$W/prelude" - <(printf 'sums\necho "@report"\nreport\nlvm vgchange -an\nexit\n'); } > "$script"
  truncate -s 64k "$script"                             # a drive; the NULs lie behind the exit
  guestfish --format=raw "${drives[@]}" -a "$script" run : \
    debug sh "bash /dev/sd$(printf %b "\\$(printf %o $((97 + ${#drives[@]} / 2)))")" > "$W/out" || { cat "$W/out"; die "$1: failed"; }
  sed -n 's/^@sum //p' "$W/out" | LC_ALL=C sort -k2 > "$W/$1.sha256"
  sed '1,/^@report/d' "$W/out" | python3 -c 'import json, sys; json.dump(json.load(sys.stdin), sys.stdout, indent=1)' > "$W/$1.json"
  has "$W/$1.sha256" '^[0-9a-f]{64}  '
}
drives() { local i; rm -f "$W"/pv*.img; for ((i = 0; i < $1; i++)); do truncate -s "$2" "$W/pv$i.img"; done; }   # drives COUNT SIZE
label() { echo $(($(grep -abom1 LABELONE "$1" | head -n1 | cut -d: -f1) / 512)); }   # label IMG: the sector of its label
manifest() { cp "$W/$1.sha256" "$OUT"; gzip -9nc "$W/$1.json" > "$OUT/$1.json.gz"; }                              # manifest NAME
keep() {                                                # keep SET: its images and its manifest
  local img
  rm -f "$OUT/$1".*
  for img in "$W"/pv*.img; do
    has "$img" LABELONE
    gzip -9nc "$img" > "$OUT/$1.$(basename "$img").gz"
  done
  manifest "$1"
}
has() { grep -qaE -- "$2" "$1" || die "no $2 in $1"; }   # has FILE REGEXP

# segments NAME LV: type, start, stripes and where, a line for each segment in LVM's order
segments() {
  python3 -c '
import json, sys
for group in json.load(open(sys.argv[1]))["report"]:
    for s in group["seg"]:
        if s["lv_name"].strip("[]") == sys.argv[2]:
            print(s["segtype"], s["seg_start"], s["stripes"], s["stripe_size"], s["seg_pe_ranges"])' "$W/$1.json" "$2"
}
segments_are() {                                        # segments_are NAME LV, the lines on standard input
  diff - <(segments "$1" "$2") || die "$1: $2 has other segments"
}
# area IMG N: offset and size of metadata area N, then of the text in it, and the flags, as the PV's label and the area's header
# say; "-" where there is no such area
area() {
  python3 -c '
import struct, sys
d = open(sys.argv[1], "rb").read()
label = next(512 * s for s in range(4) if d[512 * s:][:8] == b"LABELONE")
pos, lists = label + struct.unpack_from("<I", d, label + 20)[0] + 40, [[], []]
for areas in lists:
    while struct.unpack_from("<Q", d, pos)[0]:
        areas.append(struct.unpack_from("<QQ", d, pos)); pos += 16
    pos += 16
if int(sys.argv[2]) >= len(lists[1]):
    sys.exit(print("-"))
off, size = lists[1][int(sys.argv[2])]
assert d[off + 4:off + 20] == b" LVM2 x[5A%r0N*>"
text, length, _, flags = struct.unpack_from("<QQII", d, off + 40)
print(off, size, text, length, flags)' "$1" "$2"
}

# ---- the sets -----------------------------------------------------------------------------------

# One PV: segments out of order, tags, and the targets error and zero.
linear() {
  drives 1 8M
  appliance linear <<'EOF'
lvm pvcreate --dataalignment 64k /dev/sda
lvm vgcreate --physicalextentsize 64k --addtag nightly --addtag site=north vg_linear /dev/sda
create -n root -l 9 vg_linear /dev/sda:40-48
create -n home -l 5 vg_linear /dev/sda:49-53
lvm lvextend -l +7 vg_linear/root /dev/sda:4-10
lvm lvextend -l +3 vg_linear/root /dev/sda:80-82
create -n tagged -l 1 --addtag backup --addtag 'a/b&c!' vg_linear
create -n dots.and-dashes_+ -l 1 vg_linear
fill vg_linear/root vg_linear/home vg_linear/tagged vg_linear/dots.and-dashes_+
create -n mixed -l 2 vg_linear
fill vg_linear/mixed
lvm lvextend --type zero -l +3 vg_linear/mixed
lvm lvextend --type linear -l +1 vg_linear/mixed
lvm lvcreate -y -n zeros --type zero -l 4 vg_linear
lvm lvcreate -y -n errors --type error -l 1 vg_linear
EOF
  segments_are linear root <<'EOF'
linear 0 1 0 /dev/sda:40-48
linear 589824 1 0 /dev/sda:4-10
linear 1048576 1 0 /dev/sda:80-82
EOF
  segments linear mixed | cut -d' ' -f1,2 > "$W/mixed"
  printf 'linear 0\nzero 131072\nlinear 327680\n' | diff - "$W/mixed"
  has "$W/linear.sha256" '^error  vg_linear/errors$'
  keep linear
}

# Three PVs: stripes, a volume that lies on two PVs, and what is left without the third PV.
striped() {
  drives 3 8M
  appliance striped <<'EOF'
lvm pvcreate /dev/sda /dev/sdb /dev/sdc
lvm vgcreate --physicalextentsize 256k vg_striped /dev/sda /dev/sdb /dev/sdc
create -n first -l 2 vg_striped /dev/sda
create -n spans -l 2 vg_striped /dev/sdb
lvm lvextend -l +1 vg_striped/spans /dev/sda
create -n two4k -i 2 -I 4k -l 4 vg_striped /dev/sdb /dev/sda
create -n three4k -i 3 -I 4k -l 6 vg_striped /dev/sda /dev/sdb /dev/sdc
create -n two64k -i 2 -I 64k -l 4 vg_striped /dev/sdc /dev/sdb
create -n three64k -i 3 -I 64k -l 3 vg_striped /dev/sdc /dev/sda /dev/sdb
create -n grown -i 2 -I 64k -l 2 vg_striped /dev/sda /dev/sdb
lvm lvextend -i 1 -l +1 vg_striped/grown /dev/sdc
lvm lvextend -i 3 -I 4k -l +3 vg_striped/grown
for lv in first spans two4k three4k two64k three64k grown; do fill vg_striped/$lv; done
EOF
  segments striped grown | cut -d' ' -f1-4 > "$W/grown"
  printf '%s\n' 'striped 0 2 65536' 'linear 524288 1 0' 'striped 786432 3 4096' | diff - "$W/grown"
  has <(segments striped two4k) 'striped 0 2 4096 '
  has <(segments striped three64k) 'striped 0 3 65536 '
  keep striped
  mv "$W/pv2.img" "$W/away.img"
  appliance striped-missing <<'EOF'
for lv in first spans two4k; do lvm lvchange -ay vg_striped/$lv; done
for lv in three4k two64k three64k grown; do if (lvm lvchange -ay vg_striped/$lv) 2> /dev/null; then exit 1; fi; done
EOF
  diff "$W/striped-missing.sha256" <(grep -E '/(first|spans|two4k)$' "$W/striped.sha256")
  manifest striped-missing
}

# Four PVs, whose labels lie in sectors 0 to 3: two metadata areas, one, an ignored one, none.
areas() {
  drives 4 4M
  appliance areas <<'EOF'
lvm pvcreate --labelsector 0 --pvmetadatacopies 2 --metadatasize 64k --dataalignment 64k /dev/sda
lvm pvcreate --labelsector 1 --pvmetadatacopies 1 --dataalignment 128k /dev/sdb
lvm pvcreate --labelsector 2 --pvmetadatacopies 2 --metadatasize 128k --dataalignment 64k /dev/sdc
lvm pvcreate --labelsector 3 --pvmetadatacopies 0 --dataalignment 64k /dev/sdd
lvm vgcreate --physicalextentsize 64k vg_areas /dev/sda /dev/sdb /dev/sdc /dev/sdd
lvm pvchange --metadataignore y /dev/sdc
create -n all -i 4 -I 16k -l 8 vg_areas
create -n last -l 3 vg_areas /dev/sdd
fill vg_areas/all vg_areas/last
EOF
  for i in 0 1 2 3; do [ "$(label "$W/pv$i.img")" = $i ] || die "pv$i: no label in sector $i"; done
  [[ $(area "$W/pv0.img" 1) =~ \ 0$ && $(area "$W/pv1.img" 0) =~ \ 0$ && $(area "$W/pv1.img" 1) = - ]] || die "not two areas and one"
  [[ $(area "$W/pv2.img" 0) =~ \ 1$ && $(area "$W/pv2.img" 1) =~ \ 1$ ]] || die "the areas of pv2 are not ignored"
  [ "$(area "$W/pv3.img" 0)" = - ] || die "pv3 has an area"
  keep areas
}

# One PV, whose metadata goes round the ring: the text begins at its end and goes on behind its header.
wrapped() {
  drives 1 4M
  appliance wrapped <<'EOF'
lvm pvcreate --metadatasize 32k --dataalignment 4k /dev/sda
lvm vgcreate --physicalextentsize 64k vg_wrapped /dev/sda
create -n data -l 4 vg_wrapped
fill vg_wrapped/data
for i in $(seq 200); do
  lvm lvrename vg_wrapped/data vg_wrapped/renamed
  lvm lvrename vg_wrapped/renamed vg_wrapped/data
  dd if=/dev/sda of=/tmp/area bs=4k skip=1 count=1 iflag=direct 2> /dev/null
  set -- $(od -An -v -t u8 -w8 -j 32 -N 24 /tmp/area)   # size of the area, then offset and size of the text
  if [ $(($2 + $3)) -gt "$1" ]; then break; fi
done
EOF
  read -r _ size text length _ <<<"$(area "$W/pv0.img" 0)"
  [ $((text + length)) -gt "$size" ] || die "$length bytes at $text do not wrap in $size"
  keep wrapped
}

# Two VGs of one name, as on disks of two machines; the manifest calls them by name and the first 8 characters of their UUID.
names() {
  drives 2 4M
  appliance names <<'EOF'
lvm pvcreate --dataalignment 64k /dev/sda /dev/sdb
lvm vgcreate --physicalextentsize 64k data /dev/sda
lvm vgcreate --physicalextentsize 128k other /dev/sdb
create -n root -l 4 data
create -n root -l 3 other
create -n only -l 2 other
fill data/root other/root other/only
name() { echo "data~$(field vgs -o vg_uuid "$1" | cut -c1-8)"; }
sums
sums() { :; }
lvm vgchange -an
lvm vgrename --devices /dev/sdb other data
EOF
  [ "$(cut -d' ' -f3 "$W/names.sha256" | cut -d/ -f1 | sort -u | grep -cE '^data~.{6}-.$')" = 2 ] || die "not two VGs"
  keep names
}

# Two PVs, of which the second was away when LVM took it out of the group: its copy of the metadata is out of date.
stale() {
  drives 2 4M
  appliance stale <<'EOF'
lvm pvcreate --dataalignment 64k /dev/sda /dev/sdb
lvm vgcreate --physicalextentsize 64k vg_stale /dev/sda /dev/sdb
create -n keep -l 4 vg_stale /dev/sda
create -n gone -l 2 vg_stale /dev/sdb
fill vg_stale/keep vg_stale/gone
EOF
  mv "$W/pv1.img" "$W/away.img"
  appliance stale <<'EOF'
lvm vgreduce --removemissing --force vg_stale
lvm lvchange -ay vg_stale/keep
EOF
  mv "$W/away.img" "$W/pv1.img"
  has <(cut -d' ' -f3 "$W/stale.sha256") '^vg_stale/keep$'
  keep stale
}

# Two PVs: what is not plain, with the kernel's view of it all the same.
refused() {
  drives 2 12M
  appliance refused <<'EOF'
modprobe dm-raid; modprobe dm-snapshot; modprobe dm-thin-pool
lvm pvcreate --dataalignment 64k /dev/sda /dev/sdb
lvm vgcreate --physicalextentsize 64k vg_refused /dev/sda /dev/sdb
create -n plain -l 4 vg_refused
fill vg_refused/plain
lvm lvcreate -y -Wn -Zn -n mirrored --type raid1 -m 1 -l 4 vg_refused
fill vg_refused/mirrored
while [ "$(field lvs -o copy_percent vg_refused/mirrored)" != 100.00 ]; do sleep 0.2; done
lvm lvcreate -y -Wn -Zn -n origin -l 6 vg_refused
fill vg_refused/origin
lvm lvcreate -y -s -n snap -c 4k -l 4 vg_refused/origin
for i in 3 20 61; do printf 'changed %d' $i | dd of=/dev/vg_refused/origin bs=4k seek=$i conv=notrunc,fsync 2> /dev/null; done
lvm lvcreate -y --type thin-pool -n pool -c 64k -l 12 --poolmetadatasize 2m vg_refused
lvm lvcreate -y -V 2m --thinpool vg_refused/pool -n thin
printf 'first' | dd of=/dev/vg_refused/thin conv=notrunc,fsync 2> /dev/null
printf 'later' | dd of=/dev/vg_refused/thin bs=64k seek=17 conv=notrunc,fsync 2> /dev/null
EOF
  has <(segments refused mirrored) '^raid1 '
  has <(segments refused thin) '^thin '
  has <(segments refused pool) '^thin-pool '
  [ "$(grep -cE '/(plain|mirrored|origin|snap|thin)$' "$W/refused.sha256")" = 5 ] || die "not every LV was read"
  [ "$(awk '/origin|snap/ {print $1}' "$W/refused.sha256" | sort -u | wc -l)" = 2 ] || die "the snapshot equals its origin"
  keep refused
}

# Two disks. One has a table with logical partitions, on which lie three groups: "one" over a primary and a logical partition, "two"
# over a logical one and the other disk as a whole, and "foreign", which another host owns. "two" remembers a volume that was removed.
disks() {
  local i
  drives 2 24M
  sfdisk -q "$W/pv0.img" <<'EOF'
label: dos
start=2048, size=8192, type=8e
start=10240, size=38912, type=5
start=12288, size=10240, type=8e
start=24576, size=10240, type=8e
start=36864, size=8192, type=8e
EOF
  appliance disks <<'EOF'
for p in sda1 sda5 sda6 sda7 sdb; do lvm pvcreate --metadatasize 128k --dataalignment 64k /dev/$p; done
lvm vgcreate --physicalextentsize 64k one /dev/sda1 /dev/sda5
lvm vgcreate --physicalextentsize 64k two /dev/sda6 /dev/sdb
lvm vgcreate --physicalextentsize 64k foreign /dev/sda7
create -n primary -l 40 one /dev/sda1
create -n both -l 30 one /dev/sda5
lvm lvextend -l +15 one/both /dev/sda1
create -n logical -l 50 two /dev/sda6
create -n across -l 20 two /dev/sdb
lvm lvextend -l +20 two/across /dev/sda6
create -n theirs -l 20 foreign
fill one/primary one/both two/logical two/across foreign/theirs
lvm lvcreate -y --type thin-pool -n pool -c 64k -l 12 --poolmetadatasize 2m two /dev/sdb
lvm lvcreate -y -V 1m --thinpool two/pool -n old
printf 'first' | dd of=/dev/two/old conv=notrunc,fsync 2> /dev/null
lvm lvcreate -y -s -n snap two/old
lvm lvchange -ay -K two/snap
printf 'later' | dd of=/dev/two/snap bs=64k seek=3 conv=notrunc,fsync 2> /dev/null
command lvm lvremove -y two/old --config "$CONFIG metadata{record_lvs_history=1}" >> /tmp/lvm.out 2>&1
sync; echo 3 > /proc/sys/vm/drop_caches
echo "@sum $(sha256sum < /dev/foreign/theirs | cut -d' ' -f1)  foreign/theirs"
lvm vgchange -an foreign
lvm vgchange -y --systemid elsewhere foreign
EOF
  [ "$(sed -E 's/^[0-9a-f]{64}  //' "$W/disks.sha256" | tr '\n' ' ')" = "foreign/theirs one/both one/primary two/across two/logical two/snap " ] || die "other volumes"
  segments disks both | awk '{print $5}' | tr '\n' ' ' | grep -q '^/dev/sda5:0-29 /dev/sda1:[0-9-]* $' || die "one/both lies elsewhere"
  segments disks across | awk '{print $5}' | tr '\n' ' ' | grep -q '^/dev/sdb:0-19 /dev/sda6:[0-9-]* $' || die "two/across lies elsewhere"
  has "$W/pv0.img" '^system_id = "elsewhere"'
  has "$W/pv1.img" '^historical_logical_volumes \{'
  keep disks
  for i in 0 1; do mv "$OUT/disks.pv$i.img.gz" "$OUT/disks.disk$i.img.gz"; done   # they are no PVs
}

mkdir -p "$OUT"
if [ $# = 0 ]; then set -- linear striped areas wrapped names stale refused disks; fi
for set in "$@"; do echo "$set" >&2; "$set"; done

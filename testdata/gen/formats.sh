#!/bin/bash
# formats.sh: make testdata/formats, the first 68 KiB of volumes that are told by name, each made by its own tool: NAME.head.gz.
# manifest has what libblkid says of each whole volume: name, type, UUID, label. Needs what the lines below name, and blkid.
set -euo pipefail
export LC_ALL=C.UTF-8
OUT=$(dirname "$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)")/formats
W=$(mktemp -d)
trap 'rm -rf "$W"' EXIT
U=11112222-3333-4444-8555-666677778888
mkdir -p "$OUT"; rm -f "$OUT"/*.gz; : > "$OUT/manifest"

# make NAME SIZE COMMAND...: COMMAND is given the volume as its last argument
make() {
  local name=$1 size=$2; shift 2
  rm -f "$W/v"; truncate -s "$size" "$W/v"
  "$@" "$W/v" > "$W/log" 2>&1 || { echo "formats.sh: $name:" >&2; cat "$W/log" >&2; exit 1; }
  case $name in luks*) head -c 20K "$W/v";; *) head -c 68K "$W/v";; esac | gzip -9n > "$OUT/$name.head.gz"
  echo "$name $(blkid -p -s TYPE -o value "$W/v") $(blkid -p -s UUID -o value "$W/v" || true) $(blkid -p -s LABEL -o value "$W/v" || true)" >> "$OUT/manifest"
}
squash() { rm "$1"; mkdir -p "$W/empty"; mksquashfs "$W/empty" "$1" -quiet; }
erofs() { mkdir -p "$W/empty"; mkfs.erofs -U "$U" "$1" "$W/empty"; }
luks1() { echo key | cryptsetup luksFormat -q --iter-time 1 --type luks1 --uuid "$U" "$1"; }
luks2() { echo key | cryptsetup luksFormat -q --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --type luks2 --uuid "$U" --label encrypted "$1"; }
head_gone() { luks2 "$1"; dd if=/dev/zero of="$1" bs=4096 count=1 conv=notrunc status=none; }

make xfs 300M mkfs.xfs -q -f -m "uuid=$U" -L xfslabel
make btrfs 120M mkfs.btrfs -q -f -U "$U" -L btrfslabel
make f2fs 100M mkfs.f2fs -q -f -U "$U" -l f2fslabel
make exfat 4M mkfs.exfat -L exfatlabel
make swap 1M mkswap -U "$U" -L swaplabel
make swap-64k 1M mkswap -p 65536 -U "$U"
make luks1 20M luks1
make luks2 20M luks2
make luks2-second 20M head_gone
make reiserfs 40M mkreiserfs -q -f -u "$U" -l reiserlabel
make squashfs 4k squash
make jfs 20M mkfs.jfs -q -L jfslabel
make bcache 20M make-bcache -B
make erofs 4k erofs
make udf 4M mkudffs --label=udflabel

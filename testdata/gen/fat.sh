#!/bin/bash
# fat.sh: make testdata/fat, FAT12, FAT16 and FAT32 file systems.
#
# mkfs.fat makes them; the kernel's vfat fills them, in the appliance of guestfish, and then says what is in them: NAME.img.gz
# and NAME.manifest.jsonl.gz. 7z reads the same names and bytes, which is asserted. Times are UTC. Needs dosfstools, p7zip,
# libguestfs-tools, linux-image-amd64 and python3.
set -euo pipefail
shopt -s inherit_errexit
export LC_ALL=C.UTF-8 TZ=UTC
export LIBGUESTFS_BACKEND=direct LIBGUESTFS_BACKEND_SETTINGS=force_tcg
OUT=$(dirname "$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)")/fat
W=$(mktemp -d)
trap 'rm -rf "$W"' EXIT
die() { echo "${name:-fat.sh}: $*" >&2; exit 1; }
names=()

new() { names+=("$1"); truncate -s "$2" "$W/$1.img"; mkfs.fat -n "${3:-}" "${@:4}" "$W/$1.img" > "$W/mkfs.out" 2>&1 || { cat "$W/mkfs.out"; exit 1; }; }

#   NAME            SIZE  LABEL
new fat12-floppy    1440K FLOPPY      -F 12 -i 0f100f10
new fat12-2k        4M    'TWO K'     -F 12 -S 2048 -s 2 -i 00002048
new fat12-4k        8M    ''          -F 12 -S 4096 -s 1 -f 1
new fat16           5M    SIXTEEN     -F 16 -s 2 -i 16161616
new fat16-1fat      9M    ''          -F 16 -s 4 -f 1 -r 1024
new fat32-small     3M    'EFI SYSTEM' -F 32 -s 1 -i 32323232
new fat32           34M   THIRTYTWO   -F 32 -s 1 -i deadbeef -f 1
new fat32-4k        10M   ''          -F 32 -S 4096 -s 2

cat > "$W/fill" <<'EOF'
set -eu; mkdir -p /tmp/m
text() { seq -f "$1 %.0f" 1 200000 | head -c "$2" || true; }
fill() {
  big=$1
  cd /tmp/m
  mkdir -p EFI/BOOT "Program Files/Größe ☃" lower
  text readme 300 > README.TXT
  text mixed 1000 > "Mixed Case Name.text"
  text long 700 > "$(printf '%0255d' 7 | tr 0 x)"
  text smile 80 > "smile 😀 and 日本語.txt"
  text bootx64 30000 > EFI/BOOT/BOOTX64.EFI
  text lower 10 > lower/lower.txt
  text base 11 > lower/lowbase.TXT
  text ext 12 > lower/LOWEXT.txt
  text dots 13 > "lower/two.dots.here"
  text back 14 > 'lower/plus+equals=[1];comma,.x'
  : > EMPTY
  text cp 15 > CPNAME.TXT; text sigma 16 > SIGMA
  text size "$big" > EXACT.BIN
  for i in $(seq 1 16); do text "left $i" 3500 >> left.log; text "right $i" 3500 >> RIGHT.LOG; sync; done
  mkdir many; for i in $(seq -w 1 120); do text "$i" $((10#$i)) > "many/file number $i of many"; done
  rm "many/file number 05"* "many/file number 117 of many"
  text gone 900 > "a deleted file.txt"; rm "a deleted file.txt"
  mkdir -p deep/1/2/3/4/5/6/7/8; text deep 17 > deep/1/2/3/4/5/6/7/8/bottom
  text later 50 > later.txt
  chmod a-w README.TXT
  touch -d '1980-01-01 00:00:00' later.txt; touch -d '2107-12-31 23:59:58' lower/lower.txt; touch -d '2024-02-29 12:34:57' EMPTY
  text grown 5000 > GROWN.BIN; truncate -s 100 GROWN.BIN
  cd /
}
for name in NAMES; do
  for dev in /dev/sd*; do
    if [ "$(blockdev --getsize64 "$dev")" = "${name#*:}" ]; then break; fi
  done
  name=${name%:*}
  if [ PASS = fill ]; then
    mount -t vfat -o tz=UTC,utf8,codepage=437,shortname=winnt "$dev" /tmp/m
    fill $((1 << 14))
    umount /tmp/m
  else
    mount -t vfat -o ro,tz=UTC,utf8,codepage=437,shortname=mixed,fmask=0133,dmask=0022 "$dev" /tmp/m
    cd /tmp/m
    echo "@ $name"
    find . -printf '%y\t%m\t%s\t%T@\t%A@\t%P\n' | while IFS= read -r line; do
      path=${line##*	} sum=
      case $line in f*) sum=$(sha256sum < "$path" | cut -d' ' -f1);; esac
      printf '%s\t%s\n' "$sum" "$line"
    done
    cd /; umount /tmp/m
  fi
done
EOF

appliance() {  # appliance fill|list: run that part on all images
  local drives=() sizes=() name   # drives come in any order: told apart by their size, and the script by its first line
  for name in "${names[@]}"; do
    drives+=(--format=raw -a "$W/$name.img")
    sizes+=("$name:$(stat -c %s "$W/$name.img")")
  done
  { echo '# the script'; sed "s/NAMES/${sizes[*]}/; s/PASS/$1/" "$W/fill"; echo 'sync; exit'; } > "$W/script.img"
  truncate -s 64k "$W/script.img"
  guestfish "${drives[@]}" --format=raw -a "$W/script.img" run : \
    debug sh 'for d in /dev/sd*; do if head -c 12 $d | grep -q "# the script"; then bash $d; exit; fi; done; exit 1' > "$W/$1.out" || { cat "$W/$1.out"; die "$1: failed"; }
}

appliance fill
# Short names in code page 437 that have no long one, and one whose first byte stands for E5; attributes.
for name in "${names[@]}"; do
  python3 - "$W/$name.img" <<'EOF'
import sys
p = sys.argv[1]
d = bytearray(open(p, 'rb').read())
for old, new in (b'CPNAME  TXT', b'C\x9aN\x81\x84\xe1  TXT'), (b'SIGMA      ', b'\x05IGMA      '):
    assert d.count(old) == 1, (old, d.count(old))
    at = d.index(old)
    d[at:at + 11] = new
assert d.count(b'LATER   TXT') == 1
d[d.index(b'LATER   TXT') + 11] |= 6   # hidden, system
open(p, 'wb').write(d)
EOF
done
appliance list

mkdir -p "$OUT"; rm -f "$OUT"/*.gz
for name in "${names[@]}"; do
  sed -n "/^@ $name\$/,/^@ /p" "$W/list.out" | grep -v '^@ ' | python3 -c '
import json, sys
from datetime import datetime, timezone
def iso(s):
    t = datetime.fromtimestamp(float(s), timezone.utc)
    return t.strftime("%Y-%m-%dT%H:%M:%SZ")
for line in sorted(sys.stdin.read().splitlines(), key=lambda l: l.split("\t")[6]):
    sum, kind, mode, size, mtime, atime, path = line.split("\t")
    o = {"path": path or ".", "type": {"f": "file", "d": "dir"}[kind], "mode": "%04o" % int(mode, 8), "uid": 0, "gid": 0, "mtime": iso(mtime), "atime": iso(atime)}
    if kind == "f":
        o["size"], o["sha256"] = int(size), sum
    print(json.dumps(o, ensure_ascii=False))' > "$W/$name.jsonl"
  [ "$(wc -l < "$W/$name.jsonl")" = 144 ] || die "$(wc -l < "$W/$name.jsonl") files"
  fsck.fat -n "$W/$name.img" > "$W/fsck.out" || true
  if grep -qE 'cluster chain|free cluster|Bad|differ' "$W/fsck.out"; then cat "$W/fsck.out"; die 'fsck.fat finds damage'; fi
  rm -rf "$W/7z"; 7z x -bd -o"$W/7z" "$W/$name.img" > "$W/7z.out"
  python3 -c '
import hashlib, json, os, sys
root = sys.argv[1]
theirs = {}
for d, _, files in os.walk(root):
    for f in files:
        p = os.path.join(d, f)
        theirs[os.path.relpath(p, root)] = hashlib.sha256(open(p, "rb").read()).hexdigest()
ours = {o["path"]: o["sha256"] for o in map(json.loads, open(sys.argv[2])) if o["type"] == "file"}
diff = {k for k in ours.keys() | theirs.keys() if ours.get(k) != theirs.get(k)}
assert len(diff) <= 4 and all(ord(max(k)) > 127 for k in diff), diff   # 7z knows another code page
' "$W/7z" "$W/$name.jsonl"
  gzip -9n < "$W/$name.jsonl" > "$OUT/$name.manifest.jsonl.gz"
  gzip -9n < "$W/$name.img" > "$OUT/$name.img.gz"
done
ls -l "$OUT"

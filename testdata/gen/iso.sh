#!/bin/bash
# iso.sh: the golden images of package iso, written by xorriso and genisoimage, with manifests of the trees they were made
# from. Needs root (for owners and devices), xorriso, genisoimage, zisofs-tools, python3 >= 3.11.
set -euo pipefail
shopt -s inherit_errexit
GEN=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
OUT=$(dirname "$GEN")/iso
W=$(mktemp -d)
trap 'rm -rf "$W"' EXIT
export PYTHONDONTWRITEBYTECODE=1 LC_ALL=C.UTF-8 TZ=UTC
die() { echo "iso.sh: $*" >&2; exit 1; }

# tree KIND DIR: the source of an image
tree() {
  python3 - "$1" "$2" <<'PY'
import os, random, sys
kind, top = sys.argv[1], os.fsencode(sys.argv[2])

def put(name, data):
    path = top + b'/' + name
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'wb') as f:
        f.write(data)

def text(n):
    return b''.join(b'line %d\n' % i for i in range(n))

os.makedirs(top, exist_ok=True)
if kind == 'unix':
    put(b'file.txt', b'a file\n')
    put(b'empty', b'')
    put(b'sector', b's' * 2048)
    put(b'big.log', text(9000))
    put(b'sub/lower.UPPER', b'case\n')
    os.link(top + b'/file.txt', top + b'/sub/hard')
    os.makedirs(top + b'/none')
    put(b'names/' + b'n' * 255, b'255 bytes\n')
    put(b'names/' + b'\xe4\xf6\xfc latin-1', b'not UTF-8\n')
    put(b'names/dev\\x2dsda.swap', b'a backslash\n')
    put('names/grüße €.txt'.encode(), b'UTF-8\n')
    put(b'names/ two  spaces ', b'spaces\n')
    for i in range(120):
        put(b'many/a name that is long enough to fill sectors %03d' % i, b'%d\n' % i)
    for name, target in ((b'rel', b'../file.txt'), (b'abs', b'/usr/bin/./x/..'), (b'long', b'/'.join([b'component-%03d' % i for i in range(70)])),
                         (b'one', b'o' * 255), (b'dangling', b'\xff\xfe')):
        os.makedirs(top + b'/links', exist_ok=True)
        os.symlink(target, top + b'/links/' + name)
    os.makedirs(top + b'/dev')
    os.mkfifo(top + b'/dev/fifo')
    os.mknod(top + b'/dev/tty', 0o20620, os.makedev(5, 0))
    os.mknod(top + b'/dev/sda', 0o60660, os.makedev(8, 0))
    os.mknod(top + b'/dev/minor', 0o60660, os.makedev(8, 255))
    os.chmod(top + b'/file.txt', 0o4751)
    os.chmod(top + b'/sub', 0o3775)
    os.chown(top + b'/big.log', 1000, 100000)
    os.chmod(top + b'/none', 0o1700)
elif kind == 'deep':
    put(b'top', b'top\n')
    put(b'/'.join(b'level%02d' % i for i in range(1, 13)) + b'/file', b'deep\n')
    put(b'/'.join(b'level%02d' % i for i in range(1, 9)) + b'/side/below/file', b'beside\n')
elif kind == 'windows':
    put(b'Read Me.txt', b'a file\n')
    put('Grüße €.txt'.encode(), b'UCS-2\n')
    put(b'no extension', b'')
    put(b'x' * 60 + b'.txt', text(400))
    put(b'Folder With Space/Inner.Folder/file.tar.gz', b'two dots\n')
    os.makedirs(top + b'/Empty')
elif kind == 'plain':
    put(b'README.TXT', b'a file\n')
    put(b'NOEXT', text(1000))
    put(b'EMPTY.DAT', b'')
    put(b'SUB/DIR/FILE.1', b'below\n')
    os.makedirs(top + b'/NONE')
elif kind == 'zisofs':
    put(b'squeezed', text(20000))
    put(b'raw', random.Random(1).randbytes(1500))                              # does not shrink, and stays as it is
for path, dirs, files in os.walk(top, topdown=False):
    for i, name in enumerate(sorted(dirs + files)):
        os.utime(path + b'/' + name, (1.2e9, 1e9 + 86400 * i), follow_symlinks=False)
os.utime(top, (1.2e9, 1e9))
PY
}

# golden NAME: store $W/NAME.iso and the manifest of $W/NAME
golden() {
  python3 "$GEN/manifest.py" "$W/$1" | gzip -9n > "$OUT/$1.manifest.jsonl.gz"
  gzip -9n < "$W/$1.iso" > "$OUT/$1.iso.gz"
}
has() { grep -aq -- "$2" "$1" || die "no $2 in $1"; }           # has FILE STRING
field() { xxd -p "$1" | tr -d '\n' | grep -q "$2" || die "no field $2 in $1"; }   # field FILE HEX

mkdir -p "$OUT"

# Rock Ridge and Joliet by xorriso: continuation areas, long names and targets, devices, hard links
tree unix "$W/unix"
xorriso -as mkisofs -quiet -V UNIX -R -J -joliet-long --hardlinks -o "$W/unix.iso" "$W/unix" 2> "$W/err" || { cat "$W/err" >&2; die "xorriso"; }
field "$W/unix.iso" 43451c01; field "$W/unix.iso" 504e1401                      # CE, PN
golden unix

# the same by genisoimage, which knows no serial numbers and has long been what most images were written with
cp -a "$W/unix" "$W/old"
rm "$W/old/links/"{one,long}                                                  # genisoimage 1.1.11 never ends with them
touch -r "$W/unix/links" "$W/old/links"
timeout 20 genisoimage -quiet -V OLD -R -o "$W/old.iso" "$W/old"
field "$W/old.iso" 50582401; has "$W/old.iso" RRIP_1991A                        # PX of 36 bytes
golden old

# directories deeper than 8 levels, relocated: CL, PL and RE
tree deep "$W/deep"
timeout 20 genisoimage -quiet -V DEEP -R -o "$W/deep.iso" "$W/deep" 2> "$W/err"
for f in 434c0c01 504c0c01 52450401; do field "$W/deep.iso" "$f"; done
golden deep

# Joliet without Rock Ridge
tree windows "$W/windows"
timeout 20 genisoimage -quiet -V windows -J -o "$W/windows.iso" "$W/windows" 2> "$W/err"
has "$W/windows.iso" '%/E'
golden windows

# neither
tree plain "$W/plain"
timeout 20 genisoimage -quiet -V PLAIN -iso-level 1 -o "$W/plain.iso" "$W/plain"
has "$W/plain.iso" 'README.TXT;1'
golden plain

# compressed: the sums in the manifest are those of the data before that
tree zisofs "$W/zisofs"
mkzftree "$W/zisofs" "$W/packed"
touch -r "$W/zisofs" "$W/packed"
timeout 20 genisoimage -quiet -V ZISOFS -R -z -o "$W/zisofs.iso" "$W/packed"
field "$W/zisofs.iso" 5a461001
golden zisofs

ls -l "$OUT"
[ "$(du -bc "$OUT" | tail -1 | cut -f1)" -lt 1000000 ] || die "more than 1 MB"

#!/bin/bash
# winguest.sh: make testdata/winguest, the disks of Windows machines with real hives.
#
#   system.img.gz   MBR: p1 NTFS with Windows, C:; p2 NTFS, D:; p3 FAT without a letter, mounted on the folder C:\mnt\p3
#   data.img.gz     GPT: p1 NTFS, E:, which is mounted on D:\mounted too
#   old.img.gz      an NTFS volume without a partition table: another Windows, in WINNT, whose hive knows no letters
#   *.manifest.jsonl.gz   the files of the NTFS volumes, as ntfs-3g has them; links in the form of Windows are not among them
#   hives/          the hives in them, and larger ones, each with what hivexml reads in it
#
# Needs, beside what lib.sh needs: sfdisk, sgdisk, mkfs.vfat, mtools, ntfs-3g and FUSE, attr, libhivex-bin, libwin-hivex-perl.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
OUT=$DATA/winguest
name=winguest
SIGNATURE=a1b2c3d4
P1=64 P2=8256 P3=14400 P3_SIZE=2048   # sectors
E_GUID=5d1c2b3a-0001-4002-8003-1234567890ab E_START=64
mkdir -p "$OUT/hives"
rm -f "$OUT"/*.gz "$OUT"/hives/*

# empty FILE: a hive with nothing but its root, which hivexsh then fills; it cannot make one
empty() {
  python3 - "$1" <<'END'
import struct, sys
base = bytearray(4096)
base[:4] = b'regf'
struct.pack_into('<IIQIIIIIII', base, 4, 1, 1, 133_000_000_000_000_000, 1, 5, 0, 1, 32, 4096, 1)
total = 0
for (n,) in struct.iter_unpack('<I', base[:508]):
    total ^= n
struct.pack_into('<I', base, 508, total)
bins = bytearray(4096)
bins[:4] = b'hbin'
struct.pack_into('<II', bins, 4, 0, 4096)
name = b'ROOT'
key = bytearray(76) + name
struct.pack_into('<2sHQIIIIIIIII', key, 0, b'nk', 0x2c, 133_000_000_000_000_000, 0, 0, 0, 0, 0xffffffff, 0xffffffff, 0, 0xffffffff, 120)
struct.pack_into('<I', key, 48, 0xffffffff)
struct.pack_into('<H', key, 72, len(name))
security = bytearray(20 + 20)
struct.pack_into('<2sHIIII', security, 0, b'sk', 0, 120, 120, 1, 20)
struct.pack_into('<BBHIIII', security, 20, 1, 0, 0x8000, 0, 0, 0, 0)
at = 32
for cell in key, security:
    size = -(-(4 + len(cell)) // 8) * 8
    struct.pack_into('<i', bins, at, -size)
    bins[at + 4:at + 4 + len(cell)] = cell
    at += size
assert struct.unpack_from('<i', bins, 120)[0] < 0
struct.pack_into('<i', bins, at, 4096 - at)
open(sys.argv[1], 'wb').write(base + bins)
END
}

# fill_hive FILE: with the commands of hivexsh on standard input
fill_hive() { { cat; echo commit; } | hivexsh -w "$1" > "$W/hivexsh.log" 2>&1 || { cat "$W/hivexsh.log" >&2; return 1; }; }
hive() { empty "$W/$1"; fill_hive "$W/$1"; }   # hive FILE
keep_hive() { gzip -9nc "$W/$1" > "$OUT/hives/$1.gz"; hivexml "$W/$1" | gzip -9n > "$OUT/hives/$1.xml.gz"; }

# bytes STRUCT-FORMAT VALUES...: as hivexsh takes them
bytes() { python3 -c 'import struct, sys; print("hex:3:" + ",".join("%02x" % b for b in struct.pack(sys.argv[1], *map(eval, sys.argv[2:]))))' "$@"; }
mbr() { bytes '<IQ' "0x$1" "$(($2 * 512))"; }               # mbr SIGNATURE SECTOR
gpt() { bytes '8s16s' 'b"DMIO:ID:"' "__import__('uuid').UUID('$1').bytes_le"; }   # gpt GUID
filetime() { bytes '<Q' "($(date -u -d "$1" +%s) + 11644473600) * 10**7 + $2"; }  # filetime TIME UNITS
wide() { python3 -c 'import sys; print("hex:3:" + ",".join("%02x" % b for b in sys.argv[1].encode("utf-16-le")))' "$1"; }

hive SYSTEM <<END
add MountedDevices
cd MountedDevices
setval 8
\\DosDevices\\C:
$(mbr $SIGNATURE $P1)
\\DosDevices\\D:
$(mbr $SIGNATURE $P2)
\\DosDevices\\E:
$(gpt $E_GUID)
\\DosDevices\\F:
$(mbr 01020304 2048)
\\DosDevices\\G:
$(wide '\??\SCSI#CdRom&Ven_NECVMWar&Prod_VMware_SATA_CD00')
\\??\\Volume{11111111-2222-3333-4444-555555555555}
$(mbr $SIGNATURE $P3)
\\??\\Volume{66666666-2222-3333-4444-555555555555}
$(gpt $E_GUID)
#{77777777-2222-3333-4444-555555555555}
$(gpt $E_GUID)
cd ..
add Select
cd Select
setval 1
Current
dword:2
cd ..
add ControlSet001
add ControlSet002
cd ControlSet002
add Control
cd Control
add ComputerName
cd ComputerName
add ComputerName
cd ComputerName
setval 1
ComputerName
string:WIN02
cd ..
cd ..
add TimeZoneInformation
cd TimeZoneInformation
setval 2
TimeZoneKeyName
hex:1:57,00,2e,00,20,00,45,00,75,00,72,00,6f,00,00,00,ff,ff,12,34
Bias
dword:0xffffffc4
cd ..
add Windows
cd Windows
setval 1
ShutdownTime
$(filetime 2026-11-17T03:04:05 1234567)
cd ..
cd ..
add Services
cd Services
add Tcpip
cd Tcpip
add Parameters
cd Parameters
setval 1
Hostname
string:win02
END
hive SOFTWARE <<END
add Microsoft
cd Microsoft
add Windows NT
cd Windows NT
add CurrentVersion
cd CurrentVersion
setval 8
ProductName
string:Windows 10 Pro
CurrentVersion
string:6.3
CurrentMajorVersionNumber
dword:10
CurrentMinorVersionNumber
dword:0
CurrentBuild
string:22631
UBR
dword:4460
DisplayVersion
string:23H2
SystemRoot
string:C:\\Windows
END
hive old-SYSTEM <<END
add Select
cd Select
setval 1
Current
dword:1
cd ..
add ControlSet001
cd ControlSet001
add Control
cd Control
add ComputerName
cd ComputerName
add ComputerName
cd ComputerName
setval 1
ComputerName
string:OLD
cd ..
cd ..
add TimeZoneInformation
cd TimeZoneInformation
setval 1
StandardName
string:Eastern Standard Time
END
hive old-SOFTWARE <<END
add Microsoft
cd Microsoft
add Windows NT
cd Windows NT
add CurrentVersion
cd CurrentVersion
setval 5
ProductName
string:Windows 7 Professional
CurrentVersion
string:6.1
CurrentBuild
string:7601
CSDVersion
string:Service Pack 1
SystemRoot
string:H:\\WINNT
END
# Many keys; values that are large, empty, of every type
{
  echo add many; echo cd many
  for i in {0..599}; do echo "add key $i"; done
  echo cd ..
  printf '%s\n' 'add values' 'cd values' 'setval 7' @ string:default empty none zero hex:3: four hex:3:01,02,03,04 five hex:3:01,02,03,04,05
  printf '%s\n' number dword:0xfffffffe expand 'expandstring:%SystemRoot%\x'
} | hive large
perl -MWin::Hivex -e '
  my $h = Win::Hivex->open($ARGV[0], write => 1);
  my $k = $h->node_add_child($h->root, "large");
  $h->node_set_value($k, { key => "v", t => 3, value => pack("C*", map { $_ * 7 % 251 } 0 .. 15999) });
  $h->commit(undef);' "$W/large"
for h in SYSTEM SOFTWARE old-SYSTEM old-SOFTWARE large; do keep_hive $h; done
[ "$(hivexml "$W/large" | grep -o '<node' | wc -l)" = 604 ] || die 'keys are missing'

# with_ntfs IMG CMD...: run CMD while the volume is mounted
with_ntfs() {
  LOOP=$(losetup -f --show "$1")
  ntfs-3g -o streams_interface=xattr "$LOOP" "$MNT"
  "${@:2}"
  umount "$MNT"
  losetup -d "$LOOP"; LOOP=
}
ntfs() {  # ntfs IMG SECTORS START
  truncate -s "$(($2 * 512))" "$1"
  mkntfs -q -F -c 512 -L "$(basename "$1" .img)" -p "$3" -H 255 -S 63 "$1" &> "$W/mkntfs.err" || { cat "$W/mkntfs.err" >&2; return 1; }
}

# link PATH TAG SUBSTITUTE [RELATIVE]: a reparse point as Windows makes it, on an empty file or folder
link() {
  setfattr -h -n system.ntfs_reparse_data -v "0x$(python3 - "${@:2}" <<'END'
import struct, sys
tag, substitute, relative = int(sys.argv[1], 16), sys.argv[2], len(sys.argv) > 3
shown = substitute.removeprefix('\\??\\')
a, b = (s.encode('utf-16-le') for s in (substitute, shown))
head = struct.pack('<HHHH', 0, len(a), len(a) + 2, len(b))
if tag == 0xa000000c:
    head += struct.pack('<I', relative)
data = head + a + b'\0\0' + b + b'\0\0'
print((struct.pack('<IHH', tag, len(data), 0) + data).hex())
END
)" "$MNT/$1"
}
junction() { mkdir "$MNT/$1"; link "$1" a0000003 "$2"; }   # junction PATH SUBSTITUTE
filelink() { : > "$MNT/$1"; link "$1" a000000c "${@:2}"; } # filelink PATH SUBSTITUTE [RELATIVE]
dirlink() { mkdir "$MNT/$1"; link "$1" a000000c "${@:2}"; }
tree() {  # tree NAME: the manifest
  python3 "$GEN/manifest.py" "$MNT" | grep -v '"unsupported reparse' | gzip -9n > "$OUT/$1.manifest.jsonl.gz"
}

windows() {
  mkdir -p "$MNT/Windows/System32/config" "$MNT/Users/alice/Desktop" "$MNT/mnt"
  cp "$W/SYSTEM" "$W/SOFTWARE" "$MNT/Windows/System32/config"
  echo 'of alice' > "$MNT/Users/alice/Desktop/note.txt"
  tree system
  junction 'Documents and Settings' '\??\C:\Users'
  junction Users/alice/shared '\??\D:\Shared'
  junction mnt/p3 '\??\Volume{11111111-2222-3333-4444-555555555555}\'
  junction mnt/gone '\??\Volume{99999999-2222-3333-4444-555555555555}\'
  junction loop '\??\D:\loop'
  junction missing '\??\F:\x'
  filelink note-relative 'Users\alice\Desktop\note.txt' relative
  filelink note-of-drive '\Users\alice\Desktop\note.txt' relative
  filelink note-absolute '\??\C:\USERS\alice\desktop\NOTE.TXT'
  filelink on-share '\??\UNC\server\share\x'
  dirlink Users/alice/everyone '..' relative
}
data() {
  mkdir -p "$MNT/Shared"
  echo 'of all' > "$MNT/Shared/all.txt"
  tree d
  junction loop '\??\c:\loop'
  junction Shared/home '\??\C:\Documents and Settings\alice'
  junction mounted '\??\Volume{66666666-2222-3333-4444-555555555555}\'
  filelink root-note '\Shared\all.txt' relative
}
backup() { mkdir "$MNT/Backup"; echo 'of the backup' > "$MNT/Backup/b.txt"; tree e; }
old() {
  mkdir -p "$MNT/WINNT/system32/config"
  cp "$W/old-SYSTEM" "$MNT/WINNT/system32/config/SYSTEM"
  cp "$W/old-SOFTWARE" "$MNT/WINNT/system32/config/software"
  tree old
}

put() { dd if="$1" of="$2" bs=512 seek="$3" conv=notrunc status=none; }   # put FILE IMG SECTOR
truncate -s $(((P3 + P3_SIZE) * 512)) "$W/system.img"
sfdisk -q "$W/system.img" <<END
label: dos
label-id: 0x$SIGNATURE
unit: sectors
start=$P1, size=$((P2 - P1)), type=7, bootable
start=$P2, size=$((P3 - P2)), type=7
start=$P3, size=$P3_SIZE, type=1
END
ntfs "$W/p1.img" $((P2 - P1)) $P1
with_ntfs "$W/p1.img" windows
ntfs "$W/p2.img" $((P3 - P2)) $P2
with_ntfs "$W/p2.img" data
truncate -s $((P3_SIZE * 512)) "$W/p3.img"
mkfs.vfat -F 12 -n NOLETTER -i 20260101 "$W/p3.img" > /dev/null
echo 'of the folder' > "$W/f.txt"
mcopy -i "$W/p3.img" "$W/f.txt" ::f.txt
put "$W/p1.img" "$W/system.img" $P1
put "$W/p2.img" "$W/system.img" $P2
put "$W/p3.img" "$W/system.img" $P3

truncate -s $((6144 * 512)) "$W/data.img"
sgdisk -a 1 -U "$(uuid winguest)" -n 1:$E_START:6110 -t 1:0700 -u 1:$E_GUID "$W/data.img" > "$W/sgdisk.log"
ntfs "$W/e.img" $((6110 + 1 - E_START)) $E_START
with_ntfs "$W/e.img" backup
put "$W/e.img" "$W/data.img" $E_START
ntfs "$W/old.img" 6144 0
with_ntfs "$W/old.img" old
for i in system data old; do gzip -9nc "$W/$i.img" > "$OUT/$i.img.gz"; done

has "$(blkid -p -o export "$W/system.img")" "PTUUID=$SIGNATURE"
has "$(sgdisk -i 1 "$W/data.img")" "unique GUID: ${E_GUID^^}"

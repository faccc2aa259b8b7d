#!/bin/bash
# guest.sh: make testdata/guest, volumes of a machine that has two systems and a volume for data. Needs e2fsprogs and util-linux (utmpdump, last).
#
#   old.img.gz    a root: etc/fstab mounts another volume as the root, so it is not the one that was running
#   new.img.gz    a root: etc/fstab names it by its UUID, and mounts what data.img is in every way that can go wrong
#   data.img.gz   a volume with links into the root
# The UUIDs and texts below are what guest_test.go asks for; mke2fs -d copies them in.
set -euo pipefail
shopt -s inherit_errexit
OUT=$(dirname "$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)")/guest
W=$(mktemp -d)
trap 'rm -rf "$W"' EXIT
export E2FSPROGS_FAKE_TIME=1700000000   # the same images on each run

image() {  # image NAME UUID LABEL: from the tree in $W/NAME
  find "$W/$1" -exec touch -h -d @1700000000 {} +
  rm -f "$W/$1.img"
  mke2fs -q -F -t ext4 -O ^has_journal,^resize_inode -N 64 -b 1024 -U "$2" -L "$3" -E hash_seed="$2",root_owner=0:0 -d "$W/$1" "$W/$1.img" 512
  debugfs -R 'stat /etc/fstab' "$W/$1.img" 2> /dev/null | grep -q 'Type: regular' || [ "$1" = data ]
  gzip -9n < "$W/$1.img" > "$OUT/$1.img.gz"
}

mkdir -p "$OUT" "$W"/{old,new}/{etc,home,data} "$W/new"/{srv/far,usr/lib,var/log,mnt/a\ b,gone,nested} "$W"/data/{sub,nested}
cat > "$W/old/etc/fstab" <<'END'
UUID=22222222-2222-4222-8222-222222222222 / ext4 defaults 0 1
END
echo 'PRETTY_NAME="Old Linux 1"' > "$W/old/etc/os-release"
cat > "$W/new/etc/fstab" <<'END'
# <file system> <mount point> <type> <options>
UUID="22222222-2222-4222-8222-222222222222" / ext4 errors=remount-ro 0 1
LABEL=data	/data	ext4	ro,subvol=@data
UUID=33333333-3333-4333-8333-333333333333 /mnt/a\040b ext4 defaults
/dev/sdc /srv/far ext4 noauto
LABEL=data /link ext4
LABEL=data /nowhere ext4
LABEL=none /gone ext4
/dev/mapper/vg-gone /home ext4
LABEL=old /data/nested ext4
/data /nested none rbind
/data/none /nowhere/below none bind
tmpfs /tmp tmpfs
server:/export /net nfs
/swapfile none swap sw
short
END
printf 'NAME=New\nPRETTY_NAME='"'New Linux 2'"'\nVERSION_ID="2.1"\n' > "$W/new/usr/lib/os-release"
echo new01 > "$W/new/etc/hostname"
ln -s ../usr/share/zoneinfo/Europe/Berlin "$W/new/etc/localtime"
utmpdump -r > "$W/new/var/log/wtmp" 2> "$W/utmpdump.err" <<'END'
[1] [00000] [~~  ] [shutdown] [~           ] [6.1.0-18-amd64      ] [0.0.0.0        ] [2026-11-01T00:00:00,000000+00:00]
[2] [00000] [~~  ] [reboot  ] [~           ] [6.1.0-18-amd64      ] [0.0.0.0        ] [2026-11-02T00:00:00,000000+00:00]
[1] [00000] [~~  ] [shutdown] [~           ] [6.1.0-18-amd64      ] [0.0.0.0        ] [2026-11-17T03:04:05,000000+00:00]
[2] [00000] [~~  ] [reboot  ] [~           ] [6.1.0-18-amd64      ] [0.0.0.0        ] [2026-11-18T00:00:00,000000+00:00]
[7] [00042] [ts/0] [alice   ] [pts/0       ] [                    ] [0.0.0.0        ] [2026-11-18T01:00:00,000000+00:00]
END
TZ=UTC last -x -f "$W/new/var/log/wtmp" shutdown | grep -q 'Nov 17 03:04'
ln -s data "$W/new/link"
ln -s /data/to-root "$W/new/there-and-back"
echo 'below a mount' > "$W/new/data/hidden"
echo 'of the volume' > "$W/data/file"
ln -s /etc/hostname "$W/data/to-root"
ln -s ../etc/hostname "$W/data/up"
image old 11111111-1111-4111-8111-111111111111 old
image new 22222222-2222-4222-8222-222222222222 new
image data 33333333-3333-4333-8333-333333333333 data

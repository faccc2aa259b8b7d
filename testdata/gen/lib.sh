# shellcheck shell=bash
# What sample-vm.sh and ext.sh share; to be sourced. Needs root, Linux with loop and ext4, e2fsprogs, python3 >= 3.11.
set -euo pipefail
shopt -s inherit_errexit
GEN=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
DATA=$(dirname "$GEN")
W=$(mktemp -d)
MNT=$W/mnt
mkdir "$MNT"
export PYTHONDONTWRITEBYTECODE=1
export DEBUGFS_PAGER=cat
LOOP=

cleanup() {
  if mountpoint -q "$MNT"; then umount "$MNT"; fi
  if [ -n "$LOOP" ]; then losetup -d "$LOOP"; fi
  rm -rf "$W"
}
trap cleanup EXIT

die() { echo "${name:-$0}: ${FUNCNAME[1]}: $*" >&2; exit 1; }

# mkfs IMG SIZE MKE2FS-ARGS...: a new file system, with a UUID made from the image's name
mkfs() {
  local img=$1 size=$2; shift 2
  rm -f "$img"; truncate -s "$size" "$img"
  mke2fs -q -F -U "$(uuid "$(basename "$img")")" "$@" "$img" &> "$W/mke2fs.err" || { cat "$W/mke2fs.err" >&2; return 1; }
}
uuid() { md5sum <<<"$1" | sed -E 's/^(.{8})(.{4})(.{4})(.{4})(.{12}).*/\1-\2-\3-\4-\5/'; }

# mounted IMG OPTIONS CMD...: run CMD while IMG is mounted at $MNT; the kernel's one driver serves ext2, ext3 and ext4
mounted() {
  local img=$1 opts=$2 rc=0; shift 2
  mount -t ext4 -o "loop,$opts" "$img" "$MNT" || return
  "$@" || rc=$?
  umount "$MNT"
  return $rc
}
fill() { mounted "$1" "${3:-noatime}" python3 "$GEN/tree.py" "$2" "$MNT"; }   # fill IMG KIND [OPTIONS]
manifest() { mounted "$1" ro,noatime python3 "$GEN/manifest.py" "$MNT" | gzip -9n > "$2.manifest.jsonl.gz"; }   # manifest IMG NAME

dbg() { debugfs -R "$2" "$1" 2>/dev/null; }                       # dbg IMG REQUEST
super() { dumpe2fs -h "$1" 2>/dev/null; }
has() { grep -qE -- "$2" <<<"$1" || die "expected: $2"; }         # has TEXT REGEXP
log() { dbg "$1" 'logdump -a'; }
count() { grep -cE -- "$2" <<<"$1" || true; }                     # count TEXT REGEXP
sums() { (cd "$MNT"; find . -type f -print0 2>/dev/null | sort -z | xargs -0 sha256sum 2>/dev/null || true); }

# crash IMG MOUNT-OPTIONS ROUNDS [--magic]: run the writer on IMG and cut it. The image is copied before umount: nothing more
# may reach its home block.
crash() {
  local img=$1 opts=$2; shift 2
  mounted "$img" "$opts" cut_copy "$img" "$@"
  mv "$img.cut" "$img"
  has "$(super "$img")" 'features:.* needs_recovery'
}
cut_copy() {
  local img=$1; shift
  python3 "$GEN/writer.py" "$MNT" "$@" && cp --sparse=always "$img" "$img.cut"
}

# replayed IMG COPY: COPY as the kernel leaves it after replaying the journal
replayed() { cp --sparse=always "$1" "$2"; mounted "$2" noatime true; }

# matters IMG REPLAYED: whether a reader that ignores the journal sees other names, and other content under equal names
matters() {
  local stale new
  cp --sparse=always "$1" "$W/noload.img"
  stale=$(mounted "$W/noload.img" ro,noload sums) || return
  new=$(mounted "$2" ro sums) || return
  rm "$W/noload.img"
  [ "$(cut -c67- <<<"$stale")" != "$(cut -c67- <<<"$new")" ] &&
    [ -n "$(join -1 2 -2 2 <(awk '{print $1, $2}' <<<"$stale" | sort -k2) <(awk '{print $1, $2}' <<<"$new" | sort -k2) | awk '$2 != $3')" ]
}

#!/bin/bash
# ext.sh [NAME...]: make testdata/ext, all images or those named (the functions below whose names begin with ext or dirty).
#
# Every image asserts that it has the feature it exists for. See testdata/README.md.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
OUT=$DATA/ext

# The functions below make the image $img, to be stored under the name $name.
image() { gzip -9nc "$img" > "$OUT/$name.img.gz"; }
keep() { image; manifest "$img" "$OUT/$name"; }                             # with the kernel's view of it
stat_of() { dbg "$1" "stat $2"; }                                           # stat_of IMG PATH
bytes_at() { dd if="$1" bs="$(block_size "$1")" skip="$2" count=1 status=none; }   # bytes_at IMG BLOCK
block_size() { super "$1" | awk '/^Block size/ {print $3}'; }

# clean SIZE KIND FEATURES MKE2FS-ARGS...: the image $name; FEATURES is found in dumpe2fs -h
clean() {
  local size=$1 kind=$2 features=$3; shift 3
  mkfs "$img" "$size" "$@"
  fill "$img" "$kind"
  has "$(super "$img")" "$features"
  keep
}

# ---- geometry -----------------------------------------------------------------------------------

ext2-1k()     { clean 4M plain 'Inode size:\s+128$' -t ext2 -b 1024 -I 128; }
ext2-4k()     { clean 4M plain 'Block size:\s+4096$' -t ext2 -b 4096 -I 128; }
ext2-2k-256() { clean 4M plain 'Block size:\s+2048$' -t ext2 -b 2048 -I 256; }
ext2-rev0()   { clean 4M plain 'revision #:\s+0 ' -t ext2 -r 0 -b 1024; }
ext3-1k()     { clean 6M plain 'features:.* has_journal' -t ext3 -b 1024 -I 128 -J size=1; }
ext3-4k()     { clean 12M plain 'features:.* has_journal' -t ext3 -b 4096 -J size=4; }
ext3-sparse() { clean 24M plain 'features:.* resize_inode .*sparse_super large_file' -t ext3 -b 1024 -O sparse_super,resize_inode,large_file -J size=1 -E resize=1G; }
ext4-default() { clean 16M plain 'features:.* extent 64bit flex_bg.*metadata_csum' -t ext4 -b 4096; }
ext4-1k()     { clean 8M plain 'features:.* extent 64bit' -t ext4 -b 1024 -J size=1; }
ext4-modern() { clean 8M plain 'features:.* orphan_file.* metadata_csum_seed' -t ext4 -b 1024 -J size=1 -O orphan_file,metadata_csum_seed,sparse_super2; }

# ---- group descriptors --------------------------------------------------------------------------

# in_meta_group N: some file's inode is described in meta group N or behind it
in_meta_group() {
  local size per_group block last
  size=$(field 'Group descriptor size'); per_group=$(field 'Inodes per group'); block=$(field 'Block size')
  last=$(zcat "$OUT/$name.manifest.jsonl.gz" | sed -nE 's/.*"inode": ([0-9]+).*/\1/p' | sort -n | tail -1)
  [ $(((last - 1) / per_group / (block / ${size:-32}))) -ge "$1" ] || die "the last inode, $last, is not in meta group $1"
}
field() { super "$img" | sed -nE "s/^$1: +//p"; }   # field NAME: of the superblock

ext4-meta-bg-64bit() { clean 16M spread 'features:.* meta_bg.* 64bit' -t ext4 -b 1024 -g 256 -O ^has_journal,meta_bg,64bit,^resize_inode,^flex_bg; in_meta_group 2; }
ext4-meta-bg-32bit() { clean 24M spread 'features:.* meta_bg' -t ext4 -b 1024 -g 256 -O ^has_journal,meta_bg,^64bit,^resize_inode,^flex_bg; in_meta_group 2; }
ext4-meta-bg-flex()  { clean 16M spread 'features:.* meta_bg.* flex_bg' -t ext4 -b 1024 -g 256 -O ^has_journal,meta_bg,64bit,flex_bg,^resize_inode -G 4; in_meta_group 2; }
ext2-meta-bg()       { clean 24M spread 'features:.* meta_bg' -t ext2 -b 1024 -g 256 -O meta_bg,^sparse_super,^resize_inode; in_meta_group 2; no_backup_of 'features:.* sparse_super'; }
ext4-meta-bg-sparse2() {
  clean 16M spread 'features:.* sparse_super2 .*meta_bg' -t ext4 -b 1024 -g 256 -O ^has_journal,meta_bg,sparse_super2,^resize_inode -E num_backup_sb=2
  in_meta_group 2
}
ext4-meta-bg-bigalloc() {  # blocks of 1 KiB with no boot block: the superblock is block 1, and not the first data block
  clean 32M spread 'features:.* meta_bg.* bigalloc' -t ext4 -b 1024 -C 4096 -g 256 -O ^has_journal,meta_bg,bigalloc,^resize_inode
  has "$(super "$img")" 'First block:\s+0$'
  in_meta_group 1
}
no_backup_of() { if grep -qE "$1" <<<"$(super "$img")"; then die "unexpected: $1"; fi; }

# grown FROM TO MKE2FS-ARGS...: the descriptors of FROM stay behind the superblock, those that resize2fs adds are in meta groups,
# as when the kernel grows a file system past the room for descriptors. DESCS: how many of them a block holds.
grown() {
  local from=$1 to=$2; shift 2
  mkfs "$img" "$from" "$@"
  fill "$img" small
  printf '%s\n' "set_super_value first_meta_bg $(($(field 'Block count') / 256 / DESCS))" 'feature meta_bg' > "$W/commands"
  debugfs -w -f "$W/commands" "$img" &> /dev/null
  truncate -s "$to" "$img"
  e2fsck -fp "$img" > /dev/null
  resize2fs "$img" &> "$W/resize.log" || { cat "$W/resize.log" >&2; return 1; }
  fill "$img" spread
  has "$(super "$img")" 'features:.* meta_bg'
  has "$(super "$img")" 'First meta block group:\s+[1-9]'
  keep
  in_meta_group "$(($(field 'First meta block group') + 1))"
}
ext4-grown-64bit() { DESCS=16 grown 8M 24M -t ext4 -b 1024 -g 256 -O ^has_journal,64bit,^resize_inode,^flex_bg; }
ext4-grown-32bit() { DESCS=32 grown 8M 24M -t ext4 -b 1024 -g 256 -O ^has_journal,^64bit,^resize_inode,^flex_bg; }
ext4-meta-bg-resize() {  # mke2fs does not make both, the kernel reads them
  mkfs "$img" 16M -t ext4 -b 1024 -g 256 -O ^has_journal,meta_bg,^resize_inode,^flex_bg
  fill "$img" spread
  debugfs -w -R 'feature resize_inode' "$img" &> /dev/null
  has "$(super "$img")" 'features:.* resize_inode .*meta_bg'
  keep
  in_meta_group 2
}

ext4-desc-128() { clean 8M spread 'Group descriptor size:\s+128$' -t ext4 -b 1024 -g 512 -O ^has_journal,64bit -E desc_size=128; }
ext4-desc-1024() {  # one to a block, so that with meta_bg each group has its own
  clean 8M spread 'Group descriptor size:\s+1024$' -t ext4 -b 1024 -g 512 -O ^has_journal,64bit,meta_bg,^resize_inode,^flex_bg -E desc_size=1024
  in_meta_group 9
}

ext4-uninit-bg() {
  clean 8M small 'features:.* uninit_bg' -t ext4 -b 1024 -g 512 -O ^has_journal,uninit_bg,^metadata_csum,^flex_bg -E lazy_itable_init=1
  no_backup_of 'features:.* metadata_csum'
  has "$(dumpe2fs "$img" 2> /dev/null)" 'INODE_UNINIT'
}

# ---- sizes of inodes and blocks -------------------------------------------------------------------

ext4-inode-512()  { clean 4M xattrs 'Inode size:\s+512$' -t ext4 -b 1024 -I 512 -J size=1; has_xattrs "$img"; }
ext4-inode-1024() { clean 4M small 'Inode size:\s+1024$' -t ext4 -b 1024 -I 1024 -N 256 -J size=1 -O inline_data; has "$(stat_of "$img" sizes/500)" 'Size of inline data'; }
ext4-inode-4096() { clean 8M small 'Inode size:\s+4096$' -t ext4 -b 4096 -I 4096 -N 256 -O inline_data,^has_journal; has "$(stat_of "$img" dir-of-60)" 'Size of inline data'; }

# large_block BYTES MKE2FS-ARGS...: blocks larger than a page, which this kernel does not mount. mke2fs writes one tree twice:
# into this image, and with blocks of 4 KiB into another one, which the kernel mounts for the manifest. e2fsck makes indexes,
# and debugfs reads the image's content back.
large_block() {
  local block=$1 ref=$W/ref.img count=128 part; shift
  if [ ! -e "$W/large" ]; then mkdir "$W/large"; python3 "$GEN/tree.py" large_blocks "$W/large"; fi
  cp -a "$W/large" "$W/read"; rm -r "$W/read"  # the first to read it moves its access times
  mkfs "$img" $((block * count)) -b "$block" -I 256 -N 1024 -d "$W/large" "$@"
  mkfs "$ref" 32M -b 4096 -I 256 -N 1024 -d "$W/large" "$@"
  for part in "$img" "$ref"; do e2fsck -fpD "$part" > /dev/null || [ $? -le 1 ]; done
  has "$(super "$img")" "Block size:\s+$block\$"
  ! mounted "$img" ro true 2> /dev/null || die "the kernel mounts it: take the manifest from there"
  has "$(dbg "$img" 'htree_dump many')" 'Root node dump'
  mkdir "$W/back"
  dbg "$img" "rdump / $W/back"
  rmdir "$W/back/lost+found"
  diff -r --no-dereference "$W/large" "$W/back"
  rm -r "$W/back"
  # Names and inodes of both are equal; lost+found and directories have other lengths, which the manifest leaves out.
  cmp <(dbg "$img" 'ls -p sizes' | sort) <(dbg "$ref" 'ls -p sizes' | sort)
  image
  manifest "$ref" "$OUT/$name"
}
ext4-8k()  { large_block 8192 -t ext4 -O ^has_journal; }
ext4-16k() { large_block 16384 -t ext4 -O ^has_journal; }
ext4-32k() { large_block 32768 -t ext4 -O ^has_journal; }
ext4-64k() { large_block 65536 -t ext4 -O ^has_journal; }
ext2-64k() { large_block 65536 -t ext2; }

# ---- what files, directories and inodes can be ---------------------------------------------------

ext2-holes() {
  clean 4M holes 'features:.* large_file' -t ext2 -b 1024
  has "$(stat_of "$img" every-level)" '\(TIND\)'
  local b
  for b in 1 12 $((268 + 256)) 65804 $((65804 + 65536)) $((65804 + 65536 + 3 * 256)); do
    [ "$(dbg "$img" "bmap every-level $b")" = 0 ] || die "block $b is no hole"
  done
  [ "$(dbg "$img" "bmap every-level $((65804 + 65536 + 3 * 256 + 9))")" != 0 ] || die "no data below the triple indirect block"
}

ext3-dirs() {
  mkfs "$img" 8M -t ext3 -b 1024 -I 128 -N 8192 -J size=1 -O ^dir_index
  fill "$img" linear
  tune2fs -O dir_index "$img" > /dev/null
  fill "$img" htree
  has "$(dbg "$img" 'ls -d linear/run-deleted')" ' 0  \(1024\)'  # a block with nothing in it
  # The kernel wipes a deleted entry's name, older ones did not, nor does debugfs.
  printf 'rm linear/every-third-deleted/file-%s.txt\n' 001 002 100 298 | debugfs -w -f - "$img" > /dev/null 2>&1
  has "$(dbg "$img" 'ls -d linear/every-third-deleted')" '< *[0-9]+>.* file-100.txt'
  has "$(dbg "$img" 'htree_dump one-level')" 'Indirect levels: 0'
  has "$(dbg "$img" 'htree_dump two-levels')" 'Indirect levels: 1'
  grep -q 'Not a hash-indexed' <<<"$(debugfs -R 'htree_dump linear/full' "$img" 2>&1)" || die "linear/full is indexed"
  keep
}

ext3-links-1k() { clean 4M links 'Block size:\s+1024$' -t ext3 -b 1024 -I 128 -J size=1; }
ext4-links-4k() { clean 12M links 'Block size:\s+4096$' -t ext4 -b 4096 -J size=4; }
ext3-times-128() { clean 4M times 'Inode size:\s+128$' -t ext3 -b 1024 -I 128 -J size=1; }
ext4-times-256() {
  clean 4M times 'Inode size:\s+256$' -t ext4 -b 1024 -J size=1
  has "$(zcat "$OUT/ext4-times-256.manifest.jsonl.gz")" '"mtime": "2446-05-10T22:38:55'
}

has_xattrs() {
  has "$(stat_of "$1" in-block)" 'File ACL: [1-9]'
  [ "$(stat_of "$1" shared-0 | grep -o 'File ACL: .*')" = "$(stat_of "$1" shared-3 | grep -o 'File ACL: .*')" ] || die "no shared block"
}
ext2-xattrs-128() { clean 4M xattrs 'Inode size:\s+128$' -t ext2 -b 1024 -I 128; has_xattrs "$img"; }
ext3-xattrs-1k()  { clean 4M xattrs 'Inode size:\s+256$' -t ext3 -b 1024 -I 256 -J size=1; has_xattrs "$img"; has "$(stat_of "$img" in-inode)" 'File ACL: 0'; }
ext4-xattrs-4k()  { clean 12M xattrs 'Inode size:\s+256$' -t ext4 -b 4096 -J size=4; has_xattrs "$img"; has "$(stat_of "$img" both)" 'File ACL: [1-9]'; }

ext4-extents() {
  mkfs "$img" 8M -t ext4 -b 1024 -J size=1
  fill "$img" stale
  fill "$img" extents
  fill "$img" checkerboard
  fill "$img" fragmented
  local b
  has "$(dbg "$img" 'ex fragmented-0')" '^ *2/ *2 '
  has "$(dbg "$img" 'ex unwritten')" 'Uninit'
  has "$(dbg "$img" 'ex unwritten-middle')" 'Uninit'
  b=$(dbg "$img" 'ex unwritten' | awk '/Uninit/ && !n++ {sub("-.*", "", $8); print $8}')
  has "$(bytes_at "$img" "$b" | tr -d '\0')" STALE-DATA
  keep
}

ext4-block-map() {  # block maps in a file system with checksums
  clean 4M mapped 'features:.* metadata_csum' -t ext4 -b 1024 -O ^extent,^64bit,^has_journal,^huge_file
  has "$(stat_of "$img" every-level)" '\(TIND\)'
}

ext3-to-ext4() {
  mkfs "$img" 6M -t ext3 -b 1024 -I 256 -J size=1
  fill "$img" packages
  tune2fs -O extents,uninit_bg,flex_bg,huge_file,dir_nlink,extra_isize "$img" > /dev/null
  e2fsck -fp "$img" > /dev/null || [ $? -le 1 ]
  fill "$img" plain
  has "$(stat_of "$img" var/log/app1.log)" 'BLOCKS:'
  has "$(stat_of "$img" sizes/4097)" 'EXTENTS:'
  keep
}

# A tree of depth 5 takes a file of a size beyond this testdata: debugfs puts levels on top of a smaller one.
ext4-extent-depth() {
  mkfs "$img" 4M -t ext4 -b 1024 -J size=1
  fill "$img" deep_extents
  printf '%s\n' 'extent_open deep' root split_node root split_node root split_node root split_node extent_close > "$W/commands"
  debugfs -w -f "$W/commands" "$img" &> "$W/split.log"
  has "$(dbg "$img" 'ex deep')" '^ *5/ *5 '
  keep
}

# An index of three levels: names of one file, so long that three fill a block, and in the order of their hashes, so that each
# node that the kernel splits stays half empty.
ext4-large-dir-3() {
  local seed=76646b66-7300-4000-8000-000000000003 n
  mkfs "$img" 24M -t ext4 -b 1024 -N 128 -O large_dir,^metadata_csum,^64bit,^has_journal -E hash_seed=$seed
  has "$(super "$img")" 'Default directory hash:\s+half_md4'
  for ((n = 0; n < 20000; n++)); do printf 'dx_hash -h half_md4 -s %s %05d-%0245d\n' $seed $n 0; done > "$W/commands"
  debugfs -f "$W/commands" "$img" 2> /dev/null | sed -nE 's/^Hash of ([0-9-]+) is 0x([0-9a-f]+) .*/\2 \1/p' |
    awk '{printf "%8s %s\n", $1, $2}' | LC_ALL=C sort | awk '{print $2}' > "$W/names"
  NAMES=$W/names fill "$img" large_dir
  has "$(super "$img")" 'features:.* large_dir'
  has "$(dbg "$img" 'htree_dump large')" 'Indirect levels: 2'
  keep
}

# This kernel mounts both features for reading only, so debugfs sets the projects.
ext4-project-quota() {
  local id
  mkfs "$img" 4M -t ext4 -b 1024 -J size=1
  fill "$img" small
  fill "$img" projects
  tune2fs -O project "$img" > /dev/null
  for id in 1000 70000 4294967294; do echo "set_inode_field project-$id projid $id"; done > "$W/commands"
  debugfs -w -f "$W/commands" "$img" &> /dev/null
  tune2fs -Q usrquota,grpquota,prjquota "$img" > /dev/null
  e2fsck -fy "$img" &> /dev/null || [ $? -le 1 ]  # counts what the projects use
  has "$(super "$img")" 'features:.* quota.* project'
  has "$(super "$img")" 'Project quota inode:\s+[1-9]'
  has "$(stat_of "$img" project-70000)" 'Project: +70000 '
  keep
}

# This kernel has no fs-verity: debugfs cuts a file short of what stands for its Merkle tree, the kernel writes the manifest,
# and only then the flag is set, without which e2fsck would cut off what is behind the end.
ext4-verity() {
  mkfs "$img" 4M -t ext4 -b 1024 -J size=1 -O verity
  fill "$img" verity
  debugfs -w -R 'set_inode_field signed size 5000' "$img" 2> /dev/null
  debugfs -w -R 'feature -verity' "$img" &> /dev/null
  manifest "$img" "$OUT/$name"
  debugfs -w -R 'feature verity' "$img" &> /dev/null
  debugfs -w -R 'set_inode_field signed flags 0x180000' "$img" 2> /dev/null
  has "$(super "$img")" 'features:.* verity'
  has "$(stat_of "$img" signed)" 'Flags: 0x180000'
  [ "$(dbg "$img" 'bmap signed 64')" != 0 ] || die "nothing behind the end"
  e2fsck -fn "$img" > /dev/null 2>&1 || die "e2fsck finds errors"
  image
}

# ---- features that a reader may refuse -----------------------------------------------------------

ext4-inline-data() {
  clean 4M small 'features:.* inline_data' -t ext4 -b 1024 -J size=1 -O inline_data
  has "$(stat_of "$img" sizes/100)" 'Size of inline data'
}
ext4-bigalloc() { clean 16M plain 'features:.* bigalloc' -t ext4 -b 1024 -C 8192 -J size=1 -O bigalloc; }
ext4-meta-bg()  { clean 8M plain 'features:.* meta_bg' -t ext4 -b 1024 -g 256 -J size=1 -O meta_bg,^resize_inode,^flex_bg; }
ext4-ea-inode() {
  clean 4M big_xattrs 'features:.* ea_inode' -t ext4 -b 1024 -J size=1 -O ea_inode
  for ((i = 11; i <= 512; i++)); do echo "stat <$i>"; done > "$W/commands"
  [ "$(count "$(debugfs -f "$W/commands" "$img" 2> /dev/null)" '^Inode: .*Flags: 0x280000')" = 3 ] || die "two equal values are not one inode"
}
ext4-large-dir() { clean 4M small 'features:.* large_dir' -t ext4 -b 1024 -J size=1 -O large_dir; }
ext4-encrypt() {
  clean 4M encrypted 'features:.* encrypt' -t ext4 -b 1024 -J size=1 -O encrypt
  has "$(zcat "$OUT/ext4-encrypt.manifest.jsonl.gz")" 'ENOKEY'
}
ext4-mmp() {
  mkfs "$img" 4M -t ext4 -b 1024 -J size=1
  fill "$img" small
  tune2fs -O mmp "$img" > /dev/null 2>&1  # only now: each writable mount would wait for another host
  has "$(super "$img")" 'features:.* mmp'
  keep
}
ext4-casefold() {  # no manifest: needs a kernel with CONFIG_UNICODE
  mkdir -p "$W/tree"
  python3 "$GEN/tree.py" casefold "$W/tree"
  mkfs "$img" 4M -t ext4 -b 1024 -J size=1 -O casefold -E encoding=utf8 -d "$W/tree"
  debugfs -w -R 'set_inode_field MixedCase flags 0x40080000' "$img" 2> /dev/null
  has "$(super "$img")" 'features:.* casefold'
  has "$(stat_of "$img" MixedCase)" 'Flags: 0x40080000'
  image
}
ext4-journal-dev() {
  mkfs "$img" 1M -O journal_dev -b 1024
  has "$(super "$img")" 'features:.* journal_dev'
  image
}

# ---- journals to be replayed ---------------------------------------------------------------------

# dirty TEST ROUNDS SIZE JOURNAL-FEATURES MOUNT-OPTIONS MKE2FS-ARGS... [--magic]: like clean, but cut under the writer. The
# journal holds at least 5 transactions that matter; its features (dumpe2fs) match; TEST is true. Where the cut falls is luck:
# when names, contents or TEST are not as they must be, it is made again with more rounds.
dirty() {
  local test=$1 rounds=$2 size=$3 features=$4 opts=$5 magic= more; shift 5
  if [ "${!#}" = --magic ]; then magic=--magic; set -- "${@:1:$#-1}"; fi
  for more in {0..9}; do
    mkfs "$img" "$size" "$@"
    fill "$img" packages
    crash "$img" "noatime,$opts" $((rounds + rounds * more / 10)) $magic
    replay
    if matters "$img" "$replay" && "$test"; then keep_dirty "$features"; return; fi
  done
  die "no luck with $test"
}
replay() { # sets replay, a copy of the image as the kernel replays it, and log, what debugfs reads in the journal
  log=$(log "$img")
  replay=$W/replay.img
  replayed "$img" "$replay"
}
keep_dirty() { # keep_dirty JOURNAL-FEATURES
  has "$(super "$img")" "Journal features:.*$1"
  [ "$(count "$log" 'type 2 \(commit')" -ge 5 ] || die "fewer than 5 transactions"
  image
  manifest "$replay" "$OUT/$name"
}

dirty-ext3-ordered() { dirty true 12 6M revoke data=ordered -t ext3 -b 1024 -J size=1; }

dirty-ext3-journal() {
  dirty true 8 8M . data=journal -t ext3 -b 1024 -J size=2 --magic
  [ "$(count "$log" 'flags 0x[13579bdf]\)')" -gt 0 ] || die "no escaped block"
}

# Blocks of removed directories, logged and then revoked, hold file data at the end: a replay without revokes overwrites it.
revoked_as_data() {
  local blocks i
  [ "$(count "$log" 'type 5 \(revoke')" -ge 10 ] || return
  blocks=$(awk '/FS block [0-9]+ logged/ {logged[$3]; delete revoked[$3]}
    /Revoke FS block/ && $4 in logged {revoked[$4]} END {for (b in revoked) print b}' <<<"$log" | xargs)
  for i in $(dbg "$replay" "icheck $blocks" | awk '$2 > 11 {print $2}' | sort -u); do
    if [[ $(stat_of "$replay" "<$i>") = *'Type: regular'* ]]; then return; fi
  done
  return 1
}
dirty-ext3-revoke() { dirty revoked_as_data 20 3M revoke data=ordered -t ext3 -b 1024 -J size=1; }

# The log goes from the journal's end on at its beginning.
log_wraps() { awk '/Found expected/ {b = $NF + 0; if (b < last) found = 1; last = b} END {exit !found}' <<<"$log"; }
dirty-ext3-wrap() { dirty log_wraps 60 6M revoke data=ordered -t ext3 -b 1024 -J size=1; }
dirty-ext4-wrap() { dirty log_wraps 60 6M '64bit.*checksum_v3' data=ordered -t ext4 -b 1024 -J size=1; }

dirty-ext3-fragmented-journal() {
  mkfs "$img" 8M -t ext3 -b 1024 -O ^has_journal
  fill "$img" packages
  fill "$img" checkerboard
  tune2fs -J size=1 "$img" > /dev/null 2>&1
  [ "$(stat_of "$img" '<8>' | grep -o ':[0-9]' | wc -l)" -gt 300 ] || die "the journal is not fragmented"
  crash "$img" noatime 8
  replay
  matters "$img" "$replay" || die "the journal changes nothing"
  keep_dirty revoke
}

dirty-ext4-default() { dirty true 12 16M '64bit.*checksum_v3' data=ordered -t ext4 -b 4096 -J size=4; }
dirty-ext4-v1() { dirty true 12 6M 'journal_checksum( |$)' journal_checksum -t ext4 -b 1024 -O ^metadata_csum,^64bit -J size=1; }
dirty-ext4-async() { dirty true 12 6M journal_async_commit data=writeback,journal_async_commit -t ext4 -b 1024 -O ^metadata_csum,^64bit -J size=1; }
dirty-ext4-async-v3() { dirty true 12 6M 'journal_async_commit.*checksum_v3' data=writeback,journal_async_commit -t ext4 -b 1024 -J size=1; }
dirty-ext4-fast-commit() {
  dirty true 12 6M 'fast_commit|FEATURE_I5' data=ordered -t ext4 -b 1024 -O fast_commit -J size=1
  has "$log" '^tag TAIL'
  cp "$img" "$W/full.img"
  local b
  for b in $(seq 1024 1039); do  # the area of fast commits, at the journal's end
    dd if=/dev/zero of="$W/full.img" bs=1024 seek="$(dbg "$img" "bmap <8> $b")" count=1 conv=notrunc status=none
  done
  replayed "$W/full.img" "$W/replay.img"
  manifest "$W/replay.img" "$W/full"
  ! cmp -s "$W/full.manifest.jsonl.gz" "$OUT/$name.manifest.jsonl.gz" || die "the fast commits change nothing"
}

# The journal on a device of its own, NAME.journal.img.gz. It stays attached: the superblock has the device's number.
dirty-ext3-external-journal() {
  local journal=$W/journal.img
  mkfs "$journal" 2M -O journal_dev -b 1024
  LOOP=$(losetup -f --show "$journal")
  mkfs "$img" 4M -t ext3 -b 1024 -J device="$LOOP"
  fill "$img" packages
  crash "$img" noatime 12
  gzip -9nc "$journal" > "$OUT/$name.journal.img.gz"
  log=$(dbg "$img" "logdump -a -f $journal")
  [ "$(count "$log" 'type 2 \(commit')" -ge 5 ] || die "fewer than 5 transactions"
  replay=$W/replay.img
  replayed "$img" "$replay"
  matters "$img" "$replay" || die "the journal changes nothing"
  image
  manifest "$replay" "$OUT/$name"
  losetup -d "$LOOP"; LOOP=
}

# The kernel no longer makes checksums v2, but reads them; debugfs writes them. The transactions are the differences between
# three states of one file system, less the superblock and the journal itself.
dirty-ext4-v2() {
  local one=$W/one.img two=$W/two.img
  mkfs "$img" 4M -t ext4 -b 1024 -J size=1
  fill "$img" packages
  cp "$img" "$one"; fill "$one" small
  cp "$one" "$two"; fill "$two" links
  { echo 'jo -c -v 2'; transaction "$img" "$one" 1; transaction "$one" "$two" 2; echo jc; } > "$W/commands"
  debugfs -w -f "$W/commands" "$img" > /dev/null 2>&1
  has "$(super "$img")" 'features:.* needs_recovery'
  has "$(super "$img")" 'Journal features:.* journal_checksum_v2'
  replayed "$img" "$W/replay.img"
  image
  manifest "$W/replay.img" "$OUT/$name"
  manifest "$two" "$W/two"
  cmp "$W/two.manifest.jsonl.gz" "$OUT/$name.manifest.jsonl.gz" || die "the replay is not the last state"
}
transaction() { # transaction FROM TO N: the debugfs command that journals what differs
  local journal blocks b
  journal=$(dbg "$1" 'blocks <8>' | tr ' ' '\n' | sort)
  blocks=$({ cmp -l "$1" "$2" || true; } | awk '{b = int(($1 - 1) / 1024)} b != last && b != 1 {print b} {last = b}' |
    sort | comm -23 - <(echo "$journal") | sort -n)
  for b in $blocks; do bytes_at "$2" "$b"; done > "$W/blocks.$3"
  echo "jw -b $(paste -sd, <<<"$blocks") $W/blocks.$3"
}

# ---- damaged journals: what the kernel makes of them ----------------------------------------------
# Made from images above, as they are in testdata.

journal_block() { dbg "$img" "bmap <8> $(awk "$1" <<<"$(log "$img")")"; }   # the block that an AWK program finds in the log
unpack() { zcat "$OUT/$1.img.gz" > "$img"; }

# With a manifest if the kernel mounts it.
keep_damaged() {
  image
  rm -f "$OUT/$name.manifest.jsonl.gz"
  if replayed "$img" "$W/replay.img" 2> /dev/null; then
    manifest "$W/replay.img" "$OUT/$name"
  fi
}

LAST_COMMIT='/type 2 \(commit/ {b = $NF} END {print b}'
MIDDLE_COMMIT='/type 2 \(commit/ {b[n++] = $NF} END {print b[int(n / 2)]}'
MIDDLE_DESCRIPTOR='/type 1 \(desc/ {b[n++] = $NF} END {print b[int(n / 2)]}'
MIDDLE_DATA='/type 1 \(desc/ {want = 1} want && /logged at journal block/ {b[n++] = $8; want = 0} END {print b[int(n / 2)]}'
LAST_DATA='/logged at journal block/ {last = $8} END {print last}'

# damaged OF AWK BYTE: a copy of OF with four bytes spoilt in the block that AWK finds
damaged() {
  unpack "$1"
  printf '\377\376\375\374' | dd of="$img" bs=1 conv=notrunc status=none \
    seek=$(($(journal_block "$2") * $(block_size "$img") + $3))
  keep_damaged
}
refused() { [ ! -e "$OUT/$name.manifest.jsonl.gz" ] || die "the kernel mounts it"; }
shortened() { # shortened OF: the kernel drops the last transaction
  [ -e "$OUT/$name.manifest.jsonl.gz" ] || die "the kernel refuses it"
  ! cmp -s "$OUT/$name.manifest.jsonl.gz" "$OUT/$1.manifest.jsonl.gz" || die "nothing was lost"
}

dirty-ext4-torn() {
  unpack dirty-ext4-default
  dd if=/dev/zero of="$img" bs=4096 count=1 conv=notrunc status=none seek="$(journal_block "$LAST_COMMIT")"
  keep_damaged
  shortened dirty-ext4-default
}
dirty-ext4-bad-descriptor()      { damaged dirty-ext4-default "$MIDDLE_DESCRIPTOR" 12; refused; }
dirty-ext4-bad-data()            { damaged dirty-ext4-default "$MIDDLE_DATA" 100; refused; }
dirty-ext4-bad-commit()          { damaged dirty-ext4-default "$MIDDLE_COMMIT" 16; refused; }
dirty-ext4-bad-last-commit()     { damaged dirty-ext4-default "$LAST_COMMIT" 16; refused; }
dirty-ext4-bad-last-data()       { damaged dirty-ext4-default "$LAST_DATA" 100; refused; }
dirty-ext4-v1-bad-data()         { damaged dirty-ext4-v1 "$MIDDLE_DATA" 100; refused; }
dirty-ext4-v1-bad-last-data()    { damaged dirty-ext4-v1 "$LAST_DATA" 100; refused; }
dirty-ext4-async-bad-data()      { damaged dirty-ext4-async "$MIDDLE_DATA" 100; refused; }
dirty-ext4-async-bad-last-data() { damaged dirty-ext4-async "$LAST_DATA" 100; shortened dirty-ext4-async; }

mkdir -p "$OUT"
names=("$@")
if [ $# = 0 ]; then mapfile -t names < <(sed -nE 's/^((ext|dirty-)[a-z0-9-]+)\(\).*/\1/p' "$GEN/ext.sh"); fi
for name in "${names[@]}"; do
  echo "$name"
  img=$W/$name.img
  "$name"
  rm -f "$W"/*.img
done

// Package ext3 reads ext2, ext3 and ext4 file systems as an [io/fs.FS].
//
// A file system that was not unmounted is read as it will be after its
// recovery: the journal is replayed in memory, over the source, and nothing is
// written. The formats are those of the Linux kernel's documentation
// (Documentation/filesystems/ext4) and of its fs/ext4 and fs/jbd2.
//
// Names are shown as UTF-8. A byte that is none appears as \xNN, and a
// backslash that would read as such an escape as \x5c; [Inode] has no name,
// because a file may have several.
package ext3

package layer

import (
	"io/fs"
	"time"
)

// Sys is what FileInfo.Sys returns in the layers of Unix file systems, beside
// the layer's own fields and methods.
type Sys interface {
	Unix() Unix
	// Xattrs returns the extended attributes, read on demand, by their full
	// names ("user.comment", "system.posix_acl_access") and with the values
	// that Linux's getxattr gives.
	Xattrs() (map[string][]byte, error)
}

// Unix holds what a Unix file system knows of a file and io/fs has no place
// for.
type Unix struct {
	// Volume identifies the file system. Two names are hard links to one file
	// when their Volumes and their Inodes are equal.
	Volume any
	Inode  uint64
	Links  uint32
	UID    uint32
	GID    uint32
	// NoOwner says that the file has neither owner nor mode in the sense of
	// Unix: UID, GID and the mode are what a mount would show. A copy of the
	// file is better off with those of whoever makes it.
	NoOwner bool
	Major   uint32 // of a device node
	Minor   uint32
	Access  time.Time
	Change  time.Time
	Birth   time.Time // zero where it is not recorded
	// Generation tells the file from others that have had its Inode before, and
	// Revision one state of it from another; 0 where it is not recorded.
	Generation uint64
	Revision   uint64
	// Attributes is what else the file system keeps of a file that a user may
	// change, in a form of its own: flags, and on NTFS the number of the
	// security descriptor.
	Attributes uint64
}

// Stamped reports whether the file system keeps enough of the file to take it
// for unchanged while its Inode, Generation, Revision, size and times are: a
// time of change in its own right. mtime is the time of modification. FAT and
// ISO 9660 do not.
func (u Unix) Stamped(mtime time.Time) bool {
	return !u.Change.IsZero() && (u.Generation != 0 || u.Revision != 0 || !u.Change.Equal(mtime))
}

// A DirEntry is what every layer's ReadDir returns. Its methods reach the
// entry without resolving its path again, and never follow a link: Open of one
// fails with fs.ErrInvalid.
type DirEntry interface {
	fs.DirEntry
	Open() (fs.File, error)
	ReadDir() ([]fs.DirEntry, error)
	ReadLink() (string, error)
}

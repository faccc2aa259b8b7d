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

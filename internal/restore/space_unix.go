//go:build linux || darwin || freebsd

package restore

import (
	"os"

	"golang.org/x/sys/unix"
)

// freeSpace returns how many bytes may still be written, and whether that is
// known.
func freeSpace(root *os.Root) (int64, bool) {
	dir, err := root.Open(".")
	if err != nil {
		return 0, false
	}
	defer dir.Close()
	var s unix.Statfs_t
	err = unix.EINTR
	for err == unix.EINTR {
		err = unix.Fstatfs(int(dir.Fd()), &s)
	}
	if err != nil || s.Blocks == 0 { // a file system without a size, as some of FUSE
		return 0, false
	}
	return freeBytes(s.Bavail, blockSize(&s))
}

//go:build linux || darwin || freebsd

package restore

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// syncDir has the names in a directory be on the storage, where its file system
// can do so.
func syncDir(root *os.Root, name string) error {
	dir, err := root.Open(name)
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := dir.Sync(); !errors.Is(err, unix.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}

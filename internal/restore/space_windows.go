package restore

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/windows"
)

// freeSpace returns how many bytes may still be written, by this user where
// there are quotas, and whether that is known.
func freeSpace(root *os.Root) (int64, bool) {
	dir, err := filepath.Abs(root.Name())
	if err != nil {
		return 0, false
	}
	name, err := windows.UTF16PtrFromString(dir + `\`) // a share is known by the backslash at its end only
	if err != nil {
		return 0, false
	}
	var free uint64
	if windows.GetDiskFreeSpaceEx(name, &free, nil, nil) != nil {
		return 0, false
	}
	return freeBytes(free, 1)
}

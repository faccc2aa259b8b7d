package restore

import (
	"os"

	"golang.org/x/sys/unix"
)

// dropCache has the next read come from the storage.
func dropCache(f *os.File) {
	unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED) // advice may be ignored
}

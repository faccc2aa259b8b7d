package restore

import "golang.org/x/sys/unix"

// blockSize returns the unit in which a file system counts its blocks. Bsize is
// another one on Linux, the best size to read at once: FUSE and the file
// systems of the network may say much more there.
func blockSize(s *unix.Statfs_t) uint64 { return uint64(s.Frsize) }

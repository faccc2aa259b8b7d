//go:build darwin || freebsd

package restore

import "golang.org/x/sys/unix"

// blockSize returns the unit in which a file system counts its blocks.
func blockSize(s *unix.Statfs_t) uint64 { return uint64(s.Bsize) }

// Package md reads arrays of Linux's md driver: it finds their superblocks on
// a set of devices, of versions 0.90, 1.0, 1.1 and 1.2, and presents the arrays
// as files.
//
// The superblocks are those of include/uapi/linux/raid/md_p.h in the kernel's
// sources, the rules by which members are taken or left those of
// drivers/md/md.c and of mdadm(8). Nothing is assembled in the kernel, resynced
// or written. An array that is being reshaped, or has a write journal, is
// [layer.ErrUnsupported]; one that lacks too many members is
// [layer.ErrIncomplete].
//
// What Open returns is immutable and may be used from any number of
// goroutines.
package md

import "github.com/vmdkfs/vmdkfs/layer"

const sectorSize = 512

// failure returns an error of this layer. The offset is in bytes of the device
// that object names, or negative.
func failure(kind error, object string, offset int64, format string, args ...any) error {
	return layer.Errorf(kind, "md", object, offset, format, args...)
}

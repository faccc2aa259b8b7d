// Package lvm reads LVM2: it finds the volume groups on a set of physical
// volumes and presents their logical volumes as files, "vg_root/root".
//
// The label, the metadata areas and their text are those of LVM2's own format
// ("lvm2", text format version 1), as its sources define them in
// lib/label/label.h, lib/format_text/layout.h and lib/format_text/import_vsn1.c,
// and as libvslvm's documentation of the format describes them. Nothing is
// activated, locked or written, and groups that LVM itself would refuse, being
// exported, clustered or another system's, are read all the same; their status
// tells.
//
// Segments of the types linear, striped, zero, error, mirror and raid0 to
// raid10 in all their layouts are read, and so are snapshots, what pvmove has
// not finished, thin volumes, and volumes with a cache, a writecache or
// integrity. A volume with a segment of any other type is listed, and opening
// it is [layer.ErrUnsupported] by the type's name. A volume that cannot do
// without a physical volume which is not there is listed, and opening it is
// [layer.ErrIncomplete]; a raid does without a leg, and without one that its
// superblocks call out of date, as the kernel does. Raid that was reshaped is
// read, one that is being reshaped is refused.
//
// The formats of thin pools and caches are those of the kernel's device-mapper
// (drivers/md: dm-thin-metadata.c, dm-cache-metadata.c, persistent-data,
// dm-writecache.c, dm-integrity.c). What was not committed when a machine was
// cut off is as the kernel makes it when it activates the volume next. The
// checksums of integrity are not looked at.
//
// Groups, volumes and segments are decoded and checked by [Open], the mappings
// of thin pools and caches as they are needed. What Open returns is immutable
// and may be used from any number of goroutines.
package lvm

import "github.com/vmdkfs/vmdkfs/layer"

const (
	// sectorSize is the unit of sizes in the metadata, whatever the disk's own
	// sectors are (SECTOR_SIZE in LVM2's sources).
	sectorSize = 512

	// maxStack is how many logical volumes may lie on each other. LVM itself
	// stacks about eight (a snapshot of a thin volume, its pool cached, on
	// raid with integrity); the bound keeps a crafted stack from exhausting
	// ours.
	maxStack = 16
)

// failure returns an error of this layer with one of the kinds of package
// layer, or with nil for a mere notice. The offset is in bytes of the PV that
// object names, or negative.
func failure(kind error, object string, offset int64, format string, args ...any) error {
	return layer.Errorf(kind, "lvm", object, offset, format, args...)
}

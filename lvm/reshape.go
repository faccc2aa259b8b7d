package lvm

import (
	"fmt"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/internal/raid"
	"github.com/vmdkfs/vmdkfs/layer"
)

// When raid is reshaped (given more legs, another size of chunks, another
// layout), LVM first gives each leg some extents more, reshape_count, so that
// the kernel writes no stripe over one that it has still to read. They stay
// afterwards: behind the data, or in front of it where the kernel has moved
// the data up. Which of the two it was only the superblocks tell
// (_lv_alloc_reshape_space in lib/metadata/raid_manip.c; data_offset in
// drivers/md/dm-raid.c).

// reshapeExtents returns how many of a segment's extents are such space and no
// part of the volume (_seg_len in lib/activate/dev_manager.c).
func (t raidType) reshapeExtents(d *decoder, extents uint64) uint64 {
	count := d.optionalCount("reshape_count")
	if count == 0 {
		return 0
	}
	legs := d.count("device_count")
	if legs <= t.parity || legs > rmetaMaxDevices || count >= extents/(legs-t.parity) {
		d.fail("%d extents on %d legs, of which %d of each are for reshaping", extents, legs, count)
		return 0
	}
	return count * (legs - t.parity)
}

// place decides where the legs' data begins.
func (t *raidText) place(extentSize int64) error {
	newest := t.newest()
	if newest == nil {
		if t.spare > 0 && t.level != raid.RAID0 {
			return fmt.Errorf("no superblock is there to tell where the data begins: %w", layer.ErrIncomplete)
		}
		return nil
	}
	start, ok := ondisk.Mul(newest.dataOffset(), sectorSize)
	if !ok || start%extentSize != 0 || uint64(start/extentSize) > t.spare {
		return fmt.Errorf("data begins at sector %d, with %d extents of %d bytes in front of it: %w", newest.dataOffset(), t.spare, extentSize, layer.ErrCorrupt)
	}
	t.offset = uint64(start / extentSize)
	return nil
}

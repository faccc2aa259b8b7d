package partition

import (
	"encoding/binary"

	"github.com/vmdkfs/vmdkfs/layer"
)

// An otherTable is a kind of partition table that is recognised and not read.
type otherTable struct {
	name  string
	match func(head []byte) bool
}

// otherTables are told by name. A BSD disklabel alone on a disk lies in its
// second sector, or at byte 64 of the first (sys/disklabel.h of FreeBSD,
// LABELSECTOR and LABELOFFSET; NetBSD's vary by port); of Apple's map, the
// second block is an entry of it (Inside Macintosh: Devices, "The Partition
// Map"); Sun's label is the first sector (Linux, block/partitions/sun.c).
var otherTables = []otherTable{
	{"an Apple partition map", isAppleMap},
	{"a BSD disklabel", func(head []byte) bool { return isDisklabel(head, 512) || isDisklabel(head, 64) || isDisklabel(head, 0) }},
	{"a Sun disk label", isSunLabel},
}

// other returns layer.ErrUnsupported if the disk has a table of another kind,
// or nil.
func (d *disk) other() error {
	for _, o := range otherTables {
		if o.match(d.head) {
			return layer.Errorf(layer.ErrUnsupported, "partition", "disk", 0, "reading %s", o.name)
		}
	}
	return nil
}

// isAppleMap looks for the first entry of a map, in the block behind the
// first; the driver descriptor in that says how large blocks are.
func isAppleMap(head []byte) bool {
	size := 512
	if len(head) >= 4 && string(head[:2]) == "ER" {
		size = int(binary.BigEndian.Uint16(head[2:]))
	}
	if size < 512 || size > 4096 || len(head) < size+136 {
		return false
	}
	e := head[size:]
	blocks := binary.BigEndian.Uint32(e[4:])
	return string(e[:4]) == "PM\x00\x00" && blocks > 0 && blocks < 1<<16
}

// bsdMagic is at both ends of the fixed part of a disklabel.
const bsdMagic = 0x82564557

// isDisklabel looks for a disklabel at off. The checksum is not looked at:
// parted writes wrong ones, and Linux takes them.
func isDisklabel(head []byte, off int) bool {
	const fixed, maxPartitions = 148, 64
	if len(head) < off+fixed {
		return false
	}
	le, label := binary.LittleEndian, head[off:]
	return le.Uint32(label) == bsdMagic && le.Uint32(label[132:]) == bsdMagic && le.Uint16(label[138:]) <= maxPartitions
}

// isSunLabel checks magic and checksum of a Sun label.
func isSunLabel(head []byte) bool {
	if len(head) < 512 || binary.BigEndian.Uint16(head[508:]) != 0xdabe {
		return false
	}
	var sum uint16
	for i := 0; i < 512; i += 2 {
		sum ^= binary.BigEndian.Uint16(head[i:])
	}
	return sum == 0
}

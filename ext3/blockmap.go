package ext3

import (
	"math"

	"github.com/vmdkfs/vmdkfs/internal/cache"
	"github.com/vmdkfs/vmdkfs/internal/extent"
)

// The block map of ext2 and ext3: 12 pointers to data in the inode, then one
// each to a tree of one, two and three levels. Source: the kernel's
// documentation, "Direct/Indirect Block Addressing".
const (
	directPointers = 12
	indirectLevels = 3
)

// A blockMap maps a file by its block map. A zero pointer is a hole of all
// that the pointer would reach.
type blockMap struct{ *Inode }

// Map implements extent.Mapper.
func (m blockMap) Map(off int64) (extent.Run, error) {
	geo := &m.fsys.geo
	fanOut := uint64(geo.blockSize / 4)
	first := uint64(off) / uint64(geo.blockSize) // the block of the file that is looked for
	pointers, index, start := m.block[:4*directPointers], first, uint64(0)
	span := uint64(1) // how many blocks one pointer reaches
	if first >= directPointers {
		start, index = directPointers, 0
		level := 0
		for span = fanOut; first-start >= span; span *= fanOut {
			start += span
			if level++; level == indirectLevels {
				return extent.Run{}, corrupt(inodeName(m.Number), noOffset, "block %d is more than a block map holds", first)
			}
		}
		pointers = m.block[4*(directPointers+level):][:4]
	}
	var h cache.Hold // of pointers
	defer h.Release()
	// Invariant: pointers[index] reaches the span blocks from start+index*span.
	for span > 1 {
		pointer := uint64(le.Uint32(pointers[4*index:]))
		if pointer == 0 {
			break
		}
		if !geo.holds(pointer, 1) {
			return extent.Run{}, corrupt(inodeName(m.Number), noOffset, "indirect block %d of %d", pointer, geo.blocks)
		}
		block, err := m.fsys.blockFor(&h, pointer)
		if err != nil {
			return extent.Run{}, failed(inodeName(m.Number), m.fsys.offset(pointer), err)
		}
		start += index * span
		span /= fanOut
		pointers, index = block, (first-start)/span
	}
	return m.run(pointers, index, start, span)
}

// run returns the run of neighbours that pointers[index] is the first of:
// blocks one behind the other, or holes.
func (m blockMap) run(pointers []byte, index, start, span uint64) (extent.Run, error) {
	geo := &m.fsys.geo
	pointer := uint64(le.Uint32(pointers[4*index:]))
	n := uint64(1)
	for next := 4 * (index + 1); next < uint64(len(pointers)); next += 4 {
		p := uint64(le.Uint32(pointers[next:]))
		if (pointer == 0 && p != 0) || (pointer != 0 && p != pointer+n) {
			break
		}
		n++
	}
	run := extent.Run{Offset: m.fileOffset(start + index*span), Source: extent.Hole}
	run.Length = m.fileOffset(start+(index+n)*span) - run.Offset
	if pointer == 0 {
		return run, nil
	}
	if !geo.holds(pointer, n) {
		return extent.Run{}, corrupt(inodeName(m.Number), noOffset, "blocks %d to %d of %d", pointer, pointer+n-1, geo.blocks)
	}
	run.Source, run.Physical = 0, m.fsys.offset(pointer)
	return run, nil
}

// fileOffset returns the byte of a file at which a block of it begins. A file
// of 64 KiB blocks could be mapped further than an offset counts.
func (m blockMap) fileOffset(block uint64) int64 {
	if block > math.MaxInt64/uint64(m.fsys.geo.blockSize) {
		return math.MaxInt64
	}
	return int64(block) * m.fsys.geo.blockSize
}

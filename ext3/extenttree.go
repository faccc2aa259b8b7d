package ext3

import (
	"math"
	"sort"

	"github.com/vmdkfs/vmdkfs/internal/cache"
	"github.com/vmdkfs/vmdkfs/internal/extent"
)

// The extent tree of ext4: nodes of a header and entries of 12 bytes each, the
// root in the inode. Source: the kernel's documentation, "Extent Tree".
const (
	extentMagic     = 0xF30A
	extentEntrySize = 12
	// maxExtentDepth is the depth at which the smallest nodes already reach
	// every block of a file.
	maxExtentDepth = 5
	// unwrittenLength is added to the length of an extent that was allocated
	// and never written: it reads as zeros, whatever the blocks hold.
	unwrittenLength = 32768
)

// An extentTree maps a file by its extents. What no extent covers is a hole.
type extentTree struct{ *Inode }

// An extentNode is one node: its entries start at byte 12.
type extentNode []byte

func (n extentNode) ehEntries() int { return int(le.Uint16(n[2:4])) }
func (n extentNode) ehMax() int     { return int(le.Uint16(n[4:6])) }
func (n extentNode) ehDepth() int   { return int(le.Uint16(n[6:8])) }

func (n extentNode) entry(i int) []byte { return n[extentEntrySize*(i+1):][:extentEntrySize] }

// block returns ee_block or ei_block: the first block of the file that the
// entry is about.
func (n extentNode) block(i int) uint64 { return uint64(le.Uint32(n.entry(i)[0:4])) }

// leaf returns the block of the file system below an index entry.
func (n extentNode) leaf(i int) uint64 {
	e := n.entry(i)
	return uint64(le.Uint32(e[4:8])) | uint64(le.Uint16(e[8:10]))<<32
}

// extent returns the length in blocks of a leaf's entry, its first block in
// the file system, and whether it was written.
func (n extentNode) extent(i int) (length, start uint64, written bool) {
	e := n.entry(i)
	length, written = uint64(le.Uint16(e[4:6])), true
	if length > unwrittenLength {
		length, written = length-unwrittenLength, false
	}
	return length, uint64(le.Uint32(e[8:12])) | uint64(le.Uint16(e[6:8]))<<32, written
}

// Map implements extent.Mapper.
func (t extentTree) Map(off int64) (extent.Run, error) {
	blockSize := t.fsys.geo.blockSize
	first := uint64(off / blockSize)
	// The node at hand is about the blocks [low, high) of the file.
	low, high := uint64(0), uint64(math.MaxInt64/blockSize)
	node, at := extentNode(t.block[:]), int64(noOffset)
	var h cache.Hold // of node
	defer h.Release()
	depth := -1 // the root says its own depth; each child is one less
	for {
		if err := t.check(node, at, depth, low, high); err != nil {
			return extent.Run{}, err
		}
		if err := t.checkExtentNode(node, at); err != nil {
			return extent.Run{}, err
		}
		depth = node.ehDepth()
		n := node.ehEntries()
		i := sort.Search(n, func(i int) bool { return node.block(i) > first }) - 1
		if i+1 < n {
			high = node.block(i + 1)
		}
		if i < 0 || depth == 0 {
			return t.run(node, i, first, low, high), nil
		}
		low = node.block(i)
		child := node.leaf(i)
		if !t.fsys.geo.holds(child, 1) {
			return extent.Run{}, corrupt(inodeName(t.Number), at, "extent node at block %d of %d", child, t.fsys.geo.blocks)
		}
		block, err := t.fsys.blockFor(&h, child)
		if err != nil {
			return extent.Run{}, failed(inodeName(t.Number), t.fsys.offset(child), err)
		}
		node, at, depth = extentNode(block), t.fsys.offset(child), depth-1
	}
}

// run returns the run that holds the block first: of entry i of a leaf, or,
// when i is -1 or ends before, of the hole that ends at high.
func (t extentTree) run(node extentNode, i int, first, low, high uint64) extent.Run {
	blockSize := t.fsys.geo.blockSize
	if i >= 0 && node.ehDepth() == 0 {
		low = node.block(i)
		length, start, written := node.extent(i)
		if first < low+length {
			run := extent.Run{Offset: int64(low) * blockSize, Length: int64(length) * blockSize, Source: extent.Hole}
			if written {
				run.Source, run.Physical = 0, t.fsys.offset(start)
			}
			return run
		}
		low += length
	}
	return extent.Run{Offset: int64(low) * blockSize, Length: int64(high-low) * blockSize, Source: extent.Hole}
}

// check validates a node: its header, the depth that its parent promises, and
// entries in order inside [low, high). A child is exactly one level below its
// parent, which is what ends every cycle.
func (t extentTree) check(node extentNode, at int64, depth int, low, high uint64) error {
	bad := func(format string, args ...any) error {
		return corrupt(inodeName(t.Number), at, "extent node: "+format, args...)
	}
	entries := node.ehEntries()
	switch {
	case le.Uint16(node[0:2]) != extentMagic:
		return bad("magic is %#04x, not %#04x", le.Uint16(node[0:2]), extentMagic)
	case node.ehMax() > len(node)/extentEntrySize-1 || entries > node.ehMax():
		return bad("%d of %d entries in %d bytes", entries, node.ehMax(), len(node))
	case depth < 0 && node.ehDepth() > maxExtentDepth:
		return bad("depth %d is more than %d", node.ehDepth(), maxExtentDepth)
	case depth >= 0 && node.ehDepth() != depth:
		return bad("depth %d where its parent wants %d", node.ehDepth(), depth)
	case node.ehDepth() > 0 && entries == 0:
		return bad("an index without entries")
	}
	for i := range entries {
		block := node.block(i)
		if block < low || block >= high {
			return bad("entry %d begins at block %d, outside %d to %d", i, block, low, high)
		}
		low = block + 1
		if node.ehDepth() > 0 {
			continue
		}
		length, start, _ := node.extent(i)
		if length == 0 || length > high-block || !t.fsys.geo.holds(start, length) {
			return bad("extent of %d blocks at %d for block %d of the file", length, start, block)
		}
		low = block + length
	}
	return nil
}

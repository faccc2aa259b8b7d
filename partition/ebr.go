package partition

import (
	"github.com/vmdkfs/vmdkfs/layer"
)

// maxChain is how many tables the chains of a disk may have together. Linux
// gives a disk at most 256 partitions, so that no one has more.
const maxChain = 256

// A chain is the list of tables of logical partitions: each is an MBR without
// a boot loader (an "EBR") in front of its partition, with one entry for that
// and one for the table that follows.
type chain struct {
	*disk
	table   *table
	next    int             // number of the next logical partition
	visited map[uint64]bool // sectors of the tables
}

// follow reads the chain in the extended partition of size sectors that begins
// at the sector first. The error says why there may be more partitions than it
// found.
func (c *chain) follow(first, size uint64) error {
	if c.visited == nil {
		c.visited = make(map[uint64]bool)
	}
	unit := uint64(c.table.SectorSize)
	for at := first; ; {
		off := int64(at * unit) // at is a sum of two 32-bit numbers
		if c.visited[at] {
			return layer.Errorf(layer.ErrCorrupt, "partition", "EBR", off, "the chain of logical partitions comes back to this table")
		}
		if len(c.visited) == maxChain {
			return layer.Errorf(layer.ErrCorrupt, "partition", "EBR", off, "the chain of logical partitions has more than %d tables", maxChain)
		}
		c.visited[at] = true
		sector, err := c.read("EBR", off, sectorSize)
		if err != nil {
			return err
		}
		m := (*mbr)(sector)
		if m.signature() != mbrSignature {
			return layer.Errorf(layer.ErrCorrupt, "partition", "EBR", off, "the table of logical partitions does not end in 55 AA")
		}
		c.add(m, at, first, size)
		link := m.link()
		if link == nil {
			return nil
		}
		// Links count from the start of the extended partition, the
		// partitions themselves from the table that lists them.
		at = first + uint64(link.startingLBA())
	}
}

// add adds the partitions that the table at the sector at lists. One that
// lists none stands for a partition that was deleted, and takes no number. The
// last two entries have no use, and hold garbage on some disks: they count
// only where they lie in the extended partition, as in Linux.
func (c *chain) add(m *mbr, at, first, size uint64) {
	for i := range 4 {
		p := m.partitionRecord(i)
		if !p.inUse() || p.isExtended() {
			continue
		}
		e := p.entry(c.next, at)
		if i >= 2 && (e.first < first || e.first+e.sectors > first+size) {
			continue
		}
		c.table.partitions = append(c.table.partitions, e)
		c.next++
	}
}

// link returns the entry for the next table of the chain, or nil.
func (m *mbr) link() *partitionRecord {
	for i := range 4 {
		if p := m.partitionRecord(i); p.inUse() && p.isExtended() {
			return p
		}
	}
	return nil
}

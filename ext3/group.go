package ext3

import (
	"fmt"
	"sync/atomic"
)

// tableSlots is how many groups' inode tables are remembered: more than a walk
// uses at a time, and nothing beside the cache of metadata.
const tableSlots = 64

// A tableCache remembers where the inode tables of some groups begin, so that
// their descriptors are not verified again for each inode.
type tableCache [tableSlots]atomic.Pointer[inodeTable]

// An inodeTable is a group's inode table, verified to lie inside the file
// system.
type inodeTable struct {
	group uint32
	block uint64 // its first
}

// descriptorBlock returns the block that holds the descriptor of a group.
// Source: the kernel's documentation, "Meta Block Groups".
func (f *FS) descriptorBlock(group uint32) uint64 {
	perBlock := uint32(f.geo.blockSize / f.geo.descSize)
	metaGroup := group / perBlock
	if !f.super.incompat(incompatMetaBG) || metaGroup < f.super.sFirstMetaBG() {
		// They follow the superblock, which with clusters of several 1 KiB
		// blocks is not in the first data block.
		return uint64(superblockOffset/f.geo.blockSize) + 1 + uint64(metaGroup)
	}
	first := metaGroup * perBlock
	block := f.geo.firstDataBlock + uint64(first)*f.geo.blocksPerGroup
	if f.hasSuperblock(first) {
		block++
		// With blocks of 1 KiB and no boot block the superblock is block 1.
		if f.geo.blockSize == 1024 && metaGroup == 0 && f.geo.firstDataBlock == 0 {
			block++
		}
	}
	return block
}

// hasSuperblock reports whether a group begins with a copy of the superblock.
func (f *FS) hasSuperblock(group uint32) bool {
	switch {
	case group == 0:
		return true
	case f.super.compat(compatSparseSuper2):
		backups := f.super.sBackupBGs()
		return group == backups[0] || group == backups[1]
	case group == 1 || !f.super.roCompat(roCompatSparseSuper):
		return true
	}
	for _, base := range []uint32{3, 5, 7} {
		n := group
		for n%base == 0 {
			n /= base
		}
		if n == 1 {
			return true
		}
	}
	return false
}

// inodeTable returns the first block of a group's inode table.
func (f *FS) inodeTable(group uint32) (uint64, error) {
	slot := &f.tables[group%tableSlots]
	if t := slot.Load(); t != nil && t.group == group {
		return t.block, nil
	}
	block, err := f.readInodeTable(group)
	if err == nil {
		slot.Store(&inodeTable{group, block})
	}
	return block, err
}

// readInodeTable is inodeTable, of the descriptor.
func (f *FS) readInodeTable(group uint32) (uint64, error) {
	block := f.descriptorBlock(group)
	raw, err := f.block(block)
	if err != nil {
		return 0, failed(descriptorName(group), f.offset(block), err)
	}
	at := int64(group) % (f.geo.blockSize / f.geo.descSize) * f.geo.descSize
	desc := raw[at : at+f.geo.descSize]
	if err := f.checkDescriptor(group, desc, f.offset(block)+at); err != nil {
		return 0, err
	}
	table := uint64(le.Uint32(desc[0x8:0xC])) // bg_inode_table_lo
	if f.geo.descSize >= 64 {
		table |= uint64(le.Uint32(desc[0x28:0x2C])) << 32 // bg_inode_table_hi
	}
	length := (uint64(f.geo.inodesPerGroup)*uint64(f.geo.inodeSize) + uint64(f.geo.blockSize) - 1) / uint64(f.geo.blockSize)
	if !f.geo.holds(table, length) {
		return 0, corrupt(descriptorName(group), f.offset(block)+at, "inode table at block %d of %d", table, f.geo.blocks)
	}
	return table, nil
}

func descriptorName(group uint32) string { return fmt.Sprintf("descriptor of group %d", group) }

// holds reports whether n blocks from the given one on may hold data: they lie
// inside the file system, behind the boot and super block.
func (g *geometry) holds(block, n uint64) bool {
	return block > g.firstDataBlock && block < g.blocks && n <= g.blocks-block
}

// offset returns the byte at which a block begins.
func (f *FS) offset(block uint64) int64 { return int64(block) * f.geo.blockSize }

package ext3

import (
	"iter"

	"github.com/vmdkfs/vmdkfs/internal/extent"
)

// Those who read ask here what fast commits changed. No changes is a nil
// pointer, so that a file system without them pays for one comparison.

// inode returns the newer bytes of an inode.
func (c *fastChanges) inode(number uint32) (rawInode, bool) {
	if c == nil {
		return nil, false
	}
	raw, ok := c.inodes[number]
	return raw, ok
}

// mapper returns the map of a file, given that of its inode.
func (c *fastChanges) mapper(number uint32, base extent.Mapper) extent.Mapper {
	if c == nil {
		return base
	}
	if runs := c.maps[number]; len(runs) > 0 {
		return patchedMap{base, runs}
	}
	return base
}

// entries returns the entries of a directory, given those on the disk.
func (c *fastChanges) entries(number uint32, disk iter.Seq2[rawDirent, error]) iter.Seq2[rawDirent, error] {
	if c == nil {
		return disk
	}
	if d := c.dirs[number]; d != nil {
		return d.over(disk)
	}
	return disk
}

// lookup returns the entry of a name, and whether fast commits decided about
// it: its number is 0 when there is no such name any more.
func (c *fastChanges) lookup(number uint32, name []byte) (entry rawDirent, decided bool) {
	if c == nil {
		return rawDirent{}, false
	}
	if d := c.dirs[number]; d != nil {
		return d.lookup(name)
	}
	return rawDirent{}, false
}

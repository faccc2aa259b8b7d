package ext3

import (
	"sort"

	"github.com/vmdkfs/vmdkfs/internal/extent"
)

const (
	dxInfoHash   = 28 // of the root: hash version
	dxInfoLevels = 30 // and how many levels of nodes are below it
	// maxDxLevels is how deep an index may be, with large_dir.
	maxDxLevels = 2
)

// find looks a name up through the index of a hashed directory: a read of one
// block a level, whatever the directory's size. False says that it was not
// found that way, or that the index makes no sense; the directory itself tells
// then, as it is what counts.
func (i *Inode) find(name nameMatch) (rawDirent, bool) {
	if i.Flags&flagHashIndex == 0 || i.Flags&(flagInlineData) != 0 {
		return rawDirent{}, false
	}
	root, ok := i.dirBlock(0)
	if !ok || dxCountLimit(root.data) != dxRootAt {
		return rawDirent{}, false
	}
	hash, ok := i.fsys.super.dirHash(root.data[dxInfoHash])
	levels := int(root.data[dxInfoLevels])
	if !ok || levels > maxDxLevels {
		return rawDirent{}, false
	}
	want := hash.of(name.hashed())
	node, at := root, dxRootAt
	for ; levels > 0; levels-- {
		entries := dxEntries(node.data, at)
		if len(entries) == 0 {
			return rawDirent{}, false
		}
		if node, ok = i.dirBlock(entries.child(entries.search(want))); !ok {
			return rawDirent{}, false
		}
		if at = dxCountLimit(node.data); at != dxNodeAt {
			return rawDirent{}, false
		}
	}
	entries := dxEntries(node.data, at)
	for n := entries.search(want); n < entries.count(); n++ {
		// Names of one hash that did not fit go on in the next leaf.
		if n > entries.search(want) && entries.hash(n) != want|1 {
			break
		}
		leaf, ok := i.dirBlock(entries.child(n))
		if !ok {
			break
		}
		for raw, err := range i.blockEntries(leaf) {
			if err == nil && name.equal(raw.name) {
				return raw, true
			}
		}
	}
	return rawDirent{}, false
}

// dirBlock returns a block of the directory by its number, if it can be read.
// It lies in the cache.
func (i *Inode) dirBlock(n uint32) (dirBlock, bool) {
	off := int64(n) * i.fsys.geo.blockSize
	if off >= i.Length {
		return dirBlock{}, false
	}
	run, err := i.mapper().Map(off)
	if err != nil || run.Source == extent.Hole {
		return dirBlock{}, false
	}
	physical := run.Physical + off - run.Offset
	data, err := i.fsys.block(uint64(physical / i.fsys.geo.blockSize))
	if err != nil {
		return dirBlock{}, false
	}
	b := dirBlock{data, physical}
	return b, i.checkDirBlock(b) == nil
}

// A dxList is the entries of a node of the index, of a hash and a block each.
// The first has the limit and the count in place of its hash, which is 0.
type dxList []byte

// dxEntries returns the entries in use, or none if their count makes no sense.
func dxEntries(block []byte, at int) dxList {
	limit, count := int(le.Uint16(block[at:])), int(le.Uint16(block[at+2:]))
	if count == 0 || count > limit || at+limit*dxEntrySize > len(block) {
		return nil
	}
	return dxList(block[at : at+count*dxEntrySize])
}

func (l dxList) count() int { return len(l) / dxEntrySize }

func (l dxList) hash(n int) uint32 {
	if n == 0 {
		return 0
	}
	return le.Uint32(l[n*dxEntrySize:])
}

// child returns the number of the block below an entry; its upper bits are not
// used.
func (l dxList) child(n int) uint32 { return le.Uint32(l[n*dxEntrySize+4:]) & 0x0FFFFFFF }

// search returns the last entry whose hash is not above the given one, or 0.
func (l dxList) search(hash uint32) int {
	n := sort.Search(l.count(), func(i int) bool { return l.hash(i) > hash })
	return max(0, n-1)
}

package ext3

import (
	"bytes"
	"context"
	"io/fs"
	"slices"

	"github.com/vmdkfs/vmdkfs/internal/twin"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A dirSpan is whose a run of a directory's blocks is.
type dirSpan struct {
	number uint32
	flags  uint32 // of the inode
}

// directory adds a directory whose inode is the same in both versions, and
// notes where its blocks lie, if that can be told.
func (s *sameness) directory(i *Inode) {
	if i.Flags&flagInlineData != 0 {
		s.inline = append(s.inline, i.Number)
		s.tree.AddDir(i.Number)
		return
	}
	extents, ok := i.dirExtents()
	if !ok {
		return
	}
	if !i.mapsItself() {
		// The blocks that map it may differ though the inode does not.
		other, err := s.b.inode(i.Number)
		if err != nil {
			return
		}
		if theirs, ok := other.dirExtents(); !ok || !slices.Equal(extents, theirs) {
			return
		}
	}
	for _, e := range extents {
		for at := int64(0); at < e.Length; at += twin.PartSize {
			s.spans = append(s.spans, twin.Part[dirSpan]{Off: e.Physical + at, Length: int(min(twin.PartSize, e.Length-at)), Owner: dirSpan{i.Number, i.Flags}})
		}
	}
	s.tree.AddDir(i.Number)
}

// mapsItself reports whether the inode alone says where its blocks lie.
func (i *Inode) mapsItself() bool {
	if i.Flags&flagExtents != 0 {
		return le.Uint16(i.block[6:8]) == 0 // eh_depth
	}
	return i.Length <= directPointers*i.fsys.geo.blockSize
}

// dirExtents returns where the blocks of a directory lie, and whether they are
// all there.
func (i *Inode) dirExtents() ([]layer.Extent, bool) {
	if i.Length == 0 || i.Length%i.fsys.geo.blockSize != 0 {
		return nil, false
	}
	var list []layer.Extent
	end := int64(0)
	for e, err := range i.blocks().Extents() {
		if err != nil || e.Offset != end || e.Physical < 0 {
			return nil, false
		}
		list, end = append(list, e), end+e.Length
	}
	return list, end == i.Length
}

// directories compares the blocks of the directories.
func (s *sameness) directories(ctx context.Context) error {
	for _, number := range s.inline {
		if !s.inlineEntries(number) {
			s.tree.MarkDirty(number)
		}
	}
	err := twin.Compare(ctx, s.a.device, s.b.device, s.spans, func(p twin.Part[dirSpan], a, b []byte) {
		if a == nil || !bytes.Equal(a, b) || !s.entries(p, a) {
			s.tree.MarkDirty(p.Owner.number)
		}
	})
	s.spans, s.inline = nil, nil
	s.tree.Settle()
	return err
}

// inlineEntries is entries for a directory that the inode holds itself.
func (s *sameness) inlineEntries(number uint32) bool {
	i, err := s.a.inode(number)
	if err != nil {
		return false
	}
	for b, err := range i.inlineBlocks() {
		if err != nil || !s.block(i, b) {
			return false
		}
	}
	return true
}

// entries reports whether all that a run of a directory's blocks names is the
// same, as far as inodes tell, and notes the directories in it.
func (s *sameness) entries(span twin.Part[dirSpan], data []byte) bool {
	dir := &Inode{fsys: s.a, Number: span.Owner.number, Flags: span.Owner.flags}
	size := int(s.a.geo.blockSize)
	same := true
	for at := 0; at < len(data); at += size {
		same = s.block(dir, dirBlock{data[at : at+size], span.Off + int64(at)}) && same
	}
	return same
}

// block is entries for one block.
func (s *sameness) block(dir *Inode, b dirBlock) bool {
	same := true
	for e, err := range dir.blockEntries(b) {
		if err != nil {
			return false
		}
		same = s.entry(dir, e) && same
	}
	return same
}

// entry is entries for one entry.
func (s *sameness) entry(dir *Inode, e rawDirent) bool {
	if dir.checkEntry(e) != nil {
		return false
	}
	if s.a.super.incompat(incompatFiletype) && e.fileType > 0 && int(e.fileType) < len(fileTypes) &&
		(fileTypes[e.fileType] == fs.ModeDir) != s.tree.IsDir(e.number) {
		return false // a listing will find that it is no directory
	}
	return s.tree.Note(dir.Number, e.number)
}

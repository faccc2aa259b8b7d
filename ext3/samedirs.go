package ext3

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/vmdkfs/vmdkfs/layer"
)

// maxSpanGap is how many bytes between the blocks of directories are read in
// vain, rather than with one more read.
const maxSpanGap = 64 << 10

// A dirSpan is a run of a directory's blocks, at most samePart bytes.
type dirSpan struct {
	number uint32
	flags  uint32 // of the inode
	off    int64  // in the source; negative for what the inode holds itself
	length int
}

// directory notes where the blocks of a directory lie, whose inode is the same
// in both versions, and reports whether that can be told.
func (s *sameness) directory(i *Inode) bool {
	if i.Flags&flagInlineData != 0 {
		for b, err := range i.inlineBlocks() {
			if err != nil {
				return false
			}
			s.spans = append(s.spans, dirSpan{i.Number, i.Flags, noOffset, len(b.data)})
		}
		s.clean.add(i.Number)
		return true
	}
	extents, ok := i.dirExtents()
	if !ok {
		return false
	}
	if !i.mapsItself() {
		// The blocks that map it may differ though the inode does not.
		other, err := s.b.inode(i.Number)
		if err != nil {
			return false
		}
		if theirs, ok := other.dirExtents(); !ok || !slices.Equal(extents, theirs) {
			return false
		}
	}
	for _, e := range extents {
		for at := int64(0); at < e.Length; at += samePart {
			s.spans = append(s.spans, dirSpan{i.Number, i.Flags, e.Physical + at, int(min(samePart, e.Length-at))})
		}
	}
	s.clean.add(i.Number)
	return true
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

// directories compares the blocks of the directories, in the order in which
// they lie, and leaves in clean those in which all is the same.
func (s *sameness) directories(ctx context.Context) error {
	slices.SortFunc(s.spans, func(x, y dirSpan) int { return cmp.Compare(x.off, y.off) })
	bufA, bufB := make([]byte, samePart), make([]byte, samePart)
	for rest := s.spans; len(rest) > 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		if rest[0].off < 0 {
			s.inline(rest[0].number)
			rest = rest[1:]
			continue
		}
		start, n := rest[0].off, 0
		end := start
		for n < len(rest) && rest[n].off <= end+maxSpanGap && rest[n].off+int64(rest[n].length) <= start+samePart {
			end = max(end, rest[n].off+int64(rest[n].length))
			n++
		}
		partA, partB := bufA[:end-start], bufB[:end-start]
		err := readBoth(s.a, s.b, partA, partB, start)
		for _, span := range rest[:n] {
			from := int(span.off - start)
			to := from + span.length
			if err != nil || !bytes.Equal(partA[from:to], partB[from:to]) || !s.entries(span, partA[from:to]) {
				s.dirty[span.number] = true
			}
		}
		rest = rest[n:]
	}
	s.spans = nil
	// What differs in a directory does so in all that it lies in.
	for number := range s.dirty {
		for s.clean.has(number) {
			s.clean.remove(number)
			parent, found := s.parents[number]
			if !found {
				break
			}
			number = parent
		}
	}
	return nil
}

// inline is entries for a directory that the inode holds itself.
func (s *sameness) inline(number uint32) {
	i, err := s.a.inode(number)
	if err != nil {
		s.dirty[number] = true
		return
	}
	for b, err := range i.inlineBlocks() {
		if err != nil || !s.block(i, b) {
			s.dirty[number] = true
			return
		}
	}
}

// entries reports whether all that a run of a directory's blocks names is the
// same, as far as inodes tell, and notes the directories in it.
func (s *sameness) entries(span dirSpan, data []byte) bool {
	dir := &Inode{fsys: s.a, Number: span.number, Flags: span.flags}
	size := int(s.a.geo.blockSize)
	same := true
	for at := 0; at < len(data); at += size {
		same = s.block(dir, dirBlock{data[at : at+size], span.off + int64(at)}) && same
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
		if dir.checkEntry(e) != nil || !s.same.has(e.number) {
			same = false
			continue
		}
		if !s.clean.has(e.number) {
			continue // no directory
		}
		if other, twice := s.parents[e.number]; twice { // as in no sound file system
			s.dirty[other], same = true, false
		}
		s.parents[e.number] = dir.Number
	}
	return same
}

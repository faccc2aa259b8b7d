package ntfs

import (
	"bytes"
	"context"
	"math/bits"
	"slices"

	"github.com/vmdkfs/vmdkfs/internal/twin"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A namedRecord is an entry of a directory, without its name.
type namedRecord struct {
	dir        uint32
	attributes uint32
	ref        fileRef
}

// An indexPart is a run of blocks of a directory's index.
type indexPart struct {
	ix    *index // without its root
	first int64  // block
}

// directory adds a directory whose record x is the same as y in the other
// version, and has equal bytes or not, and notes what its index has. It reports
// whether it did: not if the indexes lie, or are used, differently.
func (s *sameness) directory(x, y *file, equal bool) bool {
	ix, err := x.index(indexNames)
	if err != nil {
		return false
	}
	var extents []layer.Extent
	if ix.blocks != nil {
		var ok bool
		if extents, ok = ix.extents(); !ok {
			return false
		}
	}
	if !equal || ix.blocks != nil { // of which the bitmap may be outside of the record
		iy, err := y.index(indexNames)
		if err != nil || !bytes.Equal(ix.root, iy.root) || ix.blockSize != iy.blockSize || ix.unit != iy.unit ||
			(ix.blocks == nil) != (iy.blocks == nil) || !bytes.Equal(ix.bitmap, iy.bitmap) {
			return false
		}
		if ix.blocks != nil {
			if theirs, ok := iy.extents(); !ok || ix.blocks.Size() != iy.blocks.Size() || !slices.Equal(extents, theirs) {
				return false
			}
		}
	}
	number, known := uint32(x.ref.number()), len(s.named)
	if !ix.each(ix.root, noBlock, s.note(number)) {
		s.named = s.named[:known]
		return false
	}
	s.tree.AddDir(number)
	ix.root, ix.x = nil, &file{fsys: x.fsys, ref: x.ref} // what is kept must not alias the record
	ix.bitmap = bytes.Clone(ix.bitmap)
	for _, e := range extents {
		s.usedParts(ix, e)
	}
	return true
}

// extents returns where the blocks of an index lie, and whether all that are
// in use lie there whole.
func (ix *index) extents() (list []layer.Extent, ok bool) {
	covered := 0
	for e, err := range ix.direct.Extents() {
		if err != nil || e.Physical < 0 || e.Offset%ix.blockSize != 0 || e.Length%ix.blockSize != 0 {
			return nil, false
		}
		list = append(list, e)
		for n := range e.Length / ix.blockSize {
			if ix.used(e.Offset/ix.blockSize + n) {
				covered++
			}
		}
	}
	inUse := 0
	for _, b := range ix.bitmap {
		inUse += bits.OnesCount8(b)
	}
	return list, covered == inUse
}

// usedParts notes the blocks in use that lie in an extent.
func (s *sameness) usedParts(ix *index, e layer.Extent) {
	first := e.Offset / ix.blockSize
	for n, end := first, first+e.Length/ix.blockSize; n < end; {
		count := ix.together(n, min(end-n, twin.PartSize/ix.blockSize))
		if count > 0 {
			s.parts = append(s.parts, twin.Part[indexPart]{Off: e.Physical + (n-first)*ix.blockSize, Length: int(count * ix.blockSize), Owner: indexPart{ix, n}})
		}
		n += max(count, 1)
	}
}

// note returns a function for [index.each] that notes what a directory names
// for later, and stops at what is damaged.
func (s *sameness) note(dir uint32) func(indexEntry, error) bool {
	return func(e indexEntry, err error) bool {
		if err != nil {
			return false
		}
		name, err := parseFileName(e.key())
		if err != nil {
			return false
		}
		if name.namespace() != namespaceDOS && (dir != recordRoot || e.ref().number() >= firstUserRecord) {
			s.named = append(s.named, namedRecord{dir, name.attributes(), e.ref()})
		}
		return true
	}
}

// directories compares the index blocks of the directories, and looks at what
// all their entries name.
func (s *sameness) directories(ctx context.Context) error {
	s.look()
	err := twin.Compare(ctx, s.a.device, s.b.device, s.parts, func(p twin.Part[indexPart], a, b []byte) {
		if a == nil || !bytes.Equal(a, b) || !s.blocks(p.Owner, a) {
			s.tree.MarkDirty(uint32(p.Owner.ix.x.ref.number()))
		}
	})
	s.parts, s.named = nil, nil
	s.tree.Settle()
	return err
}

// blocks reports whether some blocks of an index are sound and all that they
// name is the same, as far as is known.
func (s *sameness) blocks(p indexPart, data []byte) bool {
	note := s.note(uint32(p.ix.x.ref.number()))
	for n := p.first; len(data) > 0; n++ {
		entries, err := p.ix.checkBlock(n, data[:p.ix.blockSize])
		if err != nil || !p.ix.each(entries, n, note) {
			s.named = s.named[:0]
			return false
		}
		data = data[p.ix.blockSize:]
	}
	return s.look()
}

// look looks at the entries that were noted, and reports whether all are the
// same.
func (s *sameness) look() bool {
	same := true
	for _, e := range s.named {
		if !s.isNamedSame(e) {
			s.tree.MarkDirty(e.dir)
			same = false
		}
	}
	s.named = s.named[:0]
	return same
}

// isNamedSame reports whether what an entry names is the same, as far as is
// known.
func (s *sameness) isNamedSame(e namedRecord) bool {
	if !s.agrees(e.ref, e.attributes) {
		return false
	}
	number := uint32(e.ref.number())
	// A listing asks the record only where the entry says that it must.
	isLink := e.attributes&attributeIndex != 0 && !s.tree.IsDir(number)
	return (!isLink || e.attributes&(AttributeReparsePoint|AttributeSystem) != 0) && s.tree.Note(e.dir, number)
}

package ntfs

import (
	"bytes"
	"context"
	"io/fs"
	"math"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/internal/twin"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
)

// Same compares the volume with another version of it, an *FS, by the records
// of both $MFTs and the index blocks of their directories, which it reads in
// large pieces. The function that it returns reports for two entries of one
// name, one from a directory of each, whether file record, sequence number,
// size, times of modification and change, and USN are the same in both, and
// all that lies in it; for nil and nil it does so for the roots. It answers no
// where it does not know. It is nil when other is no version of this volume.
//
// The content of a file counts as the same while these are: see
// [layer.Unix.Stamped].
func (f *FS) Same(ctx context.Context, other any) (func(a, b fs.DirEntry) bool, error) {
	g, ok := other.(*FS)
	if !ok || !f.isVersionOf(g) {
		return nil, nil
	}
	s := &sameness{a: f, b: g, tree: twin.New()}
	if err := s.records(ctx); err != nil {
		return nil, err
	}
	if err := s.directories(ctx); err != nil {
		return nil, err
	}
	return twin.Entries(s.tree, recordRoot, func(x, y *dirent) (uint32, bool) {
		return uint32(x.ref.number()), x.fsys == f && y.fsys == g && x.ref == y.ref && s.agrees(x.ref, x.attributes) && s.agrees(y.ref, y.attributes)
	}), nil
}

// isVersionOf reports whether g is the same volume at another time. It may have
// grown.
func (f *FS) isVersionOf(g *FS) bool {
	x, y := f.geo, g.geo
	x.size, x.clusters, x.mft, x.mirror = y.size, y.clusters, y.mft, y.mirror
	return x == y && f.caseSensitive == g.caseSensitive
}

// A sameness is two versions of a volume, and what they are found to have in
// common.
type sameness struct {
	a, b      *FS
	tree      *twin.Tree
	indexed   twin.Set                // records in tree that are of directories, links among them
	sequences []*[sequencePage]uint16 // the sequence numbers of those in tree
	named     []namedRecord           // what directories name, and was not looked at yet
	parts     []twin.Part[indexPart]
}

// sequencePage is how many sequence numbers are kept together.
const sequencePage = 4096

// records compares the file records of both.
func (s *sameness) records(ctx context.Context) error {
	size := s.a.geo.recordSize
	perPart := uint64(twin.PartSize / size)
	bufA, bufB := make([]byte, twin.PartSize), make([]byte, twin.PartSize)
	usedA, usedB := s.a.recordBitmap(), s.b.recordBitmap()
	count := min(s.a.mft.records, s.b.mft.records, math.MaxUint32)
	for first := uint64(0); first < count; first += perPart {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(perPart, count-first)
		if isClear(usedA, first, n) || isClear(usedB, first, n) {
			continue // a walk will say whether the bitmap is right
		}
		partA, partB := bufA[:n*uint64(size)], bufB[:n*uint64(size)]
		if twin.Read(s.a.mft.reader, s.b.mft.reader, partA, partB, int64(first)*size) != nil {
			continue // what cannot be read is not the same
		}
		all := bytes.Equal(partA, partB)
		for i := range n {
			number := first + i
			if number < firstUserRecord && number != recordRoot {
				continue
			}
			a, b := partA[int64(i)*size:][:size:size], partB[int64(i)*size:][:size:size]
			s.record(number, a, b, all || bytes.Equal(a, b))
		}
	}
	return nil
}

// recordBitmap returns the content of $MFT's $BITMAP, which has a bit for each
// record, set when it is in use; nil when it cannot be told.
func (f *FS) recordBitmap() vnode.Content {
	x, err := f.file(recordMFT)
	if err != nil {
		return nil
	}
	a, err := x.find(attrBitmap, nil)
	if a == nil || err != nil {
		return nil
	}
	content, err := x.metadata(a)
	if err != nil {
		return nil
	}
	return content
}

// isClear reports whether none of n bits from first on is set. Both are
// multiples of 8, but for the last n.
func isClear(bitmap vnode.Content, first, n uint64) bool {
	if bitmap == nil {
		return false
	}
	off, length := int64(first/8), int64(n+7)/8
	if !ondisk.Within(off, length, bitmap.Size()) {
		return false
	}
	bits, err := ondisk.Read(bitmap, off, length)
	return err == nil && len(bytes.Trim(bits, "\x00")) == 0
}

// record compares one file record, whose fixups it applies; equal tells that
// the bytes of the two are. What is the same is added.
func (s *sameness) record(number uint64, rawA, rawB record, equal bool) {
	x, r := s.a.sameRecord(number, rawA)
	if r == nil {
		return
	}
	y := &file{fsys: s.b, ref: x.ref, base: x.base}
	equal = equal && x.isSelfContained(r)
	if !equal {
		var q *FileRecord
		if y, q = s.b.sameRecord(number, rawB); q == nil || !isSame(r, q) {
			return
		}
	}
	if !r.Unix().Stamped(r.Modified) {
		return // it must be looked at
	}
	if r.mode.IsDir() && !s.directory(x, y, equal) {
		return
	}
	if !r.mode.IsDir() {
		s.tree.AddFile(uint32(number))
	}
	if r.Attributes&AttributeDirectory != 0 {
		s.indexed.Add(uint32(number))
	}
	s.setSequence(uint32(number), r.Sequence)
}

// sameRecord decodes a file record, nil if that is not one in use and sound.
func (f *FS) sameRecord(number uint64, raw record) (*file, *FileRecord) {
	fixRecords(raw, f.geo.recordSize)
	if raw.check() != nil || !raw.inUse() || raw.baseRecord() != 0 {
		return nil, nil
	}
	x := &file{fsys: f, ref: fileRef(raw.sequenceNumber())<<48 | fileRef(number), base: raw}
	if x.loadList() != nil {
		return nil, nil
	}
	r, err := x.decode()
	if err != nil {
		return nil, nil
	}
	return x, r
}

// isSelfContained reports whether the record r was decoded from the bytes of
// its own file record alone.
func (x *file) isSelfContained(r *FileRecord) bool {
	if x.list != nil || r.ReparseTag != 0 || r.Attributes&AttributeSystem != 0 {
		return false
	}
	ea, err := x.inBase(attrEA, nil)
	return ea == nil && err == nil
}

// isSame reports whether two records of one number are the same file in the
// same state: see [layer.Unix].
func isSame(a, b *FileRecord) bool {
	return a.Sequence == b.Sequence && a.USN == b.USN && a.mode == b.mode && a.Length == b.Length &&
		a.Modified.Equal(b.Modified) && a.Changed.Equal(b.Changed) &&
		a.Attributes&AttributeDirectory == b.Attributes&AttributeDirectory
}

func (s *sameness) setSequence(number uint32, sequence uint16) {
	page := int(number / sequencePage)
	if page >= len(s.sequences) {
		s.sequences = append(s.sequences, make([]*[sequencePage]uint16, page+1-len(s.sequences))...)
	}
	if s.sequences[page] == nil {
		s.sequences[page] = new([sequencePage]uint16)
	}
	s.sequences[page][number%sequencePage] = sequence
}

// agrees reports whether an entry of a directory with that reference and those
// attributes is one of a record that is the same in both, and which it
// describes rightly. Of others a listing tells more.
func (s *sameness) agrees(ref fileRef, attributes uint32) bool {
	if ref.number() > math.MaxUint32 {
		return false
	}
	number := uint32(ref.number())
	page := int(number / sequencePage)
	if page >= len(s.sequences) || s.sequences[page] == nil {
		return false
	}
	if seq := ref.sequence(); seq != 0 && seq != s.sequences[page][number%sequencePage] {
		return false
	}
	return (attributes&attributeIndex != 0) == s.indexed.Has(number)
}

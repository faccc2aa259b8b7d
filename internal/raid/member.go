package raid

import (
	"cmp"
	"io"
	"math"
	"slices"

	"github.com/vmdkfs/vmdkfs/internal/extent"
)

// A Member is a part of an array. Byte 0 is the first of its data.
type Member struct {
	Name string // for errors: what it is, and why it is missing
	// Mapper tells where its bytes lie, and Reader reads them. Both are nil
	// when the member is missing.
	Mapper extent.Mapper
	Reader io.ReaderAt
	Size   int64 // in bytes
	// Synced is how many bytes, from the first on, are up to date: Size or
	// more for a good member, 0 for one that is not to be read.
	Synced int64
	// Bad are stretches that are not up to date, ordered and disjoint.
	Bad []Range
	// Last says that other copies are to be preferred: the member is
	// write-mostly.
	Last bool
}

// A Range is a stretch of a member, in bytes.
type Range struct{ Offset, Length int64 }

// usable reports whether anything of the member may be read.
func (m *Member) usable() bool { return m.Mapper != nil && m.Synced > 0 }

// readable reports whether the byte at off may be read, and how many bytes
// from there on this is so of.
func (m *Member) readable(off int64) (bool, int64) {
	if m.Mapper == nil || off >= m.Synced {
		return false, math.MaxInt64
	}
	n := m.Synced - off
	if len(m.Bad) == 0 {
		return true, n
	}
	i, found := slices.BinarySearchFunc(m.Bad, off, func(r Range, off int64) int { return cmp.Compare(r.Offset, off) })
	if !found && i > 0 && off-m.Bad[i-1].Offset < m.Bad[i-1].Length {
		i, found = i-1, true
	}
	switch {
	case found:
		return false, m.Bad[i].Length - (off - m.Bad[i].Offset)
	case i < len(m.Bad):
		n = min(n, m.Bad[i].Offset-off)
	}
	return true, n
}

// run returns the run of the array's n bytes at off, which are those of the
// member at physical, or of the first of them.
func (m *Member) run(physical, n, off int64) (extent.Run, error) {
	r, err := m.Mapper.Map(physical)
	if err != nil {
		return extent.Run{}, err
	}
	skip := physical - r.Offset
	r.Length = min(r.Length-skip, n)
	r.Physical += skip
	r.Offset = off
	return r, nil
}

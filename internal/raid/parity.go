package raid

import (
	"io"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/ondisk"
)

// A parityArray is the geometry of levels 4, 5 and 6.
type parityArray struct {
	striped
	members    []Member
	size       int64
	consistent func(off, n int64) bool
	derived    int // index of the source of what is rebuilt
}

// newStriped returns an array with parity.
func newStriped(c Config) (*Array, error) {
	g := &parityArray{striped: striped{c.Level, c.Layout, len(c.Members), c.Chunk}, members: c.Members, consistent: c.Consistent}
	if err := checkStriped(g.striped); err != nil {
		return nil, err
	}
	chunks, ok := ondisk.Mul(uint64(c.Size/c.Chunk), uint64(g.data()))
	if ok {
		g.size, ok = ondisk.Mul(uint64(chunks), uint64(c.Chunk))
	}
	if !ok {
		return nil, tooLarge(c)
	}
	away, whole := 0, true
	for i := range c.Members {
		m := &c.Members[i]
		if !m.usable() {
			away++
		}
		whole = whole && m.usable() && m.Synced >= c.Size && len(m.Bad) == 0
	}
	if away > c.Level.parity() {
		return nil, lacking(c.Members, func(m *Member) bool { return !m.usable() })
	}
	if !whole {
		g.derived = c.Derive(rebuilt{g})
	}
	return &Array{g, g.size}, nil
}

// Map returns the chunk on its member, or as a part of what is rebuilt, which
// is addressed as the array is.
func (g *parityArray) Map(off int64) (extent.Run, error) {
	at := g.locate(off / g.chunk)
	in := off % g.chunk
	physical, n := at.row*g.chunk+in, g.chunk-in
	m := &g.members[at.member]
	ok, same := m.readable(physical)
	n = min(n, same)
	if !ok {
		return extent.Run{Offset: off, Length: n, Source: g.derived, Physical: off}, nil
	}
	return m.run(physical, n, off)
}

// rebuilt reads the bytes of an array whose own members cannot be read. It has
// the array's offsets.
type rebuilt struct{ *parityArray }

func (r rebuilt) ReadAt(p []byte, off int64) (int, error) {
	w := &work{parityArray: r.parityArray}
	for done := 0; done < len(p); {
		if off >= r.size {
			return done, io.EOF
		}
		at := r.locate(off / r.chunk)
		in := off % r.chunk
		n := min(int64(len(p)-done), r.chunk-in, maxPiece)
		part, err := w.rebuild(p[done:][:n], at, at.row*r.chunk+in)
		if err != nil {
			return done, err
		}
		done += part
		off += int64(part)
	}
	return len(p), nil
}

package raid

import (
	"fmt"
	"math/bits"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A copier is the geometry of levels that hold every byte more than once.
type copier struct {
	members []Member
	copies  int
	// locate returns the place of copy c of the byte at off, and how many
	// bytes lie together from there on.
	locate func(off int64, c int) (member int, physical, n int64)
}

// Map returns the first copy that may be read, as md does: after a crash the
// copies may differ where a write was under way, and any of them is right.
// Members that are write-mostly come last.
func (g *copier) Map(off int64) (extent.Run, error) {
	end := int64(1<<63 - 1)
	for _, last := range []bool{false, true} {
		for c := range g.copies {
			i, physical, n := g.locate(off, c)
			m := &g.members[i]
			ok, same := m.readable(physical)
			end = min(end, n, same) // where an earlier copy may be readable again
			if ok && m.Last == last {
				return m.run(physical, end, off)
			}
		}
	}
	return extent.Run{}, lacking(g.members, func(m *Member) bool {
		for c := range g.copies {
			if i, _, _ := g.locate(off, c); m == &g.members[i] {
				return true
			}
		}
		return false
	})
}

// newRAID1 returns an array of mirrors.
func newRAID1(c Config) (*Array, error) {
	g := &copier{members: c.Members, copies: len(c.Members)}
	g.locate = func(off int64, copy int) (int, int64, int64) { return copy, off, c.Size - off }
	usable := false
	for i := range c.Members {
		usable = usable || c.Members[i].usable()
	}
	if !usable {
		return nil, lacking(c.Members, func(*Member) bool { return true })
	}
	return &Array{g, c.Size}, nil
}

// A raid10 is where raid10.c puts copies: near ones on the members that
// follow, far ones in a part of the members of their own, or one row below
// (offset).
type raid10 struct {
	disks, near, far int
	offset           bool
	set              int // members among which far copies go round
	chunk            int64
	stride           int64 // from one far copy to the next
}

// newRAID10 decodes the layout, as setup_geo in raid10.c does: near copies in
// the first byte, far ones in the second, then flags.
func newRAID10(c Config) (*Array, error) {
	const offset, sets = 1 << 16, 1 << 17
	n := len(c.Members)
	l := &raid10{disks: n, near: int(c.Layout & 0xff), far: int(c.Layout >> 8 & 0xff), offset: c.Layout&offset != 0, chunk: c.Chunk}
	if l.near == 0 || l.far == 0 || l.near*l.far > n || n < 2 {
		return nil, fmt.Errorf("raid10 of %d members with layout %#x: %w", n, uint32(c.Layout), layer.ErrCorrupt)
	}
	switch c.Layout / sets {
	case 0:
		l.set = n
	case 1:
		l.set = n / l.far
	case 2:
		l.set = l.far * l.near
	}
	if l.set == 0 || l.near > l.set || bits.Len32(uint32(c.Layout)) > 19 {
		return nil, fmt.Errorf("raid10 of %d members with layout %#x: %w", n, uint32(c.Layout), layer.ErrUnsupported)
	}
	// calc_sectors in raid10.c.
	rows := c.Size / c.Chunk / int64(l.far)
	total, ok := ondisk.Mul(uint64(rows), uint64(n))
	chunks := total / int64(l.near)
	size, ok2 := ondisk.Mul(uint64(chunks), uint64(c.Chunk))
	used, ok3 := ondisk.Mul(uint64(chunks), uint64(l.near*l.far))
	if !ok || !ok2 || !ok3 {
		return nil, tooLarge(c)
	}
	used = (used + int64(n) - 1) / int64(n)
	if l.stride = c.Chunk; !l.offset {
		l.stride = used / int64(l.far) * c.Chunk
	}
	g := &copier{members: c.Members, copies: l.near * l.far, locate: l.locate}
	for first := range int64(n) { // from there on the members repeat
		usable := false
		for copy := range g.copies {
			i, _, _ := l.locate(first*c.Chunk, copy)
			usable = usable || c.Members[i].usable()
		}
		if !usable {
			return nil, lacking(c.Members, func(m *Member) bool { return !m.usable() })
		}
	}
	return &Array{g, size}, nil
}

// locate is __raid10_find_phys in raid10.c, for one copy.
func (l *raid10) locate(off int64, copy int) (member int, physical, n int64) {
	index, in := off/l.chunk, off%l.chunk
	index *= int64(l.near)
	row, d := index/int64(l.disks), int(index%int64(l.disks))
	if l.offset {
		row *= int64(l.far)
	}
	near, far := copy/l.far, copy%l.far
	if d += near; d >= l.disks {
		d -= l.disks
		row++
	}
	physical = row*l.chunk + in
	// The last set takes in the members that are too few for one more.
	lastSet := (l.disks/l.set - 1) * l.set
	for range far {
		start, size := d/l.set*l.set, l.set
		if l.disks%l.set != 0 && d >= lastSet {
			start, size = lastSet, l.set+l.disks%l.set
		}
		d = start + (d-start+l.near)%size
		physical += l.stride
	}
	return d, physical, l.chunk - in
}

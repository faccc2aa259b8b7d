package raid

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A zone is a part of an array without redundancy: chunks that are dealt out
// to its members in turn.
type zone struct {
	start, end int64 // in the array
	members    []int
	physical   int64 // where it begins on each of them
}

// zones is the geometry of Linear, a zone for each member, and of RAID0.
type zones struct {
	list    []zone
	members []Member
	chunk   int64
	// original says that the member a zone begins with follows from the
	// chunks before it, not from its own ones only.
	original bool
}

func (g *zones) Map(off int64) (extent.Run, error) {
	i, found := slices.BinarySearchFunc(g.list, off, func(z zone, off int64) int { return cmp.Compare(z.start, off) })
	if !found {
		i--
	}
	if i < 0 || off >= g.list[i].end {
		return extent.Run{}, fmt.Errorf("no zone holds byte %d: %w", off, layer.ErrCorrupt)
	}
	z := &g.list[i]
	n, in := int64(len(z.members)), off-z.start
	if n == 1 {
		return g.on(z.members[0], z.physical+in, z.end-off, off)
	}
	index := in / g.chunk
	turn := index
	if g.original {
		turn = off / g.chunk
	}
	return g.on(z.members[turn%n], z.physical+index/n*g.chunk+in%g.chunk, g.chunk-in%g.chunk, off)
}

// on returns a run of a member that no other can stand in for.
func (g *zones) on(i int, physical, n, off int64) (extent.Run, error) {
	m := &g.members[i]
	ok, same := m.readable(physical)
	if !ok {
		return extent.Run{}, fmt.Errorf("member %d (%s) is bad at byte %d: %w", i, m.Name, physical, layer.ErrIncomplete)
	}
	return m.run(physical, min(n, same), off)
}

// add adds a zone of the members behind those that are there.
func (g *zones) add(members []int, physical, length int64) error {
	start := int64(0)
	if len(g.list) > 0 {
		start = g.list[len(g.list)-1].end
	}
	total, ok := ondisk.Mul(uint64(length), uint64(len(members)))
	if !ok || total > math.MaxInt64-start {
		return fmt.Errorf("members of %d bytes: %w", length, layer.ErrCorrupt)
	}
	if total > 0 {
		g.list = append(g.list, zone{start, start + total, members, physical})
	}
	return nil
}

func (g *zones) array() *Array {
	size := int64(0)
	if len(g.list) > 0 {
		size = g.list[len(g.list)-1].end
	}
	return &Array{g, size}
}

// complete returns an error when a member is missing.
func complete(members []Member) error {
	missing := func(m *Member) bool { return !m.usable() }
	for i := range members {
		if missing(&members[i]) {
			return lacking(members, missing)
		}
	}
	return nil
}

// newLinear returns the array of the members one behind the other, each cut to
// whole chunks where there are any (linear_conf in md-linear.c).
func newLinear(c Config) (*Array, error) {
	if err := complete(c.Members); err != nil {
		return nil, err
	}
	g := &zones{members: c.Members}
	for i, m := range c.Members {
		size := m.Size
		if c.Chunk > 0 {
			size -= size % c.Chunk
		}
		if err := g.add([]int{i}, 0, size); err != nil {
			return nil, err
		}
	}
	return g.array(), nil
}

// newRAID0 deals the chunks out to the members, as far as the smallest goes,
// then to those that are left, and so on (create_strip_zones in raid0.c).
func newRAID0(c Config) (*Array, error) {
	if err := complete(c.Members); err != nil {
		return nil, err
	}
	g := &zones{members: c.Members, chunk: c.Chunk, original: c.Layout == RAID0Original}
	for done := int64(0); ; {
		var members []int
		next := int64(math.MaxInt64)
		for i, m := range c.Members {
			if size := m.Size - m.Size%c.Chunk; size > done {
				members = append(members, i)
				next = min(next, size)
			}
		}
		if len(members) == 0 {
			break
		}
		if err := g.add(members, done, next-done); err != nil {
			return nil, err
		}
		done = next
	}
	if len(g.list) > 1 && c.Layout != RAID0Original && c.Layout != RAID0Alternate {
		return nil, fmt.Errorf("raid0 of unequal members with layout %d: %w", c.Layout, layer.ErrUnsupported)
	}
	return g.array(), nil
}

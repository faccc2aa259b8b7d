package cache

import "sync/atomic"

// A walk reads every inode once, and so most pieces once. Their memory is most
// of what a walk allocates: to clear it, to have the system give it, and to
// collect it again costs a third of the time of a listing. So the memory of a
// piece that is removed is used for another, if all who got it said how long
// they need it.

const (
	// maxSpare is how many pieces' memory is kept for others.
	maxSpare = 4
	// kept is added to piece.holds by who does not say how long the data is
	// needed. What is below it counts those that do.
	kept = int64(1) << 32
	// reused is the value of piece.holds when its memory is another's.
	reused = int64(-1)
)

// spoiling is set while caches are made that find who reads behind the end of
// a hold.
var spoiling atomic.Bool

// Spoil has caches that are made until the test ends forget a piece, and spoil
// its memory, as soon as nobody holds it.
func Spoil(t interface{ Cleanup(func()) }) {
	spoiling.Store(true)
	t.Cleanup(func() { spoiling.Store(false) })
}

func poison(p []byte) {
	for i := range p {
		p[i] = 0xDB
	}
}

// A Hold is of one piece at most, whose bytes stay as they are until it ends.
// The zero Hold is of none. A nil Hold never ends, and is of any number.
type Hold struct {
	cache *Cache
	piece *piece
}

// Release ends h, which may be used again.
func (h *Hold) Release() {
	if h == nil || h.piece == nil {
		return
	}
	c, p := h.cache, h.piece
	*h = Hold{}
	if p.holds.Add(-1); c.spoil {
		c.drop(p)
	}
}

// hold makes h a hold of p. It fails when the memory is another's already.
func (c *Cache) hold(p *piece, h *Hold) bool {
	more := int64(1)
	if h == nil {
		more = kept
	}
	for {
		n := p.holds.Load()
		switch {
		case n == reused:
			return false
		case h == nil && n >= kept:
			return true // nothing is written to memory that others read
		case !p.holds.CompareAndSwap(n, n+more):
			continue
		case h != nil:
			*h = Hold{c, p}
		}
		return true
	}
}

// reuse takes the memory of a piece that was removed, if nobody needs it; c.mu
// is held.
func (c *Cache) reuse(p *piece) {
	if p.holds.CompareAndSwap(0, reused) && p.data != nil && len(c.spare) < maxSpare {
		if c.spoil {
			poison(p.data)
		}
		c.spare = append(c.spare, p.data)
	}
}

// drop removes a piece that nobody holds.
func (c *Cache) drop(p *piece) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pieces[p.off] == p && p.holds.Load() == 0 {
		c.remove(p)
	}
}

// takeSpare returns n bytes of spare memory, nil if there is none that large
// and not much larger.
func (c *Cache) takeSpare(n int) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, s := range c.spare {
		if cap(s) >= n && cap(s)/2 <= n {
			c.spare[i] = c.spare[len(c.spare)-1]
			c.spare = c.spare[:len(c.spare)-1]
			return s[:n]
		}
	}
	return nil
}

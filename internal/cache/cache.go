// Package cache keeps pieces of a source that are read again and again, within
// a fixed number of bytes.
package cache

import (
	"io"
	"sync"
	"sync/atomic"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
)

// slotBits is the logarithm of how many pieces are found without a lock.
const slotBits = 8

// A Cache holds pieces of one source that were used lately. It may be used
// from any number of goroutines; a piece that several want at once is read
// once.
type Cache struct {
	source io.ReaderAt
	budget int64
	slots  [1 << slotBits]atomic.Pointer[piece] // loaded pieces, by a hash of their offsets

	mu     sync.Mutex
	pieces map[int64]*piece // by offset
	ring   piece            // head of all pieces, the one that was spared or made last first
	used   int64
	spare  [][]byte // memory of pieces that were removed
	spoil  bool     // and is spoiled at once; see Spoil
}

// A piece is a run of the source that was asked for as one.
type piece struct {
	next, prev *piece
	off        int64
	size       int
	again      atomic.Bool  // it was asked for since it was made or spared
	holds      atomic.Int64 // who needs data as it is; see hold.go
	load       sync.Once
	data       []byte
	err        error
}

// New returns an empty cache over source that keeps at most budget bytes, and
// the one piece that was asked for last.
func New(source io.ReaderAt, budget int64) *Cache {
	c := &Cache{source: source, budget: budget, pieces: make(map[int64]*piece), spoil: spoiling.Load()}
	c.ring.next, c.ring.prev = &c.ring, &c.ring
	return c
}

// Get returns the n bytes at off, which the caller must not change. Callers
// choose pieces that begin at the same offsets each time; a piece that is
// asked for with another length is read again. Failures are not kept.
func (c *Cache) Get(off int64, n int) ([]byte, error) { return c.GetFor(nil, off, n) }

// GetFor is Get for a caller that needs the bytes until it releases h, or gets
// others for it. A nil h is never released.
func (c *Cache) GetFor(h *Hold, off int64, n int) ([]byte, error) {
	h.Release()
	if p := c.slot(off).Load(); p != nil && p.off == off && p.size == n && c.hold(p, h) {
		p.touch()
		return p.data, nil
	}
	p := c.find(off, n, h)
	p.load.Do(func() { p.data, p.err = c.read(p) })
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pieces[off] == p { // still
		if p.err != nil {
			c.remove(p)
		} else {
			c.slot(off).Store(p)
		}
	}
	return p.data, p.err
}

// read returns the bytes of p, in spare memory if there is any.
func (c *Cache) read(p *piece) ([]byte, error) {
	buf := c.takeSpare(p.size)
	if buf == nil {
		return ondisk.Read(c.source, p.off, int64(p.size))
	}
	if err := ondisk.ReadFull(c.source, buf, p.off); err != nil {
		return nil, err
	}
	return buf, nil
}

// slot returns where the piece at off is found if it was the last one there.
func (c *Cache) slot(off int64) *atomic.Pointer[piece] {
	const golden = 0x9E3779B97F4A7C15 // 2^64 over the golden ratio: offsets are multiples of powers of two
	return &c.slots[uint64(off)*golden>>(64-slotBits)]
}

// touch remembers that p was asked for.
func (p *piece) touch() {
	if !p.again.Load() { // nothing is written to memory that others read
		p.again.Store(true)
	}
}

// find returns the piece at off, held, a new one if need be. Of those that there
// is no room for, one that was asked for again is spared once.
func (c *Cache) find(off int64, n int, h *Hold) *piece {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.pieces[off]
	if p != nil && p.size == n {
		p.touch()
		c.hold(p, h) // which does not fail for one that is in the map
		return p
	}
	if p != nil {
		c.remove(p)
	}
	p = &piece{off: off, size: n}
	c.hold(p, h)
	c.pieces[off] = p
	c.used += int64(n)
	p.linkAfter(&c.ring)
	for c.used > c.budget && c.ring.prev != c.ring.next {
		switch last := c.ring.prev; {
		case last == p || last.again.Swap(false):
			last.unlink()
			last.linkAfter(&c.ring)
		default:
			c.remove(last)
		}
	}
	return p
}

// remove takes p out of the map, the ring and its slot; c.mu is held.
func (c *Cache) remove(p *piece) {
	c.slot(p.off).CompareAndSwap(p, nil)
	delete(c.pieces, p.off)
	c.used -= int64(p.size)
	p.unlink()
	c.reuse(p)
}

func (p *piece) unlink() {
	p.prev.next, p.next.prev = p.next, p.prev
}

func (p *piece) linkAfter(head *piece) {
	p.next, p.prev = head.next, head
	head.next.prev = p
	head.next = p
}

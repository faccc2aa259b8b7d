// Package cache keeps pieces of a source that are read again and again, within
// a fixed number of bytes.
package cache

import (
	"io"
	"sync"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
)

// A Cache holds the most recently used pieces of one source. It may be used
// from any number of goroutines; a piece that several want at once is read
// once.
type Cache struct {
	source io.ReaderAt
	budget int64

	mu     sync.Mutex
	pieces map[int64]*piece // by offset
	recent piece            // head of the ring of loaded pieces, the most recently used first
	used   int64
}

// A piece is a run of the source that was asked for as one.
type piece struct {
	next, prev *piece
	off        int64
	size       int
	load       sync.Once
	data       []byte
	err        error
}

// New returns an empty cache over source that keeps at most budget bytes, and
// the one piece that was asked for last.
func New(source io.ReaderAt, budget int64) *Cache {
	c := &Cache{source: source, budget: budget, pieces: make(map[int64]*piece)}
	c.recent.next, c.recent.prev = &c.recent, &c.recent
	return c
}

// Get returns the n bytes at off, which the caller must not change. Callers
// choose pieces that begin at the same offsets each time; a piece that is
// asked for with another length is read again. Failures are not kept.
func (c *Cache) Get(off int64, n int) ([]byte, error) {
	p := c.find(off, n)
	p.load.Do(func() { p.data, p.err = ondisk.Read(c.source, p.off, int64(p.size)) })
	if p.err != nil {
		c.drop(p)
		return nil, p.err
	}
	return p.data, nil
}

// find returns the piece at off, a new one if need be, as the most recent.
func (c *Cache) find(off int64, n int) *piece {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.pieces[off]
	if p != nil && p.size == n {
		if c.recent.next != p {
			p.unlink()
			p.linkAfter(&c.recent)
		}
		return p
	}
	if p != nil {
		c.remove(p)
	}
	p = &piece{off: off, size: n}
	c.pieces[off] = p
	c.used += int64(n)
	p.linkAfter(&c.recent)
	for c.used > c.budget && c.recent.prev != p {
		c.remove(c.recent.prev)
	}
	return p
}

// drop forgets p, so that the next Get reads it again.
func (c *Cache) drop(p *piece) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pieces[p.off] == p {
		c.remove(p)
	}
}

// remove takes p out of the map and the ring; c.mu is held.
func (c *Cache) remove(p *piece) {
	delete(c.pieces, p.off)
	c.used -= int64(p.size)
	p.unlink()
}

func (p *piece) unlink() {
	p.prev.next, p.next.prev = p.next, p.prev
}

func (p *piece) linkAfter(head *piece) {
	p.next, p.prev = head.next, head
	head.next.prev = p
	head.next = p
}

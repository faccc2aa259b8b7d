package cache

import (
	"bytes"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// A source of 1000 bytes that counts its reads and can be broken.
type source struct {
	reads  atomic.Int64
	broken atomic.Bool
}

var errBroken = errors.New("broken")

func (s *source) ReadAt(p []byte, off int64) (int, error) {
	s.reads.Add(1)
	if s.broken.Load() {
		return 0, errBroken
	}
	return bytes.NewReader(make([]byte, 1000)).ReadAt(p, off)
}

func get(t *testing.T, c *Cache, off int64, n int) {
	t.Helper()
	data, err := c.Get(off, n)
	require.NoError(t, err)
	require.Len(t, data, n)
}

func TestBudget(t *testing.T) {
	s := new(source)
	c := New(s, 300)
	for off := int64(0); off < 300; off += 100 {
		get(t, c, off, 100)
	}
	get(t, c, 0, 100) // is asked for again
	require.EqualValues(t, 3, s.reads.Load())
	get(t, c, 300, 100) // pushes 100 out
	get(t, c, 0, 100)
	get(t, c, 200, 100)
	require.EqualValues(t, 4, s.reads.Load())
	get(t, c, 100, 100)
	require.EqualValues(t, 5, s.reads.Load())
	require.LessOrEqual(t, c.used, int64(300))
	get(t, c, 0, 900) // larger than all: kept alone, and read again as its length differs
	require.EqualValues(t, 6, s.reads.Load())
	require.Len(t, c.pieces, 1)
	get(t, c, 0, 900)
	require.EqualValues(t, 6, s.reads.Load())
}

// TestFailure: what could not be read once may be read again.
func TestFailure(t *testing.T) {
	s := new(source)
	c := New(s, 300)
	s.broken.Store(true)
	_, err := c.Get(0, 10)
	require.ErrorIs(t, err, errBroken)
	s.broken.Store(false)
	get(t, c, 0, 10)
	require.EqualValues(t, 10, c.used)
}

// TestOnce: a piece that many want at once is read once.
func TestOnce(t *testing.T) {
	s := new(source)
	c := New(s, 1000)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for off := int64(0); off < 1000; off += 100 {
				if _, err := c.Get(off, 100); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 10, s.reads.Load())
}

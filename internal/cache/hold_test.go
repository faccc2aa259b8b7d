package cache

import (
	"bytes"
	"io"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// pattern is a source without end whose bytes tell where they are.
type pattern struct{}

func (pattern) ReadAt(p []byte, off int64) (int, error) {
	for i := range p {
		p[i] = byte((off + int64(i)) / 100)
	}
	return len(p), nil
}

// TestHold: the memory of a piece goes to another when it has been removed and
// nobody needs it, and not before.
func TestHold(t *testing.T) {
	Spoil(t)
	c := New(pattern{}, 100) // one piece
	want := func(piece int64) []byte { return bytes.Repeat([]byte{byte(piece)}, 100) }
	at := func(h *Hold, piece int64) []byte {
		t.Helper()
		data, err := c.GetFor(h, 100*piece, 100)
		require.NoError(t, err)
		require.Equal(t, want(piece), data)
		return data
	}
	var h, other Hold
	first := at(&h, 1)
	second := at(&other, 2) // removes the first, which is held
	require.NotSame(t, &first[0], &second[0])
	require.Equal(t, want(1), first)
	h.Release()
	other.Release()
	at(&h, 3) // removes the second
	h.Release()
	require.Same(t, &second[0], &at(&h, 4)[0])
	h.Release()
	h.Release() // of none

	forever := at(nil, 5)
	for piece := int64(6); piece < 20; piece++ {
		at(&h, piece)
		h.Release()
	}
	require.Equal(t, want(5), forever)
	at(&h, 20)
	require.Equal(t, want(20), at(nil, 20)) // held twice, once for good
	h.Release()
	kept := at(nil, 20)
	for piece := int64(21); piece < 30; piece++ {
		at(&h, piece)
		h.Release()
	}
	require.Equal(t, want(20), kept)

	// Memory that is too small or much too large is left alone.
	data, err := c.GetFor(&h, 5000, 300)
	require.NoError(t, err)
	require.Len(t, data, 300)
	h.Release()
	small, err := c.GetFor(&h, 6000, 10)
	require.NoError(t, err)
	require.Len(t, small, 10)
	require.LessOrEqual(t, cap(small), 20)
	h.Release()
}

// A failing source fails every other time.
type failing struct{ n *int }

func (f failing) ReadAt(p []byte, off int64) (int, error) {
	if *f.n++; *f.n%2 == 0 {
		return 0, io.ErrClosedPipe
	}
	return pattern{}.ReadAt(p, off)
}

// TestHoldFailure: a failed read leaves no piece behind, and holds nothing that
// is read.
func TestHoldFailure(t *testing.T) {
	c := New(failing{new(int)}, 100)
	for off := int64(0); off < 5000; off += 100 {
		var h Hold
		data, err := c.GetFor(&h, off, 100)
		if err != nil {
			require.ErrorIs(t, err, io.ErrClosedPipe)
			h.Release()
			data, err = c.GetFor(&h, off, 100)
			require.NoError(t, err)
		}
		require.Equal(t, bytes.Repeat([]byte{byte(off / 100)}, 100), data)
		h.Release()
	}
}

// TestHoldsTogether: many goroutines, with and without an end of what they
// hold, read what the source has as long as they hold it.
func TestHoldsTogether(t *testing.T) {
	Spoil(t)
	c := New(pattern{}, 500)
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(n), 1))
			for range 20_000 {
				piece := r.Int64N(12)
				var h Hold
				hold := &h
				if r.IntN(50) == 0 {
					hold = nil
				}
				data, err := c.GetFor(hold, 100*piece, 100)
				if err != nil || data[0] != byte(piece) || data[99] != byte(piece) {
					t.Errorf("piece %d: %d, %v", piece, data[0], err)
					return
				}
				hold.Release()
			}
		})
	}
	wg.Wait()
}

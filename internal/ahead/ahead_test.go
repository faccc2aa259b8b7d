package ahead

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

var errBroken = errors.New("broken")

// A source cannot be read from the byte broken on, where that is not 0.
type source struct {
	data    []byte
	broken  int64
	reading atomic.Int64
}

func (s *source) ReadAt(p []byte, off int64) (int, error) {
	s.reading.Add(1)
	defer s.reading.Add(-1)
	if s.broken == 0 || off+int64(len(p)) <= s.broken {
		return bytes.NewReader(s.data).ReadAt(p, off)
	}
	return copy(p, s.data[min(off, s.broken):s.broken]), errBroken
}

func newSource(n int) *source {
	s := &source{data: make([]byte, n)}
	for i := range s.data {
		s.data[i] = byte(i % 251)
	}
	return s
}

func list(extents ...layer.Extent) iter.Seq2[layer.Extent, error] {
	return func(yield func(layer.Extent, error) bool) {
		for _, e := range extents {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// covered reads and puts every piece where it belongs in n bytes of '.'.
func covered(t *testing.T, n int, read func(use func(p []byte, off int64) error) error) ([]byte, error) {
	got := bytes.Repeat([]byte{'.'}, n)
	last := int64(0)
	err := read(func(p []byte, off int64) error {
		require.GreaterOrEqual(t, off, last)
		last = off + int64(len(p))
		require.Equal(t, len(p), copy(got[off:], p))
		return nil
	})
	return got, err
}

func TestRead(t *testing.T) {
	s := newSource(1000)
	extents := list(layer.Extent{Offset: 0, Length: 7}, layer.Extent{Offset: 10, Length: 300}, layer.Extent{Offset: 990, Length: 10})
	want := slices.Concat(s.data[:7], []byte("..."), s.data[10:310], bytes.Repeat([]byte{'.'}, 680), s.data[990:])
	for _, size := range []int{1, 7, 64, 4096} {
		got, err := covered(t, 1000, func(use func([]byte, int64) error) error { return Read(s, extents, size, use) })
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

// TestFailures: all that can be read before a failure is used, and the
// failure's own error is returned.
func TestFailures(t *testing.T) {
	for _, size := range []int{1, 50, 100, 4096} {
		s := newSource(1000)
		s.broken = 333
		want := slices.Concat(s.data[:333], bytes.Repeat([]byte{'.'}, 667))
		for _, read := range []func(use func([]byte, int64) error) error{
			func(use func([]byte, int64) error) error {
				return Read(s, list(layer.Extent{Length: 1000}), size, use)
			},
			func(use func([]byte, int64) error) error { return Part(s, 0, 1000, size, use) },
		} {
			got, err := covered(t, 1000, read)
			require.Equal(t, errBroken, err)
			require.Equal(t, want, got)
		}
		// The file is shorter than it said.
		short := newSource(333)
		got, err := covered(t, 1000, func(use func([]byte, int64) error) error { return Part(short, 0, 1000, size, use) })
		require.Equal(t, io.ErrUnexpectedEOF, err)
		require.Equal(t, want, got)
		// The extents are not known.
		got, err = covered(t, 1000, func(use func([]byte, int64) error) error {
			return Read(newSource(1000), func(yield func(layer.Extent, error) bool) {
				if yield(layer.Extent{Length: 333}, nil) {
					yield(layer.Extent{}, errBroken)
				}
			}, size, use)
		})
		require.Equal(t, errBroken, err)
		require.Equal(t, want, got)
	}
}

// TestStop: when use fails, nothing is read any more once Read has returned.
func TestStop(t *testing.T) {
	for after := range 5 {
		s, calls := newSource(1<<20), 0
		err := Read(s, list(layer.Extent{Length: 1 << 20}), 100, func(p []byte, off int64) error {
			require.EqualValues(t, calls*100, off)
			if calls++; calls > after {
				return errBroken
			}
			return nil
		})
		require.Equal(t, errBroken, err)
		require.Equal(t, after+1, calls)
		require.Zero(t, s.reading.Load())
	}
	require.Equal(t, errBroken, Part(newSource(10), 0, 10, 100, func([]byte, int64) error { return errBroken }))
	require.NoError(t, Part(newSource(10), 10, 10, 100, func([]byte, int64) error { return errBroken }))
}

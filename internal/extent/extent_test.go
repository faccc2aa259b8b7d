package extent

import (
	"bytes"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A counter counts the reads of its source.
type counter struct {
	io.ReaderAt
	reads int
}

func (c *counter) ReadAt(p []byte, off int64) (int, error) {
	c.reads++
	return c.ReaderAt.ReadAt(p, off)
}

func pattern(n int, seed byte) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)*7 + seed
	}
	return b
}

func TestNewListErrors(t *testing.T) {
	for _, c := range []struct {
		runs []Run
		text string
	}{
		{[]Run{{0, 0, 0, 0}}, "length 0"},
		{[]Run{{0, -5, 0, 0}}, "length -5"},
		{[]Run{{-1, 5, 0, 0}}, "overflows"},
		{[]Run{{math.MaxInt64 - 2, 5, Hole, 0}}, "overflows"},
		{[]Run{{0, 5, 0, 96}}, "outside the 100 bytes"},
		{[]Run{{0, 5, 0, -1}}, "outside"},
		{[]Run{{0, 5, 0, math.MaxInt64 - 1}}, "outside"},
		{[]Run{{0, 5, 1, 0}}, "names source 1 of 1"},
		{[]Run{{0, 5, -2, 0}}, "names source -2"},
		{[]Run{{0, 5, 0, 0}, {4, 5, 0, 10}}, "overlap"},
	} {
		_, err := NewList(c.runs, 100)
		require.ErrorContains(t, err, c.text)
	}
}

func TestReader(t *testing.T) {
	a, b := &counter{ReaderAt: bytes.NewReader(pattern(100, 1))}, &counter{ReaderAt: bytes.NewReader(pattern(100, 2))}
	list, err := NewList([]Run{
		{Offset: 30, Length: 10, Source: 1, Physical: 50},
		{Offset: 0, Length: 10, Source: 0, Physical: 20},
		{Offset: 10, Length: 10, Source: 0, Physical: 30}, // continues the one before: one read
		{Offset: 40, Length: 5, Source: Hole},
		{Offset: 45, Length: 5, Source: 0, Physical: 0},
	}, 100, 100)
	require.NoError(t, err)
	r := NewReader(list, 60, a, b)
	want := make([]byte, 60)
	copy(want, pattern(100, 1)[20:40])
	copy(want[30:], pattern(100, 2)[50:60])
	copy(want[45:], pattern(100, 1)[:5])

	got := bytes.Repeat([]byte{0xEE}, 60)
	n, err := r.ReadAt(got, 0)
	require.NoError(t, err)
	require.Equal(t, 60, n)
	require.Equal(t, want, got)
	require.Equal(t, 2, a.reads) // 0-20 at once, and 45-50
	require.Equal(t, 1, b.reads)

	for from := int64(0); from < 60; from++ {
		for to := from; to <= 60; to++ {
			part := make([]byte, to-from)
			_, err := r.ReadAt(part, from)
			require.NoError(t, err)
			require.Equal(t, want[from:to], part)
		}
	}
	n, err = r.ReadAt(make([]byte, 20), 50)
	require.Equal(t, 10, n)
	require.Equal(t, io.EOF, err)
	_, err = r.ReadAt(make([]byte, 1), 60)
	require.Equal(t, io.EOF, err)
	_, err = r.ReadAt(make([]byte, 1), -1)
	require.Error(t, err)
	require.EqualValues(t, 60, r.Size())

	var extents []layer.Extent
	for e, err := range r.Extents() {
		require.NoError(t, err)
		extents = append(extents, e)
	}
	require.Equal(t, []layer.Extent{{Offset: 0, Length: 20, Source: 0, Physical: 20}, {Offset: 30, Length: 10, Source: 1, Physical: 50},
		{Offset: 45, Length: 5, Source: 0, Physical: 0}}, extents)
	for range r.Extents() {
		break // a caller may stop
	}
}

// TestDerived: what is worked out is read as anything else, and lies nowhere.
func TestDerived(t *testing.T) {
	list, err := NewList([]Run{{0, 10, 0, 5}, {10, 10, 1, 20}, {20, 10, 1, 30}}, 100, 100)
	require.NoError(t, err)
	worked := pattern(100, 2)
	r := NewReader(list, 30, bytes.NewReader(pattern(100, 1)), Derived{bytes.NewReader(worked), 0})
	got := make([]byte, 30)
	_, err = r.ReadAt(got, 0)
	require.NoError(t, err)
	require.Equal(t, append(pattern(100, 1)[5:15:15], worked[20:40]...), got)

	var extents []layer.Extent
	for x, err := range r.Extents() {
		require.NoError(t, err)
		extents = append(extents, x)
	}
	require.Equal(t, []layer.Extent{{Offset: 0, Length: 10, Physical: 5}, {Offset: 10, Length: 20, Physical: -1}}, extents)
}

// TestShortSource: a source that ends inside a run is an error, never zeros.
func TestShortSource(t *testing.T) {
	list, err := NewList([]Run{{0, 50, 0, 0}}, 100)
	require.NoError(t, err)
	_, err = NewReader(list, 50, bytes.NewReader(make([]byte, 49))).ReadAt(make([]byte, 50), 0)
	require.Equal(t, io.ErrUnexpectedEOF, err)
}

// A liar is a mapper whose answer is not about the question.
type liar struct {
	run Run
	err error
}

func (l liar) Map(int64) (Run, error) { return l.run, l.err }

func TestBadMapper(t *testing.T) {
	broken := errors.New("no map")
	for _, l := range []liar{
		{Run{Offset: 0, Length: 5, Source: Hole}, nil},
		{Run{Offset: 20, Length: 5, Source: Hole}, nil},
		{Run{Offset: 10, Length: 0, Source: Hole}, nil},
		{Run{Offset: 10, Length: 5, Source: 3}, nil},
		{Run{Offset: 10, Length: 5, Source: -2}, nil},
		{Run{}, broken},
	} {
		r := NewReader(l, 100, bytes.NewReader(nil))
		_, err := r.ReadAt(make([]byte, 5), 10)
		require.Error(t, err)
		require.Equal(t, l.err != nil, errors.Is(err, broken))
		for _, err := range NewReader(l, 9, bytes.NewReader(nil)).Extents() {
			if l.err != nil {
				require.ErrorIs(t, err, broken)
			}
		}
	}
}

// TestRandomLists compares with a file laid out by hand.
func TestRandomLists(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	source := pattern(5000, 9)
	for range 200 {
		var runs []Run
		want := make([]byte, 0, 2000)
		for len(want) < 1500 {
			n := 1 + rnd.IntN(50)
			if rnd.IntN(3) == 0 {
				want = append(want, make([]byte, n)...)
				continue
			}
			at := rnd.IntN(len(source) - n)
			runs = append(runs, Run{int64(len(want)), int64(n), 0, int64(at)})
			want = append(want, source[at:at+n]...)
		}
		rnd.Shuffle(len(runs), func(i, j int) { runs[i], runs[j] = runs[j], runs[i] })
		list, err := NewList(runs, int64(len(source)))
		require.NoError(t, err)
		got := make([]byte, len(want))
		_, err = NewReader(list, int64(len(want)), bytes.NewReader(source)).ReadAt(got, 0)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

// BenchmarkMap looks up random bytes in a list of 10,000 runs.
func BenchmarkMap(b *testing.B) {
	runs := make([]Run, 10000)
	for i := range runs {
		runs[i] = Run{int64(i) * 100, 100, 0, int64(i%2) * 500000}
	}
	list, err := NewList(runs, 1<<20)
	require.NoError(b, err)
	rnd := rand.New(rand.NewPCG(1, 2))
	for b.Loop() {
		if _, err := list.Map(rnd.Int64N(1000000)); err != nil {
			b.Fatal(err)
		}
	}
}

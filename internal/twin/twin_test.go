package twin

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSet(t *testing.T) {
	var s Set
	numbers := []uint32{0, 1, 63, 64, 4095, 4096, 1 << 20, math.MaxUint32}
	for i, n := range numbers {
		require.False(t, s.Has(n))
		s.Remove(n)
		s.Add(n)
		for j, m := range numbers {
			require.Equal(t, j <= i, s.Has(m), "%d after %d", m, n)
		}
	}
	s.Remove(64)
	require.False(t, s.Has(64))
	require.True(t, s.Has(63))
}

// TestTree: what differs in a directory does so in those above it, and nowhere
// else.
func TestTree(t *testing.T) {
	const root, a, b, c, d, file, other, loopA, loopB = 1, 2, 3, 4, 5, 6, 7, 8, 9
	build := func() *Tree {
		tree := New()
		for _, dir := range []uint32{root, a, b, c, d, loopA, loopB} {
			tree.AddDir(dir)
		}
		tree.AddFile(file)
		for _, e := range [][2]uint32{{root, a}, {a, b}, {root, c}, {c, d}, {b, file}, {loopA, loopB}, {loopB, loopA}} {
			require.True(t, tree.Note(e[0], e[1]))
		}
		return tree
	}
	same := func(tree *Tree) (list []uint32) {
		tree.Settle()
		for _, n := range []uint32{root, a, b, c, d} {
			if tree.Same(n, true) {
				list = append(list, n)
			}
			require.True(t, tree.Same(n, false), "the directory itself")
		}
		return list
	}
	tree := build()
	require.True(t, tree.IsDir(a))
	require.False(t, tree.IsDir(file))
	require.Equal(t, []uint32{root, a, b, c, d}, same(tree))
	require.True(t, tree.Same(file, false))
	require.False(t, tree.Same(file, true), "no directory")
	require.False(t, tree.Same(other, false))

	tree = build()
	require.False(t, tree.Note(b, other))
	tree.MarkDirty(b)
	require.Equal(t, []uint32{c, d}, same(tree))

	tree = build()
	require.False(t, tree.Note(c, b), "a directory with two names")
	tree.MarkDirty(c) // as who notes it does
	require.Equal(t, []uint32{b, d}, same(tree))

	tree = build()
	tree.MarkDirty(loopA)
	require.Equal(t, []uint32{root, a, b, c, d}, same(tree))
	require.False(t, tree.Same(loopB, true))
}

// A spotted reader cannot read one byte, and counts its reads.
type spotted struct {
	io.ReaderAt
	bad   int64
	reads int
}

var errSpot = errors.New("bad spot")

func (s *spotted) ReadAt(p []byte, off int64) (int, error) {
	s.reads++
	if off <= s.bad && s.bad < off+int64(len(p)) {
		return 0, errSpot
	}
	return s.ReaderAt.ReadAt(p, off)
}

func TestCompare(t *testing.T) {
	data := make([]byte, 4<<20)
	for i := range data {
		data[i] = byte(i >> 10)
	}
	second := bytes.Clone(data)
	second[5000]++
	parts := []Part[string]{
		{3 << 20, 4096, "far"}, {8192, 4096, "b"}, {4096, 4096, "a"}, {4096, 4096, "a again"}, {2 << 20, PartSize, "large"}, {70000, 1024, "near"},
	}
	look := func(bad int64) (map[string]string, int) {
		a, b := &spotted{ReaderAt: bytes.NewReader(data), bad: -1}, &spotted{ReaderAt: bytes.NewReader(second), bad: bad}
		found := make(map[string]string)
		require.NoError(t, Compare(t.Context(), a, b, parts, func(p Part[string], x, y []byte) {
			switch {
			case x == nil:
				found[p.Owner] = "unread"
			case bytes.Equal(x, y):
				found[p.Owner] = "same"
				require.Equal(t, data[p.Off:][:p.Length], x)
			default:
				found[p.Owner] = "differs"
			}
			clear(x) // it may be changed
			clear(y)
		}))
		require.Equal(t, a.reads, b.reads)
		return found, a.reads
	}
	found, reads := look(-1)
	require.Equal(t, map[string]string{"far": "same", "a": "differs", "a again": "differs", "b": "same", "large": "same", "near": "same"}, found)
	require.Equal(t, 4, reads)
	found, _ = look(2<<20 + 5)
	require.Equal(t, "unread", found["large"])
	require.Equal(t, "same", found["far"])

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, Compare(ctx, bytes.NewReader(data), bytes.NewReader(data), parts, nil), context.Canceled)
}

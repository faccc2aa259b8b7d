package ntfs

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/compress/lznt1"
	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

const testUnit = 64 << 10

// A counter counts reads, and fails from one of them on.
type counter struct {
	io.ReaderAt
	reads, failAt int
}

var errBroken = errors.New("broken")

func (c *counter) ReadAt(p []byte, off int64) (int, error) {
	if c.reads++; c.failAt > 0 && c.reads >= c.failAt {
		return 0, errBroken
	}
	return c.ReaderAt.ReadAt(p, off)
}

// packedUnits returns a stream of units of all kinds, with what it holds: each
// unit that ntfs-3g wrote, then a hole and a raw one.
func packedUnits(tb testing.TB) (runs []extent.Run, source, plain []byte) {
	tb.Helper()
	add := func(stored, content []byte) {
		off := int64(len(plain))
		if len(stored) > 0 {
			runs = append(runs, extent.Run{Offset: off, Length: int64(len(stored)), Physical: int64(len(source))})
		}
		source, plain = append(source, stored...), append(plain, content...)
	}
	for i, c := range testimg.Chunks(tb, "lznt1") {
		content := make([]byte, c.Size)
		n, err := lznt1.Decode(content, c.Data)
		require.NoError(tb, err)
		c.Check(tb, content[:n])
		add(c.Data, content)
		raw := bytes.Repeat([]byte{byte('a' + i)}, testUnit)
		if i%2 == 0 {
			add(nil, make([]byte, testUnit))
		} else {
			add(raw, raw)
			add(raw, raw)
		}
		add(c.Data, content)
		add(c.Data, content)
	}
	return runs, source, plain
}

func newPacked(tb testing.TB, initialized int64) (vnode.Content, []byte, *counter) {
	tb.Helper()
	runs, source, plain := packedUnits(tb)
	list, err := extent.NewList(runs, int64(len(source)))
	require.NoError(tb, err)
	size := int64(len(plain)) - 777
	plain = plain[:size]
	if initialized < 0 {
		initialized = size
	}
	clear(plain[initialized:])
	c := &counter{ReaderAt: bytes.NewReader(source)}
	return newCompressed(list, c, testUnit, size, initialized, "test", new(scratch)), plain, c
}

// TestCompressed reads a stream whole, and in pieces of many sizes.
func TestCompressed(t *testing.T) {
	whole, plain, _ := newPacked(t, -1)
	for _, initialized := range []int64{-1, 0, 1, testUnit, 5*testUnit + 12345, whole.Size() - 1} {
		c, plain, _ := newPacked(t, initialized)
		checkContent(t, c, plain)
	}
	require.Equal(t, int64(len(plain)), whole.Size())
}

// checkContent compares a content with what it must hold, in reads of all
// kinds, and its extents.
func checkContent(t *testing.T, c vnode.Content, plain []byte) {
	t.Helper()
	got := make([]byte, len(plain)+9)
	n, err := c.ReadAt(got, 0)
	require.Equal(t, io.EOF, err)
	require.True(t, bytes.Equal(plain, got[:n]))
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		off := rnd.IntN(len(plain))
		size := 1 + rnd.IntN(min(len(plain)-off, 1<<rnd.IntN(20)))
		n, err := c.ReadAt(got[:size], int64(off))
		require.NoError(t, err)
		require.True(t, bytes.Equal(plain[off:off+size], got[:n]), "%d bytes at %d", size, off)
	}
	_, err = c.ReadAt(got, c.Size())
	require.Equal(t, io.EOF, err)
	_, err = c.ReadAt(got, -1)
	require.Error(t, err)
	end := int64(0)
	for x, err := range c.Extents() {
		require.NoError(t, err)
		require.True(t, x.Length > 0 && x.Offset >= end, "%+v behind %d", x, end)
		require.True(t, allZero(plain[end:x.Offset]), "hole before %+v", x)
		end = x.Offset + x.Length
	}
	require.True(t, allZero(plain[end:]))
}

func allZero(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }

// TestCompressedExtents has units of all kinds with their places.
func TestCompressedExtents(t *testing.T) {
	list, err := extent.NewList([]extent.Run{
		{Offset: 0, Length: 4096, Physical: 100 << 10},
		{Offset: testUnit, Length: 8192, Physical: 200 << 10},
		{Offset: 3 * testUnit, Length: testUnit, Physical: 300 << 10},
		{Offset: 4 * testUnit, Length: testUnit, Physical: 300<<10 + testUnit},
	}, 1<<20)
	require.NoError(t, err)
	c := newCompressed(list, nil, testUnit, 5*testUnit-100, 5*testUnit-200, "test", new(scratch))
	var got []layer.Extent
	for x, err := range c.Extents() {
		require.NoError(t, err)
		got = append(got, x)
	}
	require.Equal(t, []layer.Extent{
		{Offset: 0, Length: 2 * testUnit, Physical: -1},
		{Offset: 3 * testUnit, Length: 2*testUnit - 200, Physical: 300 << 10},
	}, got)
}

// TestCompressedReads counts the reads of the source: neighbours are one.
func TestCompressedReads(t *testing.T) {
	c, plain, n := newPacked(t, -1)
	buf := make([]byte, len(plain))
	_, err := c.ReadAt(buf, 0)
	require.NoError(t, err)
	require.LessOrEqual(t, n.reads, 3*len(testimg.Chunks(t, "lznt1")))
	n.reads = 0
	for off := range 64 { // a small reader decodes each unit once
		_, err := c.ReadAt(buf[:1024], int64(off*1024))
		require.NoError(t, err)
	}
	require.Equal(t, 1, n.reads)
}

// TestCompressedDamage finds units that are damaged, and failures of the
// source, and reads the others.
func TestCompressedDamage(t *testing.T) {
	c, plain, n := newPacked(t, -1)
	n.failAt = 1
	_, err := c.ReadAt(make([]byte, 10), 0)
	require.ErrorIs(t, err, errBroken)
	require.NotErrorIs(t, err, layer.ErrCorrupt)

	runs, source, _ := packedUnits(t)
	source[0] ^= 0x70 // the signature of the first chunk
	list, err := extent.NewList(runs, int64(len(source)))
	require.NoError(t, err)
	c = newCompressed(list, bytes.NewReader(source), testUnit, int64(len(plain)), int64(len(plain)), "test", new(scratch))
	_, err = c.ReadAt(make([]byte, len(plain)), 0)
	require.ErrorIs(t, err, layer.ErrCorrupt)
	got := make([]byte, testUnit)
	_, err = c.ReadAt(got, 2*testUnit)
	require.NoError(t, err)
	require.True(t, bytes.Equal(plain[2*testUnit:3*testUnit], got))

	for name, runs := range map[string][]extent.Run{
		"hole before clusters": {{Offset: 4096, Length: 4096}},
		"nothing in clusters":  {{Offset: 0, Length: 4096, Physical: 8192}},
	} {
		list, err := extent.NewList(runs, 1<<20)
		require.NoError(t, err)
		c := newCompressed(list, bytes.NewReader(make([]byte, 1<<20)), testUnit, 100, 100, "test", new(scratch))
		_, err = c.ReadAt(got[:100], 0)
		require.ErrorIs(t, err, layer.ErrCorrupt, name)
	}
	c = newCompressed(brokenMap{}, nil, testUnit, 100, 100, "test", new(scratch))
	_, err = c.ReadAt(got[:100], 0)
	require.ErrorIs(t, err, errBroken)
	for _, err = range c.Extents() {
		break
	}
	require.ErrorIs(t, err, errBroken)
}

// TestShortUnit: behind the last chunk of a unit there are zeros, whether the
// unit's clusters end there or a mark does, and whatever the buffer held.
func TestShortUnit(t *testing.T) {
	chunk := []byte("\x03\xb0\x02a\x04\x00") // eight times "a"
	stored := append(binary.LittleEndian.AppendUint16(nil, 0x3000|4095), bytes.Repeat([]byte("s"), 4096)...)
	full := append(slices.Concat(stored, stored)[:8190:8190], 0, 0) // the second of them is cut
	binary.LittleEndian.PutUint16(full[4098:], 0x3000|(8192-4100-1))
	for name, c := range map[string]struct {
		clusters []byte
		want     string
	}{
		"mark": {append(bytes.Clone(chunk), make([]byte, 4096-len(chunk))...), "aaaaaaaa"},
		"end":  {full, strings.Repeat("s", 4096) + strings.Repeat("s", 8190-4100) + "\x00\x00"},
	} {
		list, err := extent.NewList([]extent.Run{{Offset: 0, Length: int64(len(c.clusters))}}, int64(len(c.clusters)))
		require.NoError(t, err)
		got := bytes.Repeat([]byte("x"), testUnit)
		_, err = newCompressed(list, bytes.NewReader(c.clusters), testUnit, testUnit, testUnit, "test", new(scratch)).ReadAt(got, 0)
		require.NoError(t, err, name)
		require.Equal(t, c.want, string(got[:len(c.want)]), name)
		require.Equal(t, make([]byte, testUnit-len(c.want)), got[len(c.want):], name)
	}
}

type brokenMap struct{}

func (brokenMap) Map(int64) (extent.Run, error) { return extent.Run{}, errBroken }

func BenchmarkCompressed(b *testing.B) {
	c, plain, _ := newPacked(b, -1)
	buf := make([]byte, len(plain))
	b.SetBytes(int64(len(plain)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.ReadAt(buf, 0); err != nil {
			b.Fatal(err)
		}
	}
}

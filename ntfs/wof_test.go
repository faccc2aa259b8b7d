package ntfs

import (
	"bytes"
	"encoding/binary"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/compress/lzx"
	"github.com/vmdkfs/vmdkfs/internal/compress/xpress"
	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
)

var wofFormats = map[uint32]string{wofXpress4K: "xpress4k", wofLZX: "lzx", wofXpress8K: "xpress8k", wofXpress16K: "xpress16k"}

// wofStreamOf returns a stream of all whole chunks that wimlib made for an
// algorithm, of one that is stored and of a tail, with what it holds.
func wofStreamOf(tb testing.TB, algorithm uint32) (stream, plain []byte) {
	tb.Helper()
	size := int(wofChunkSize[algorithm])
	var table, data []byte
	add := func(stored, content []byte) {
		data, plain = append(data, stored...), append(plain, content...)
		table = binary.LittleEndian.AppendUint32(table, uint32(len(data)))
	}
	var d interface {
		Decode(dst, src []byte) (int, error)
	} = new(xpress.Decoder)
	if algorithm == wofLZX {
		d = new(lzx.Decoder)
	}
	stored := bytes.Repeat([]byte("stored, "), size/8)
	for _, c := range testimg.Chunks(tb, wofFormats[algorithm]) {
		if c.Size == size {
			content := make([]byte, size)
			_, err := d.Decode(content, c.Data)
			require.NoError(tb, err)
			c.Check(tb, content)
			add(c.Data, content)
			add(stored, stored)
			add(c.Data, content)
		}
	}
	add([]byte("tail"), []byte("tail"))
	return append(table[:len(table)-4], data...), plain
}

func TestWOF(t *testing.T) {
	for algorithm, name := range wofFormats {
		stream, plain := wofStreamOf(t, algorithm)
		c, err := newWOF(bytes.NewReader(stream), int64(len(stream)), algorithm, int64(len(plain)), "test", new(scratch))
		require.NoError(t, err, name)
		checkContent(t, c, plain)

		n := &counter{ReaderAt: bytes.NewReader(stream)}
		c, err = newWOF(n, int64(len(stream)), algorithm, int64(len(plain)), "test", new(scratch))
		require.NoError(t, err)
		buf := make([]byte, 1)
		for off := range wofChunkSize[algorithm] {
			_, err := c.ReadAt(buf, off)
			require.NoError(t, err)
		}
		require.Equal(t, 2, n.reads, "the table, and one chunk once")
	}
}

// A repeated stream has the same chunk over and over behind a table that is
// worked out.
type repeated struct {
	chunk  []byte
	chunks int64
	entry  int64 // bytes of an offset in the table
}

func (r repeated) ReadAt(p []byte, off int64) (int, error) {
	table := (r.chunks - 1) * r.entry
	for i := range p {
		if at := off + int64(i); at < table {
			var entry [8]byte
			binary.LittleEndian.PutUint64(entry[:], uint64(at/r.entry+1)*uint64(len(r.chunk)))
			p[i] = entry[at%r.entry]
		} else {
			p[i] = r.chunk[(at-table)%int64(len(r.chunk))]
		}
	}
	return len(p), nil
}

// TestWOFBig has a table of 64-bit offsets for each algorithm, as a file of more
// than 4 GiB less a byte has, and reads little of it. One chunk less, and they
// have 32 bits.
func TestWOFBig(t *testing.T) {
	for algorithm, name := range wofFormats {
		t.Run(name, func(t *testing.T) {
			size := wofChunkSize[algorithm]
			var chunk testimg.Chunk
			for _, c := range testimg.Chunks(t, name) {
				if int64(c.Size) == size && strings.HasPrefix(c.Name, "text ") {
					chunk = c
				}
			}
			content := make([]byte, size)
			var d interface {
				Decode(dst, src []byte) (int, error)
			} = new(xpress.Decoder)
			if algorithm == wofLZX {
				d = new(lzx.Decoder)
			}
			_, err := d.Decode(content, chunk.Data)
			require.NoError(t, err)
			for entry, chunks := range map[int64]int64{4: 1<<32/size - 1, 8: 1 << 32 / size, 9: 6 << 30 / size} {
				entry = min(entry, 8)
				r := repeated{chunk.Data, chunks, entry}
				n := &counter{ReaderAt: r}
				c, err := newWOF(n, (chunks-1)*entry+chunks*int64(len(r.chunk)), algorithm, chunks*size, "test", new(scratch))
				require.NoError(t, err)
				got := make([]byte, 3000)
				for _, i := range []int64{0, 1, 65536, 131070, chunks - 1} {
					_, err = c.ReadAt(got, i*size+1034)
					require.NoError(t, err)
					require.True(t, bytes.Equal(content[1034:4034], got), "chunk %d of %d", i, chunks)
				}
				require.LessOrEqual(t, n.reads, 15)
			}
		})
	}
}

func TestWOFDamage(t *testing.T) {
	stream, plain := wofStreamOf(t, wofLZX)
	open := func(stream []byte, size int64) error {
		c, err := newWOF(bytes.NewReader(stream), int64(len(stream)), wofLZX, size, "test", new(scratch))
		if err == nil {
			_, err = io.Copy(io.Discard, io.NewSectionReader(c, 0, size))
		}
		return err
	}
	size := int64(len(plain))
	require.NoError(t, open(stream, size))
	for name, change := range map[string]func([]byte){
		"first chunk ends outside": func(b []byte) { b[3] = 0xff },
		"chunks go backwards":      func(b []byte) { copy(b[4:8], b[:4]) },
		"chunk longer than it is":  func(b []byte) { copy(b, b[4:8]) },
	} {
		bad := bytes.Clone(stream)
		change(bad)
		require.ErrorIs(t, open(bad, size), layer.ErrCorrupt, name)
	}
	require.ErrorIs(t, open(stream[:100], size), layer.ErrCorrupt)
	require.ErrorIs(t, open(stream, -1), layer.ErrCorrupt)
	require.ErrorIs(t, open(nil, 5), layer.ErrCorrupt)
	require.NoError(t, open(nil, 0))
	_, err := newWOF(bytes.NewReader(stream), int64(len(stream)), 4, size, "test", new(scratch))
	require.ErrorIs(t, err, layer.ErrUnsupported)
	for at := 1; at < 4; at++ {
		n := &counter{ReaderAt: bytes.NewReader(stream), failAt: at}
		c, err := newWOF(n, int64(len(stream)), wofLZX, size, "test", new(scratch))
		require.NoError(t, err)
		if _, err = c.ReadAt(make([]byte, size), 0); n.reads >= at {
			require.ErrorIs(t, err, errBroken)
			require.NotErrorIs(t, err, layer.ErrCorrupt)
		}
	}
}

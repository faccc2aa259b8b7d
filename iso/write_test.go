package iso

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

// TestDamagedSource checks that what cannot be read is reported and padded, and
// that nothing else is touched.
func TestDamagedSource(t *testing.T) {
	half := memData(bytes.Repeat([]byte("h"), 3*chunkSize))
	half.readErr, half.failAt = errMem, chunkSize+100
	shrunk := memData([]byte("less"))
	shrunk.size = 5000
	gone := memData([]byte("gone"))
	gone.nodeErr = errMem
	listed := memTree(memEntry{"one", memData([]byte("1"))})
	listed.listErr = errMem
	noTarget := memSymlink("")
	odd := newNode(fs.ModeIrregular, 5)
	negative := memData(nil)
	source := memTree(
		memEntry{"a", half}, memEntry{"b", memData([]byte("between"))}, memEntry{"c", shrunk}, memEntry{"d", gone},
		memEntry{"e", listed}, memEntry{"f", noTarget}, memEntry{"g", odd}, memEntry{"h", negative}, memEntry{"z", memData([]byte("last"))},
	)
	image, report, err := written(memFS(source))
	require.NoError(t, err)
	var told []string
	for _, e := range report.Errors {
		var pe *fs.PathError
		require.ErrorAs(t, e, &pe)
		told = append(told, pe.Path)
	}
	require.ElementsMatch(t, []string{"a", "c", "d", "e", "f", "g"}, told)
	require.ErrorIs(t, report.Err(), errMem)
	require.ErrorContains(t, report.Err(), "read a: bad block; padded with zeros from byte 1048676 of 3145728")
	require.ErrorContains(t, report.Err(), "read c: unexpected EOF; padded with zeros from byte 4 of 5000")
	require.EqualValues(t, len(image), report.Size)

	got, err := opened(image)
	require.NoError(t, err)
	want := append(bytes.Repeat([]byte("h"), chunkSize+100), make([]byte, 2*chunkSize-100)...)
	for name, want := range map[string][]byte{"a": want, "b": []byte("between"), "c": append([]byte("less"), make([]byte, 4996)...), "e/one": []byte("1"), "z": []byte("last")} {
		data, err := got.ReadFile(name)
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, data), name)
	}
	_, err = got.Lstat("d")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// A growing FS has one file, which is longer than it says.
type growing struct{ fstest.MapFS }

func (g growing) Open(name string) (fs.File, error) {
	if name == "log" {
		return fstest.MapFS{"log": {Data: bytes.Repeat([]byte("x"), 9000)}}.Open(name)
	}
	return g.MapFS.Open(name)
}

// An unsteady FS has one file, whose Reads return what reads says.
type unsteady struct {
	fstest.MapFS
	read func(p []byte) (int, error)
}

type unsteadyFile struct {
	fs.File
	read func(p []byte) (int, error)
}

func (u unsteady) Open(name string) (fs.File, error) {
	f, err := u.MapFS.Open(name)
	if name == "log" && err == nil {
		f = unsteadyFile{f, u.read}
	}
	return f, err
}

func (f unsteadyFile) Read(p []byte) (int, error) { return f.read(p) }

func TestChangingFile(t *testing.T) {
	source := fstest.MapFS{"log": {Data: bytes.Repeat([]byte("x"), 4096)}, "next": {Data: []byte("next")}}
	empty := func([]byte) (int, error) { return 0, nil }
	together := func(p []byte) (int, error) { return copy(p, strings.Repeat("x", 4096)), io.EOF }
	for name, test := range map[string]struct {
		fsys fs.FS
		err  error
		log  string
	}{
		"grows":           {growing{source}, errGrown, strings.Repeat("x", 4096)},
		"returns nothing": {unsteady{source, empty}, io.ErrNoProgress, strings.Repeat("\x00", 4096)},
		"ends at once":    {unsteady{source, together}, nil, strings.Repeat("x", 4096)},
	} {
		t.Run(name, func(t *testing.T) {
			image, report, err := written(test.fsys)
			require.NoError(t, err)
			require.ErrorIs(t, report.Err(), test.err)
			got, err := opened(image)
			require.NoError(t, err)
			for name, want := range map[string]string{"log": test.log, "next": "next"} {
				data, err := got.ReadFile(name)
				require.NoError(t, err)
				require.Equal(t, want, string(data))
			}
		})
	}
}

func TestWithPaths(t *testing.T) {
	for _, test := range []struct {
		paths []string
		want  string
		err   error
	}{
		{[]string{"a/b", "f"}, ". a a/b a/b/1 a/b/2 f", nil},
		{[]string{"a", "a/b/1"}, ". a a/b a/b/1 a/b/2 a/c", nil},
		{[]string{"a/b/1", "a"}, ". a a/b a/b/1 a/b/2 a/c", nil},
		{[]string{"."}, ". a a/b a/b/1 a/b/2 a/c f", nil},
		{[]string{}, ".", nil},
		{[]string{"a/x"}, "", fs.ErrNotExist},
		{[]string{"f/x"}, "", errNotADir},
		{[]string{"../x"}, "", fs.ErrInvalid},
	} {
		file := memEntry{"f", memData([]byte("f"))}
		b := memTree(memEntry{"1", file.node}, memEntry{"2", file.node})
		image, _, err := written(memFS(memTree(memEntry{"a", memTree(memEntry{"b", b}, memEntry{"c", file.node})}, file)), WithPaths(test.paths...))
		require.ErrorIs(t, err, test.err, test.paths)
		if err != nil {
			require.Empty(t, image)
			continue
		}
		got, err := opened(image)
		require.NoError(t, err)
		var found []string
		require.NoError(t, fs.WalkDir(got, ".", func(p string, _ fs.DirEntry, err error) error { found = append(found, p); return err }))
		require.Equal(t, test.want, strings.Join(found, " "))
	}
}

// failAfter is a writer that fails behind n bytes.
type failAfter struct{ n int }

func (f *failAfter) Write(p []byte) (int, error) {
	if f.n -= len(p); f.n < 0 {
		return 0, errMem
	}
	return len(p), nil
}

func TestWriteFails(t *testing.T) {
	source := memFS(memTree(memEntry{"f", memData(make([]byte, 20*chunkSize))}))
	for _, n := range []int{0, chunkSize, 5 * chunkSize} {
		_, err := Write(&failAfter{n}, source)
		require.ErrorIs(t, err, errMem)
	}
	_, err := Write(writerFunc(func(p []byte) (int, error) { return len(p) / 2, nil }), source)
	require.ErrorIs(t, err, io.ErrShortWrite)
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestContextAndProgress(t *testing.T) {
	source := memFS(memTree(memEntry{"f", memData(make([]byte, 20*chunkSize))}))
	ctx, cancel := context.WithCancel(context.Background())
	var calls int
	_, err := Write(io.Discard, source, WithContext(ctx), WithProgress(func(done, total int64) {
		require.LessOrEqual(t, done, total)
		if calls++; calls == 5 {
			cancel()
		}
	}))
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 5, calls)
	_, err = Write(io.Discard, source, WithContext(ctx))
	require.ErrorIs(t, err, context.Canceled)
}

func TestRootFails(t *testing.T) {
	root := memTree()
	root.listErr = errMem
	_, err := Write(io.Discard, memFS(root))
	require.ErrorIs(t, err, errMem)
	_, err = Write(io.Discard, fileAsRoot{})
	require.ErrorIs(t, err, errNotADir)
	_, err = Write(io.Discard, failingFS{})
	require.ErrorIs(t, err, errMem)
}

type failingFS struct{}

func (failingFS) Open(string) (fs.File, error) { return nil, errMem }

type fileAsRoot struct{}

func (fileAsRoot) Open(string) (fs.File, error) {
	return fstest.MapFS{"f": {}}.Open("f")
}

func TestTooLarge(t *testing.T) {
	huge := func(size int64) *memNode {
		n := memData(nil)
		n.size = size
		return n
	}
	for _, size := range []int64{sectorSize * math.MaxUint32, math.MaxInt64} {
		_, err := Write(io.Discard, memFS(memTree(memEntry{"huge", huge(size)})))
		require.ErrorIs(t, err, layer.ErrUnsupported)
	}
	_, err := Write(io.Discard, memFS(memTree(memEntry{"bad", huge(0)})))
	require.NoError(t, err)
}

// A sparseImage keeps the writes that are not zeros.
type sparseImage struct {
	size   int64
	blocks map[int64][]byte
}

const sparseBlock = 64 << 10

func (s *sparseImage) Write(p []byte) (int, error) {
	for done := 0; done < len(p); {
		off := s.size % sparseBlock
		part := p[done:][:min(int64(len(p)-done), sparseBlock-off)]
		if b := s.blocks[s.size-off]; b != nil || !bytes.Equal(part, zeroBlock[:len(part)]) {
			if b == nil {
				b = make([]byte, sparseBlock)
				s.blocks[s.size-off] = b
			}
			copy(b[off:], part)
		}
		done += len(part)
		s.size += int64(len(part))
	}
	return len(p), nil
}

var zeroBlock [sparseBlock]byte

func (s *sparseImage) ReadAt(p []byte, off int64) (int, error) {
	for done := 0; done < len(p); {
		if off >= s.size {
			return done, io.EOF
		}
		in := off % sparseBlock
		part := p[done:][:min(int64(len(p)-done), sparseBlock-in)]
		if b := s.blocks[off-in]; b != nil {
			copy(part, b[in:])
		} else {
			clear(part)
		}
		done += len(part)
		off += int64(len(part))
	}
	return len(p), nil
}

// A hollowFile is a large file of zeros with some bytes at its end.
type hollowFile struct {
	fs.File
	size, pos int64
}

const hollowEnd = "the end"

func (h *hollowFile) Read(p []byte) (int, error) {
	n := min(int64(len(p)), h.size-h.pos)
	if n == 0 {
		return 0, io.EOF
	}
	clear(p[:n])
	if from := h.size - int64(len(hollowEnd)); h.pos+n > from {
		copy(p[from-h.pos:n], hollowEnd)
	}
	h.pos += n
	return int(n), nil
}

type hollowFS struct{ fstest.MapFS }

const hollowSize int64 = 5<<30 + 12345

func (h hollowFS) Open(name string) (fs.File, error) {
	f, err := h.MapFS.Open(name)
	if name == "disk.img" && err == nil {
		f = &hollowFile{File: f, size: hollowSize}
	}
	return f, err
}

func (h hollowFS) ReadDir(name string) ([]fs.DirEntry, error) {
	list, err := h.MapFS.ReadDir(name)
	for i, e := range list {
		list[i] = hollowEntry{e}
	}
	return list, err
}

type hollowEntry struct{ fs.DirEntry }

func (h hollowEntry) Info() (fs.FileInfo, error) {
	info, err := h.DirEntry.Info()
	return hollowInfo{info}, err
}

type hollowInfo struct{ fs.FileInfo }

func (h hollowInfo) Size() int64 {
	if h.Name() == "disk.img" {
		return hollowSize
	}
	return h.FileInfo.Size()
}

func TestFiveGigabytes(t *testing.T) {
	if testing.Short() {
		t.Skip("streams 5 GiB")
	}
	image := &sparseImage{blocks: map[int64][]byte{}}
	source := hollowFS{fstest.MapFS{"disk.img": {}, "small": {Data: []byte("behind it")}}}
	_, err := Write(image, source, WithTime(time.Unix(1e9, 0)))
	require.NoError(t, err)
	for _, tree := range []Tree{RockRidge, Joliet} {
		got, err := Open(image, image.size, WithTree(tree))
		require.NoError(t, err)
		f, err := got.Open("disk.img")
		require.NoError(t, err)
		file := f.(layer.File)
		require.EqualValues(t, hollowSize, file.Size())
		end := make([]byte, len(hollowEnd)+1)
		_, err = file.ReadAt(end, hollowSize-int64(len(end)))
		require.NoError(t, err)
		require.Equal(t, "\x00"+hollowEnd, string(end))
		data, err := got.ReadFile("small")
		require.NoError(t, err)
		require.Equal(t, "behind it", string(data))
	}
}

func TestReportErr(t *testing.T) {
	var r Report
	require.NoError(t, r.Err())
	r.add(errMem)
	r.add(io.EOF)
	require.True(t, errors.Is(r.Err(), errMem) && errors.Is(r.Err(), io.EOF))
}

// TestWithFile: each file of data is told once, before it is read.
func TestWithFile(t *testing.T) {
	source := fstest.MapFS{"a/b": {Data: []byte("b")}, "a/c": {Data: []byte("c")}, "empty": {}, "link": {Mode: fs.ModeSymlink, Data: []byte("a")}}
	var told []string
	_, err := Write(io.Discard, source, WithFile(func(name string, files int) {
		require.Equal(t, 4, files)
		told = append(told, name)
	}))
	require.NoError(t, err)
	require.Subset(t, told, []string{"a/b", "a/c"})
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(told))), len(told))
}

package vm

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
)

// packed returns an archive with the given entries.
func packed(t *testing.T, entries ...*tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range entries {
		content := h.Linkname // of files
		if h.Typeflag == 0 {
			h.Size, h.Linkname = int64(len(content)), ""
		}
		h.Mode = 0o644
		require.NoError(t, w.WriteHeader(h))
		if h.Typeflag == 0 || h.Typeflag == tar.TypeReg {
			_, err := w.Write([]byte(content))
			require.NoError(t, err)
		}
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

func openOnly(data []byte) (*Machine, error) {
	return Open(fstest.MapFS{"x.ova": {Data: data}}, "x.ova", nil)
}

func TestArchive(t *testing.T) {
	data := packed(t,
		&tar.Header{Name: "dir/", Typeflag: tar.TypeDir},
		&tar.Header{Name: "./dir/x.ovf", Linkname: ovfText(oneFile, oneDisk, "")},
		&tar.Header{Name: "dir/a.vmdk", Linkname: "data"},
		&tar.Header{Name: "dir/empty"},
		&tar.Header{Name: "../evil", Linkname: "data"},
		&tar.Header{Name: "/abs", Linkname: "data"},
		&tar.Header{Name: "twice", Linkname: "data"},
		&tar.Header{Name: "twice", Linkname: "other"},
		&tar.Header{Name: "link", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"},
	)
	fsys, paths := openArchive("x.ova", bytes.NewReader(data), int64(len(data)))
	require.Equal(t, []string{"dir/x.ovf", "dir/a.vmdk", "dir/empty", "twice", "link"}, paths)
	content, err := fsys.ReadFile("dir/a.vmdk")
	require.NoError(t, err)
	require.Equal(t, "data", string(content))
	content, err = fsys.ReadFile("dir/empty")
	require.NoError(t, err)
	require.Empty(t, content)
	_, err = fsys.ReadFile("twice")
	require.ErrorIs(t, err, layer.ErrCorrupt)
	_, err = fsys.ReadFile("link")
	require.ErrorIs(t, err, layer.ErrUnsupported)
	_, err = fsys.ReadFile("evil")
	require.ErrorIs(t, err, fs.ErrNotExist)
	m, err := openOnly(data)
	require.NoError(t, err)
	require.Equal(t, "dir/a.vmdk", m.Disks[0].Name)
	require.NoError(t, m.Close())
}

func TestArchiveErrors(t *testing.T) {
	ovf := &tar.Header{Name: "x.ovf", Linkname: ovfText(oneFile, oneDisk, "")}
	copyOf := func(h *tar.Header) *tar.Header { c := *h; return &c }
	data := packed(t, copyOf(ovf), &tar.Header{Name: "a.vmdk", Linkname: string(make([]byte, 2000))})
	for _, test := range []struct {
		data []byte
		kind error
		want string
	}{
		{nil, layer.ErrFormat, "has no .ovf"},
		{make([]byte, 4096), layer.ErrFormat, "has no .ovf"},
		{bytes.Repeat([]byte("x"), 4096), layer.ErrCorrupt, "no header of a tar archive after its start"},
		{data[:600], layer.ErrIncomplete, "ends before it is complete, after x.ovf"},
		{packed(t, copyOf(ovf), &tar.Header{Name: "y.OVF"}), layer.ErrUnsupported, "several packages are in the archive: x.ovf, y.OVF"},
	} {
		_, err := openOnly(test.data)
		require.ErrorIs(t, err, test.kind)
		require.ErrorContains(t, err, test.want)
	}

	// A disk that is cut off can be read up to there.
	cut := data[:len(data)-2500]
	m, err := openOnly(cut)
	require.NoError(t, err)
	require.Len(t, m.Warnings, 1)
	require.ErrorIs(t, m.Warnings[0], layer.ErrIncomplete)
	f, err := m.Disks[0].FS.Open("a.vmdk")
	require.NoError(t, err)
	_, err = f.(io.ReaderAt).ReadAt(make([]byte, 100), 0)
	require.NoError(t, err)
	_, err = f.(io.ReaderAt).ReadAt(make([]byte, 100), 1800)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	_, err = fs.Stat(m.Disks[0].FS, "other")
	require.ErrorIs(t, err, layer.ErrIncomplete, "it may have been behind the cut")
}

// A file of 10 GiB is a header and a place: nothing of it is read but its
// headers, and its last byte, to see that the archive is not cut off.
func TestArchiveIsIndexed(t *testing.T) {
	for _, format := range []tar.Format{tar.FormatGNU, tar.FormatPAX} {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		require.NoError(t, w.WriteHeader(&tar.Header{Name: "a.vmdk", Size: 10 << 30, Mode: 0o644, Format: format}))
		head := bytes.Clone(b.Bytes())
		rest := packed(t, &tar.Header{Name: "b", Linkname: "behind"})
		r := &countingReader{parts: []part{{0, head}, {int64(len(head)) + 10<<30, rest}}}
		size := int64(len(head)) + 10<<30 + int64(len(rest))
		fsys, paths := openArchive("x.ova", r, size)
		require.Equal(t, []string{"a.vmdk", "b"}, paths)
		require.LessOrEqual(t, r.reads, 10)
		info, err := fsys.Stat("a.vmdk")
		require.NoError(t, err)
		require.Equal(t, int64(10<<30), info.Size())
		data, err := fsys.ReadFile("b")
		require.NoError(t, err)
		require.Equal(t, "behind", string(data))
	}
}

type part struct {
	off  int64
	data []byte
}

// A countingReader is zeros, but for its parts.
type countingReader struct {
	parts []part
	reads int
}

func (r *countingReader) ReadAt(p []byte, off int64) (int, error) {
	r.reads++
	clear(p)
	for _, x := range r.parts {
		if skip := off - x.off; skip >= 0 && skip < int64(len(x.data)) {
			copy(p, x.data[skip:])
		}
	}
	return len(p), nil
}

// failAt fails the n-th read.
type failAt struct {
	io.ReaderAt
	n int
}

var errBroken = errors.New("broken cable")

func (f *failAt) ReadAt(p []byte, off int64) (int, error) {
	if f.n--; f.n < 0 {
		return 0, errBroken
	}
	return f.ReaderAt.ReadAt(p, off)
}

func TestArchiveReadFailures(t *testing.T) {
	for _, name := range []string{"two.ova", "sparse-gnu.ova", "sparse-posix-1.0.ova"} {
		data := testimg.Load(t, "vm/"+name+".gz")
		for n := 0; ; n++ {
			r := &failAt{bytes.NewReader(data), n}
			fsys, _ := openArchive(name, r, int64(len(data)))
			_, err := fsys.ReadDir(".")
			if r.n >= 0 {
				require.NoError(t, err)
				break
			}
			require.ErrorIs(t, err, errBroken)
			require.NotErrorIs(t, err, layer.ErrCorrupt)
			require.Less(t, n, 200)
		}
	}
}

// Every map of a sparse file that is damaged is found, or is another map.
func FuzzOVA(f *testing.F) {
	for _, name := range []string{"two.ova", "gnu-long.ova", "pax-long.ova", "sparse-gnu.ova", "sparse-posix-0.1.ova", "sparse-posix-1.0.ova"} {
		f.Add(testimg.Load(f, "vm/"+name+".gz"))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		repairSums(data)
		fsys, paths := openArchive("x.ova", bytes.NewReader(data), int64(len(data)))
		testimg.Exercise(t, fsys)
		for _, p := range paths {
			if _, err := fsys.Stat(p); err != nil {
				t.Errorf("%s: %v", p, err)
			}
		}
		if m, err := openOnly(data); err != nil {
			kindOf(t, err)
		} else if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
}

// repairSums corrects the checksums of all blocks that look like headers.
func repairSums(data []byte) {
	for ; len(data) >= blockSize; data = data[blockSize:] {
		h := data[:blockSize]
		if string(h[257:262]) != "ustar" {
			continue
		}
		copy(h[148:156], "        ")
		sum := 0
		for _, b := range h {
			sum += int(b)
		}
		for i := 153; i >= 148; i-- {
			h[i] = '0' + byte(sum&7)
			sum >>= 3
		}
		h[154] = 0
	}
}

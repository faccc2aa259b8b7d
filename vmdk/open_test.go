package vmdk

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

// directory returns a directory with a descriptor of the given lines, disk.vmdk,
// beside two files of 4 sectors.
func directory(lines ...string) fstest.MapFS {
	text := "# Disk DescriptorFile\nversion=1\n" + strings.Join(lines, "\n")
	return fstest.MapFS{
		"vm/disk.vmdk": {Data: []byte(text)},
		"vm/a":         {Data: bytes.Repeat([]byte("a"), 4*512), ModTime: time.Unix(1e9, 0)},
		"vm/b":         {Data: bytes.Repeat([]byte("b"), 4*512), ModTime: time.Unix(2e9, 0)},
		"vm/dir":       {Mode: fs.ModeDir},
		"c":            {Data: make([]byte, 4*512)},
	}
}

func TestExtentErrors(t *testing.T) {
	big := fmt.Sprint(int64(math.MaxInt64 / 512)) // sectors that one file may just have
	for _, tt := range []struct {
		lines, want string
		kind        error
	}{
		{"RW 4 FLAT missing 0", "extent vm/missing: the file does not exist", layer.ErrIncomplete},
		{"RW 4 FLAT dir 0", "extent vm/dir: is a directory", layer.ErrIncomplete},
		{"RW 1 FLAT a 4", "promises 2560 bytes, and the file has 2048", layer.ErrIncomplete},
		{"RW 4 VMFS a 9", "promises 6656 bytes, and the file has 2048", layer.ErrIncomplete},
		{"RW 4 FLAT ../c 0", `by ".."`, layer.ErrUnsupported},
		{"RW 4 FLAT .. 0", `by ".."`, layer.ErrUnsupported},
		{"RW 4 FLAT x/../../c 0", `by ".."`, layer.ErrUnsupported},
		{"RW 4 FLAT x/a 0", "vm/x/a: the file does not exist", layer.ErrIncomplete},
		{"RW 4 FLAT . 0", "not the name of a file", layer.ErrUnsupported},
		{"RW 4 FLAT /dev/sda 0", `the device "/dev/sda" of the host`, layer.ErrIncomplete},
		{"RW 4 FLAT /etc/passwd 0", "absolute", layer.ErrUnsupported},
		{`RW 4 FLAT "C:\vm\a" 0`, "drive", layer.ErrUnsupported},
		{`RW 4 FLAT "..\c" 0`, "backslashes", layer.ErrUnsupported},
		{`RW 4 FLAT "c:a" 0`, "drive", layer.ErrUnsupported},
		{`RW 4 FLAT "\\.\PhysicalDrive0" 0`, `the device "\\.\PhysicalDrive0"`, layer.ErrIncomplete},
		{"RW " + big + "0 FLAT a 0", "larger than any file", layer.ErrCorrupt},
		{"RW " + big + " ZERO\nRW 1 ZERO", "larger than any file", layer.ErrCorrupt},
		{"RW 9223372036854775807 ZERO", "larger than any file", layer.ErrCorrupt},
		{"RW 1 FLAT a " + big, "from " + big, layer.ErrCorrupt},
		{"RW 1 FLAT a 9223372036854775807", "no file has", layer.ErrCorrupt},
	} {
		_, err := Open(directory(tt.lines), "vm/disk.vmdk")
		require.ErrorIs(t, err, tt.kind, tt.lines)
		require.ErrorContains(t, err, tt.want)
		require.ErrorContains(t, err, "vm/")
	}
}

func TestNotADisk(t *testing.T) {
	fsys := directory("RW 4 FLAT a 0")
	fsys["empty"] = &fstest.MapFile{}
	fsys["small"] = &fstest.MapFile{Data: []byte("not a disk")}
	fsys["disk-ctk.vmdk"] = fsys["c"]
	fsys["huge"] = &fstest.MapFile{Data: append([]byte("# Disk DescriptorFile\n"), make([]byte, maxDescriptor)...)}
	for name, want := range map[string]string{
		"empty":         "0 bytes",
		"small":         "10 bytes",
		"vm/dir":        "is a directory",
		"disk-ctk.vmdk": "change tracking",
		"huge":          "more than",
	} {
		_, err := Open(fsys, name)
		require.ErrorIs(t, err, layer.ErrFormat, name)
		require.ErrorContains(t, err, want)
	}
	_, err := Open(fsys, "missing.vmdk")
	require.ErrorIs(t, err, fs.ErrNotExist)
	for magic, want := range map[string]string{
		"EVF\x09\x0d\x0a\xff\x00": "EnCase",
	} {
		fsys["x"] = &fstest.MapFile{Data: append([]byte(magic), make([]byte, 2000)...)}
		_, err := Open(fsys, "x")
		require.ErrorIs(t, err, layer.ErrUnsupported)
		require.ErrorContains(t, err, want)
	}
}

func TestRawOfOddSize(t *testing.T) {
	for _, size := range []int{512, 1023, 5000} {
		want := bytes.Repeat([]byte{7}, size)
		data, err := mustOpen(t, fstest.MapFS{"raw": {Data: want}}, "raw").ReadFile("disk")
		require.NoError(t, err)
		require.Equal(t, want, data)
	}
}

// TestCutExtent: of a flat extent that was cut short, what is there is read.
func TestCutExtent(t *testing.T) {
	want := append(bytes.Repeat([]byte("b"), 4*512), bytes.Repeat([]byte("a"), 4*512+100)...)
	fsys := directory("RW 4 FLAT b 0", "RW 20 VMFS a 2", "RW 4 FLAT b 0")
	fsys["vm/a"].Data = bytes.Repeat([]byte("a"), 6*512+100)
	f := mustOpen(t, fsys, "vm/disk.vmdk")
	require.Len(t, f.Warnings(), 1)
	require.ErrorIs(t, f.Warnings()[0], layer.ErrIncomplete)
	require.ErrorContains(t, f.Warnings()[0], "extent vm/a: the descriptor promises 11264 bytes, and the file has 3172")
	file := content(t, f)
	require.EqualValues(t, 28*512, file.Size())
	got := make([]byte, 28*512)
	n, err := file.ReadAt(got, 0)
	require.ErrorIs(t, err, layer.ErrIncomplete)
	require.ErrorContains(t, err, "extent vm/a: the descriptor promises")
	require.Equal(t, want, got[:n])
	for off := int64(len(want)); off < 24*512; off += 100 {
		n, err := file.ReadAt(got[:1], off)
		require.ErrorIs(t, err, layer.ErrIncomplete)
		require.Zero(t, n)
	}
	_, err = file.ReadAt(got[:4*512], 24*512)
	require.NoError(t, err)
	require.Equal(t, want[:4*512], got[:4*512])
}

func TestNoAccess(t *testing.T) {
	f := mustOpen(t, directory("RW 4 FLAT a 0", "NOACCESS 4 FLAT missing 0", "NOACCESS 2 ZERO", "RW 1 FLAT b 3"), "vm/disk.vmdk")
	file := content(t, f)
	require.EqualValues(t, 11*512, file.Size())
	buf := make([]byte, 512)
	for sector, want := range map[int64]error{0: nil, 3: nil, 4: fs.ErrPermission, 8: fs.ErrPermission, 9: fs.ErrPermission, 10: nil} {
		_, err := file.ReadAt(buf, sector*512)
		require.ErrorIs(t, err, want)
	}
	var failed error
	for _, err := range file.Extents() {
		failed = err
	}
	require.ErrorContains(t, failed, "NOACCESS")
}

func TestModTime(t *testing.T) {
	info, err := mustOpen(t, directory("RW 4 FLAT a", "RW 4 FLAT b"), "vm/disk.vmdk").Stat("disk")
	require.NoError(t, err)
	require.Equal(t, time.Unix(2e9, 0), info.ModTime())
}

// A watched is a file system whose files fail as they are told, and which
// counts those that are open.
type watched struct {
	fs.FS
	opened, open int
	at           func(p []byte, off int64, name string) (int, error) // instead of ReadAt; nil to have none
	stat         error
}

type watchedFile struct {
	fs.File
	w *watched
}

type watchedReader struct {
	*watchedFile
	name string
}

func (w *watched) Open(name string) (fs.File, error) {
	f, err := w.FS.Open(name)
	if err != nil {
		return nil, err
	}
	w.opened++
	w.open++
	file := &watchedFile{f, w}
	if w.at == nil {
		return file, nil
	}
	return watchedReader{file, name}, nil
}

func (f *watchedFile) Close() error { f.w.open--; return f.File.Close() }

func (f *watchedFile) Stat() (fs.FileInfo, error) {
	if f.w.stat != nil {
		return nil, f.w.stat
	}
	return f.File.Stat()
}

func (r watchedReader) ReadAt(p []byte, off int64) (int, error) { return r.w.at(p, off, r.name) }

var errBroken = errors.New("broken")

func TestFilesAreClosed(t *testing.T) {
	through := func(fsys fs.FS) *watched {
		return &watched{FS: fsys, at: func(p []byte, off int64, name string) (int, error) {
			data, err := fs.ReadFile(fsys, name)
			if err != nil {
				return 0, err
			}
			return bytes.NewReader(data).ReadAt(p, off)
		}}
	}
	w := through(directory("RW 1 FLAT a 0", "RW 1 FLAT b 0", "RW 1 FLAT a 3"))
	f, err := Open(w, "vm/disk.vmdk")
	require.NoError(t, err)
	require.Equal(t, 3, w.opened) // the descriptor, a, b
	data, err := f.ReadFile("disk")
	require.NoError(t, err)
	require.Len(t, data, 3*512)
	require.NoError(t, f.Close())
	require.Zero(t, w.open)

	for _, lines := range []string{"RW 1 FLAT a 0\nRW 1 FLAT missing 0", "RW 1 FLAT a 0\nRW 1 FLAT dir 0", "nonsense"} {
		w := through(directory(lines))
		_, err := Open(w, "vm/disk.vmdk")
		require.Error(t, err)
		require.Zero(t, w.open)
	}
}

func TestSourceErrors(t *testing.T) {
	fsys := directory("RW 4 FLAT a 0")

	_, err := Open(&watched{FS: fsys}, "vm/disk.vmdk")
	require.ErrorContains(t, err, "vm/disk.vmdk")
	require.ErrorContains(t, err, "io.ReaderAt")

	_, err = Open(&watched{FS: fsys, stat: errBroken}, "vm/disk.vmdk")
	require.ErrorIs(t, err, errBroken)

	failing := func(name string, fail error) *watched {
		return &watched{FS: fsys, at: func(p []byte, off int64, opened string) (int, error) {
			if name == opened && off+int64(len(p)) > 1000 {
				return 0, fail
			}
			return bytes.NewReader(fsys[opened].Data).ReadAt(p, off)
		}}
	}
	for _, tt := range []struct {
		name string
		size int
	}{{"vm/disk.vmdk", 3000}, {"vm/disk.vmdk", 6000}, {"c", 6000}} {
		fsys[tt.name] = &fstest.MapFile{Data: []byte(fmt.Sprintf("%-*s", tt.size, fsys[tt.name].Data))}
		_, err = Open(failing(tt.name, errBroken), tt.name)
		require.ErrorIs(t, err, errBroken)
		require.NotErrorIs(t, err, layer.ErrCorrupt)
	}

	for fail, want := range map[error]error{errBroken: errBroken, io.EOF: io.ErrUnexpectedEOF} {
		f, err := Open(failing("vm/a", fail), "vm/disk.vmdk")
		require.NoError(t, err)
		n, err := content(t, f).ReadAt(make([]byte, 512), 1024)
		require.Zero(t, n)
		require.ErrorIs(t, err, want)
		require.ErrorContains(t, err, "vm/a")
	}
}

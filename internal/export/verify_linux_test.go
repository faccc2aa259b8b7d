package export

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/vmdkfs/vmdkfs/ext3"
	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A faulty source has one block that cannot be read.
type faulty struct {
	io.ReaderAt
	bad int64
}

const faultyBlock = 512

func (f faulty) ReadAt(p []byte, off int64) (int, error) {
	if off < f.bad+faultyBlock && off+int64(len(p)) > f.bad {
		return 0, &os.PathError{Op: "read", Path: "disk", Err: syscall.EIO}
	}
	return f.ReaderAt.ReadAt(p, off)
}

// One block of the disk that cannot be read costs the file that it belongs to,
// under all of its names, and nothing else.
func TestBadBlock(t *testing.T) {
	asRoot(t)
	data := testimg.Load(t, "ext/ext3-links-1k.img.gz")
	sound, err := ext3.Open(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	want := testimg.Manifest(t, "ext/ext3-links-1k.manifest.jsonl.gz")
	tried := 0
	for path, f := range want {
		if f.Type != "file" || f.Size == 0 {
			continue
		}
		tried++
		file, err := sound.Open(path)
		require.NoError(t, err)
		var last layer.Extent
		for e, err := range file.(layer.File).Extents() {
			require.NoError(t, err)
			last = e
		}
		require.GreaterOrEqual(t, last.Physical, int64(0))
		bad := last.Physical + (min(last.Length, f.Size-last.Offset)-1)&^(faultyBlock-1)
		fsys, err := ext3.Open(faulty{bytes.NewReader(data), bad}, int64(len(data)))
		require.NoError(t, err)

		dir := t.TempDir()
		r := copyAll(t.Context(), fsys, dir, false, everything)
		require.NoError(t, r.err)
		got := describeHost(t, dir)
		for other, w := range want {
			if w.Type == "file" && w.Inode == f.Inode {
				require.ErrorIs(t, r.failed[other], syscall.EIO)
				require.NotContains(t, got, other)
				delete(r.failed, other)
				continue
			}
			require.Equal(t, w.SHA256, got[other].SHA256, other)
		}
		require.Empty(t, r.failed)
		noTemp(t, dir)
	}
	require.GreaterOrEqual(t, tried, 5)
}

// hostile are the names that tools get wrong.
func hostile() fstest.MapFS {
	fsys := fstest.MapFS{
		`latin\xe9`: {Data: []byte("1")}, "new\nline": {Data: []byte("2")}, "-rf": {Data: []byte("3")}, "a b'\"$(x)`": {Data: []byte("4")},
		strings.Repeat("n", 255):                              {Data: []byte("5")},
		strings.Repeat(strings.Repeat("d", 149)+"/", 6) + "f": {Data: []byte("6")}, // 901 bytes
		"\u65e5\u672c/" + strings.Repeat("\u00e9", 127):       {Data: []byte("7")},
		"e\u0301": {Data: []byte("8")}, "\u00e9": {Data: []byte("9")}, // equal to who composes them
		`back\slash`: {Data: []byte("10")}, "..x": {Data: []byte("11")}, "...": {Data: []byte("12")}, "C:\\con": {Data: []byte("13")},
		"to-etc": {Data: []byte("/etc"), Mode: fs.ModeSymlink | 0o777}, "up": {Data: []byte("../../../up"), Mode: fs.ModeSymlink | 0o777},
		"\x1b[31m": {Data: []byte("14")},
	}
	for i := range 100 { // names that are one where case does not count
		name := []byte("collision")
		for bit := range 7 {
			if i>>bit&1 != 0 {
				name[bit] -= 'a' - 'A'
			}
		}
		fsys[string(name)] = &fstest.MapFile{Data: fmt.Append(nil, i)}
	}
	for _, f := range fsys {
		f.ModTime = time.Unix(1e9, 5e8)
		if f.Mode == 0 {
			f.Mode = 0o644
		}
	}
	return fsys
}

// Such names, and links that lead out, arrive as they are, by copy and out of
// every archive.
func TestHostileNames(t *testing.T) {
	fsys := hostile()
	check := func(t *testing.T, got map[string]testimg.File, except ...string) {
		t.Helper()
		files := 0
		for name, f := range fsys {
			if slices.Contains(except, name) {
				continue
			}
			have, ok := got[name]
			require.True(t, ok, "%q", name)
			if f.Mode&fs.ModeSymlink != 0 {
				require.Equal(t, string(f.Data), have.Target)
			} else {
				require.Equal(t, int64(len(f.Data)), have.Size, name)
				require.NotEmpty(t, have.SHA256)
			}
			files++
		}
		for _, f := range got {
			if f.Type != "dir" {
				files--
			}
		}
		require.GreaterOrEqual(t, files, -len(except), "nothing else is there")
	}
	dir := t.TempDir()
	r := copyAll(t.Context(), fsys, dir, false, everything)
	require.NoError(t, r.err)
	require.Empty(t, r.failed)
	check(t, describeHost(t, dir))

	archive, r := toTar(t, fsys, everything)
	require.Empty(t, r.failed)
	t.Run("GNU tar", func(t *testing.T) { check(t, unpack(t, archive, t.TempDir(), untar["GNU tar"]...)) })
	t.Run("bsdtar", func(t *testing.T) {
		// It composes characters and cuts off drives, whoever wrote the archive.
		check(t, unpack(t, archive, t.TempDir(), untar["bsdtar"]...), "e\u0301", "C:\\con")
	})
	zipped, r := toZip(t, fsys, false, everything)
	require.Empty(t, r.failed)
	file := filepath.Join(t.TempDir(), "a.zip")
	require.NoError(t, os.WriteFile(file, zipped, 0o600))
	t.Run("unzip", func(t *testing.T) {
		// It replaces what a terminal might obey.
		check(t, unpack(t, nil, t.TempDir(), "unzip", "-q", "-X", "-K", file), "\x1b[31m", "new\nline")
	})
	t.Run("7z", func(t *testing.T) {
		if _, err := exec.LookPath("7z"); err != nil {
			t.Skip(err)
		}
		out, err := exec.Command("7z", "t", "-slt", file).CombinedOutput()
		require.NoError(t, err, "%s", out)
	})
}

// hugeFS has a file of more than 4 GiB that is a hole but for its end.
type hugeFS struct{ fstest.MapFS }

const hugeSize = 5<<30 + 4096

func huge() hugeFS {
	return hugeFS{fstest.MapFS{"huge": {Mode: 0o644, ModTime: time.Unix(1e9, 0)}, "small": {Data: []byte("x"), Mode: 0o644}}}
}

func (h hugeFS) Lstat(name string) (fs.FileInfo, error) {
	info, err := h.MapFS.Lstat(name)
	if name == "huge" {
		info = hugeInfo{info}
	}
	return info, err
}

func (h hugeFS) Open(name string) (fs.File, error) {
	f, err := h.MapFS.Open(name)
	if name != "huge" || err != nil {
		return f, err
	}
	return hugeFile{io.NewSectionReader(hugeContent{}, 0, hugeSize), f}, nil
}

type hugeInfo struct{ fs.FileInfo }

func (hugeInfo) Size() int64 { return hugeSize }

type hugeContent struct{}

func (hugeContent) ReadAt(p []byte, off int64) (int, error) {
	clear(p)
	for i := max(0, 5<<30-off); i < int64(len(p)); i++ {
		p[i] = 'x'
	}
	return len(p), nil
}

type hugeFile struct {
	*io.SectionReader
	file fs.File
}

func (f hugeFile) Stat() (fs.FileInfo, error) {
	info, err := f.file.Stat()
	return hugeInfo{info}, err
}
func (f hugeFile) Close() error { return f.file.Close() }
func (f hugeFile) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, struct{ io.Reader }{f.SectionReader})
}
func (f hugeFile) Extents() iter.Seq2[layer.Extent, error] {
	return func(yield func(layer.Extent, error) bool) { yield(layer.Extent{Offset: 5 << 30, Length: 4096}, nil) }
}

// A file of 5 GiB keeps its size and its hole, in zip its size.
func TestHuge(t *testing.T) {
	fsys := huge()
	check := func(t *testing.T, dir string) {
		t.Helper()
		f, err := os.Open(filepath.Join(dir, "huge"))
		require.NoError(t, err)
		defer f.Close()
		info, err := f.Stat()
		require.NoError(t, err)
		require.EqualValues(t, int64(hugeSize), info.Size())
		require.Less(t, info.Sys().(*syscall.Stat_t).Blocks, int64(4096))
		end := make([]byte, 8192)
		_, err = f.ReadAt(end, hugeSize-8192)
		require.NoError(t, err)
		require.Equal(t, strings.Repeat("\x00", 4096)+strings.Repeat("x", 4096), string(end))
	}
	dir := t.TempDir()
	r := copyAll(t.Context(), fsys, dir, false, everything)
	require.Empty(t, r.failed)
	check(t, dir)
	archive, r := toTar(t, fsys, everything)
	require.Empty(t, r.failed)
	for tool, command := range untar {
		t.Run(tool, func(t *testing.T) {
			if _, err := exec.LookPath(command[0]); err != nil {
				t.Skip(err)
			}
			dir := t.TempDir()
			cmd := exec.Command(command[0], command[1:]...)
			cmd.Dir, cmd.Stdin = dir, bytes.NewReader(archive)
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
			check(t, dir)
		})
	}
	t.Run("zip", func(t *testing.T) {
		if testing.Short() {
			t.Skip("compresses 5 GiB")
		}
		zipped, r := toZip(t, fsys, false, everything)
		require.Empty(t, r.failed)
		file := filepath.Join(t.TempDir(), "a.zip")
		require.NoError(t, os.WriteFile(file, zipped, 0o600))
		for _, command := range [][]string{{"unzip", "-l", file}, {"7z", "l", file}, {"bsdtar", "-tvf", file}} {
			if _, err := exec.LookPath(command[0]); err != nil {
				t.Log(err)
				continue
			}
			out, err := exec.Command(command[0], command[1:]...).CombinedOutput()
			require.NoError(t, err, "%s", out)
			require.Contains(t, string(out), fmt.Sprint(int64(hugeSize)), command[0])
		}
		if _, err := exec.LookPath("unzip"); err == nil {
			out, err := exec.Command("unzip", "-tq", file).CombinedOutput()
			require.NoError(t, err, "%s", out)
		}
	})
}

// A destination that may not be written to has every file reported, and is
// left as it was.
func TestReadOnly(t *testing.T) {
	dir := mountTmpfs(t, "")
	require.NoError(t, unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	r := copyAll(t.Context(), small, dir, false, Source{Path: "etc"}, Source{Path: "usr/a/b/c"})
	require.NoError(t, r.err)
	require.Len(t, r.failed, 2)
	for path, err := range r.failed {
		require.ErrorIs(t, err, unix.EROFS, path)
	}
	require.Zero(t, r.Files+r.Dirs)
}

// lowntfs-3g can have names that differ by case only be one: the first is
// copied and each of the others told of.
func TestCaseCollisions(t *testing.T) {
	asRoot(t)
	for _, tool := range []string{"mkntfs", "lowntfs-3g"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	disk, dir := filepath.Join(t.TempDir(), "disk"), t.TempDir()
	require.NoError(t, os.WriteFile(disk, nil, 0o600))
	require.NoError(t, os.Truncate(disk, 16<<20))
	out, err := exec.Command("mkntfs", "-F", "-q", "-Q", disk).CombinedOutput()
	require.NoError(t, err, "%s", out)
	if out, err := exec.Command("lowntfs-3g", "-o", "ignore_case", disk, dir).CombinedOutput(); err != nil {
		t.Skipf("it cannot be mounted: %s", out)
	}
	t.Cleanup(func() { require.NoError(t, unix.Unmount(dir, 0)) })
	fsys := hostile()
	for name := range fsys {
		if !strings.EqualFold(name, "collision") {
			delete(fsys, name)
		}
	}
	require.Len(t, fsys, 100)
	r := copyAll(t.Context(), fsys, filepath.Join(dir, "new"), false, everything)
	require.NoError(t, r.err)
	require.EqualValues(t, 1, r.Files)
	require.Len(t, r.failed, 99)
	for path, err := range r.failed {
		require.ErrorIs(t, err, errTwice, path)
	}
	entries, err := os.ReadDir(filepath.Join(dir, "new"))
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

package export

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/ext3"
	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/internal/walk"
	"github.com/vmdkfs/vmdkfs/layer"
)

// run copies with everything recorded.
type run struct {
	Summary
	err    error
	failed map[string]error
	notes  []string
}

func copyAll(ctx context.Context, fsys walk.FS, dest string, overwrite bool, sources ...Source) run {
	return copyWith(ctx, fsys, dest, Options{Overwrite: overwrite}, sources...)
}

func copyWith(ctx context.Context, fsys walk.FS, dest string, opts Options, sources ...Source) run {
	r := run{failed: make(map[string]error)}
	r.Summary, r.err = Copy(ctx, fsys, sources, dest, r.told(opts))
	return r
}

// told returns opts, which record in r what is told.
func (r *run) told(opts Options) Options {
	opts.Fail = func(path string, err error) { r.failed[path] = err }
	opts.Note = func(text string, _ int) { r.notes = append(r.notes, text) }
	return opts
}

// image opens an ext file system of testdata.
func image(t *testing.T, name string) *ext3.FS {
	t.Helper()
	data := testimg.Load(t, "ext/"+name+".img.gz")
	fsys, err := ext3.Open(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	return fsys
}

var small = fstest.MapFS{
	"etc/hostname": {Data: []byte("web01\n"), Mode: 0o640, ModTime: time.Unix(1e9, 5)},
	"etc/link":     {Data: []byte("hostname"), Mode: fs.ModeSymlink | 0o777},
	"etc/empty":    {Mode: 0o600},
	"usr/a/b/c":    {Data: []byte("deep")},
}

// noTemp fails the test when a copy left one of its files behind.
func noTemp(t *testing.T, dir string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		require.False(t, strings.HasPrefix(d.Name(), ".vmdkfs-"), path)
		return err
	}))
}

func TestDest(t *testing.T) {
	for _, test := range []struct {
		name    string
		sources []Source
		dest    string // below a directory that has the directory "there" and the file "file"
		files   string // that are there then
		err     error
		failed  string
	}{
		{"file into a directory", []Source{{Path: "etc/hostname"}}, "there", "there/hostname", nil, ""},
		{"file to a new name", []Source{{Path: "etc/hostname"}}, "new", "new", nil, ""},
		{"file over a file", []Source{{Path: "etc/hostname"}}, "file", "file", nil, "etc/hostname"},
		{"directory into a directory", []Source{{Path: "usr"}}, "there", "there/usr/a/b/c", nil, ""},
		{"directory to a new name", []Source{{Path: "usr"}}, "new", "new/a/b/c", nil, ""},
		{"directory over a file", []Source{{Path: "usr"}}, "file", "file", nil, "usr"},
		{"content into a directory", []Source{{Path: "usr", Content: true}}, "there", "there/a/b/c", nil, ""},
		{"content to a new name", []Source{{Path: ".", Content: true}}, "new", "new/usr/a/b/c new/etc/link", nil, ""},
		{"several", []Source{{Path: "usr"}, {Path: "etc/hostname"}, {Path: "none"}}, "there", "there/usr/a/b/c there/hostname", nil, "none"},
		{"several to a new name", []Source{{Path: "usr"}, {Path: "etc"}}, "new", "", errSeveral, ""},
		{"several to a file", []Source{{Path: "usr"}, {Path: "etc"}}, "file", "file", errNotDir, ""},
		{"no such directory", []Source{{Path: "usr"}}, "none/new", "", fs.ErrNotExist, ""},
		{"a name in no directory", []Source{{Path: "."}}, "there", "there", nil, "."},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.Mkdir(filepath.Join(dir, "there"), 0o755))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "file"), []byte("mine"), 0o600))
			r := copyAll(t.Context(), small, filepath.Join(dir, test.dest), false, test.sources...)
			require.ErrorIs(t, r.err, test.err)
			for _, name := range strings.Fields(test.files) {
				_, err := os.Lstat(filepath.Join(dir, name))
				require.NoError(t, err)
			}
			if test.failed != "" {
				require.Error(t, r.failed[test.failed])
			}
			require.Len(t, r.failed, len(strings.Fields(test.failed)))
			require.EqualValues(t, len(r.failed), r.Failed)
			mine, err := os.ReadFile(filepath.Join(dir, "file"))
			require.NoError(t, err)
			require.Equal(t, "mine", string(mine))
			noTemp(t, dir)
		})
	}
}

func TestOverwrite(t *testing.T) {
	dir := t.TempDir()
	all := Source{Path: ".", Content: true}
	require.Empty(t, copyAll(t.Context(), small, dir, false, all).failed)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "etc/hostname"), []byte("mine"), 0o600))

	r := copyAll(t.Context(), small, dir, false, all)
	require.EqualValues(t, 4, r.Failed, "no file replaces one that exists")
	require.ErrorIs(t, r.failed["etc/hostname"], fs.ErrExist)
	got, err := os.ReadFile(filepath.Join(dir, "etc/hostname"))
	require.NoError(t, err)
	require.Equal(t, "mine", string(got))

	require.Empty(t, copyAll(t.Context(), small, dir, true, all).failed)
	got, err = os.ReadFile(filepath.Join(dir, "etc/hostname"))
	require.NoError(t, err)
	require.Equal(t, "web01\n", string(got))

	require.NoError(t, os.Remove(filepath.Join(dir, "etc/hostname")))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "etc/hostname/mine"), 0o700))
	require.Equal(t, map[string]error{"etc/hostname": errIsDir}, copyAll(t.Context(), small, dir, true, all).failed)
	noTemp(t, dir)
}

// What lies in the destination, and links out of it, is neither followed nor
// written through.
func TestPlantedLinks(t *testing.T) {
	outside, dir := t.TempDir(), t.TempDir()
	victim := filepath.Join(outside, "hostname")
	require.NoError(t, os.WriteFile(victim, []byte("mine"), 0o600))
	require.NoError(t, os.Symlink(outside, filepath.Join(dir, "etc")))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "usr"), 0o700))
	require.NoError(t, os.Symlink(outside, filepath.Join(dir, "usr", "a")))
	for _, overwrite := range []bool{false, true} {
		r := copyAll(t.Context(), small, dir, overwrite, Source{Path: ".", Content: true})
		require.Equal(t, map[string]error{"etc": errNotDir, "usr/a": errNotDir}, r.failed)
	}
	require.NoError(t, os.Remove(filepath.Join(dir, "etc")))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "etc"), 0o700))
	require.NoError(t, os.Symlink(victim, filepath.Join(dir, "etc", "hostname")))
	copyAll(t.Context(), small, dir, true, Source{Path: "etc"})
	info, err := os.Lstat(filepath.Join(dir, "etc", "hostname"))
	require.NoError(t, err)
	require.True(t, info.Mode().IsRegular(), "the link was replaced, not followed")
	got, err := os.ReadFile(victim)
	require.NoError(t, err)
	require.Equal(t, "mine", string(got))
	entries, err := os.ReadDir(outside)
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

// odd is a file system whose root has entries that no image should give.
type odd struct{ fstest.MapFS }

type renamed struct {
	layer.DirEntry
	name string
}

func (r renamed) Name() string { return r.name }

func (o odd) ReadDir(name string) ([]fs.DirEntry, error) {
	list, err := o.MapFS.ReadDir(name)
	if name != "." {
		return list, err
	}
	for i, e := range list {
		names := map[string]string{"x": "..", "y": "a/../../b", "z": "usr"} // the last one twice
		if to := names[e.Name()]; to != "" {
			entry, err := walk.Find(o.MapFS, e.Name())
			if err != nil {
				return nil, err
			}
			list[i] = renamed{entry, to}
		}
	}
	return list, err
}

func TestOddNames(t *testing.T) {
	dir := t.TempDir()
	fsys := odd{fstest.MapFS{"usr/a": {}, "x/a": {}, "y": {}, "z": {}, `caf\xe9`: {}}}
	r := copyAll(t.Context(), fsys, filepath.Join(dir, "to"), false, Source{Path: ".", Content: true})
	require.NoError(t, r.err)
	require.ErrorIs(t, r.failed[".."], fs.ErrInvalid)
	require.Error(t, r.failed["a/../../b"])
	require.ErrorIs(t, r.failed["usr"], errTwice)
	require.Len(t, r.failed, 3)
	above, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, above, 1)
	noTemp(t, dir)
}

func TestCancel(t *testing.T) {
	fsys := fstest.MapFS{"big": {Data: make([]byte, 64<<20)}, "small": {}}
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	var copied atomic.Int64
	_, err := Copy(ctx, fsys, []Source{{Path: ".", Content: true}}, dir, Options{
		Progress: func(n int64) {
			if copied.Add(n) > 8<<20 {
				cancel()
			}
		},
		Fail: func(path string, err error) { t.Error(path, err) },
	})
	require.ErrorIs(t, err, context.Canceled)
	require.NoFileExists(t, filepath.Join(dir, "big"))
	noTemp(t, dir)
}

// bad is a file system in which the file "bad" breaks off.
type bad struct{ fstest.MapFS }

var errBad = errors.New("bad block")

func (b bad) Open(name string) (fs.File, error) {
	f, err := b.MapFS.Open(name)
	if strings.HasSuffix(name, "bad") {
		return badFile{f}, err
	}
	return f, err
}

type badFile struct{ fs.File }

func (badFile) ReadAt(p []byte, off int64) (int, error) {
	if off > 0 {
		return 0, errBad
	}
	return len(p), nil
}

func TestReadError(t *testing.T) {
	dir := t.TempDir()
	fsys := bad{fstest.MapFS{"a": {}, "bad": {Data: make([]byte, 2<<20)}, "c/bad": {Data: make([]byte, 2<<20)}, "d": {}}}
	r := copyAll(t.Context(), fsys, dir, false, Source{Path: ".", Content: true})
	require.NoError(t, r.err)
	require.Equal(t, map[string]error{"bad": errBad, "c/bad": errBad}, r.failed)
	require.EqualValues(t, 2, r.Files)
	require.NoFileExists(t, filepath.Join(dir, "bad"))
	noTemp(t, dir)
}

func TestSelect(t *testing.T) {
	fsys := image(t, "ext2-1k")
	root, err := fsys.ReadDir(".")
	require.NoError(t, err)
	var names, files []string
	for _, e := range root {
		names = append(names, e.Name())
		if e.Type().IsRegular() {
			files = append(files, e.Name())
		}
	}
	all, err := Select(fsys, []string{"."})
	require.NoError(t, err)
	list, err := fs.ReadDir(all, ".")
	require.NoError(t, err)
	require.Len(t, list, len(names))

	two, err := Select(fsys, names)
	require.NoError(t, err)
	for path, want := range testimg.Manifest(t, "ext/ext2-1k.manifest.jsonl.gz") {
		info, err := fs.Lstat(two, path)
		require.NoError(t, err)
		require.Equal(t, want.Type == "file", info.Mode().IsRegular(), path)
	}

	one, err := Select(fsys, files[:1])
	require.NoError(t, err)
	list, err = fs.ReadDir(one, ".")
	require.NoError(t, err)
	require.Len(t, list, 1)

	_, err = Select(fsys, []string{files[0], files[0]})
	require.ErrorContains(t, err, "two files are called")
	for _, missing := range [][]string{{"none"}, {files[0], "none"}, {files[0], "none/none"}} {
		_, err = Select(fsys, missing)
		require.ErrorIs(t, err, fs.ErrNotExist)
	}
}

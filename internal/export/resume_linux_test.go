package export

import (
	"bytes"
	"context"
	"crypto/sha256"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

// A copy that is interrupted anywhere has complete files only, and the next one
// adds what is missing and nothing else.
func TestResume(t *testing.T) {
	asRoot(t)
	fsys, want := image(t, "ext3-links-1k"), testimg.Manifest(t, "ext/ext3-links-1k.manifest.jsonl.gz")
	whole := copyAll(t.Context(), fsys, t.TempDir(), false, everything)
	require.Empty(t, whole.failed)
	require.Greater(t, whole.Files, int64(10))
	for stop := int64(1); stop < whole.Files; stop += 1 + whole.Files/7 {
		dir := t.TempDir()
		ctx, cancel := context.WithCancel(t.Context())
		var begun atomic.Int64
		first := copyWith(ctx, fsys, dir, Options{Start: func(string) {
			if begun.Add(1) == stop {
				cancel()
			}
		}}, everything)
		require.ErrorIs(t, first.err, context.Canceled)
		require.Empty(t, first.failed)
		noTemp(t, dir)
		for path, f := range describeHost(t, dir) {
			require.Equal(t, want[path].SHA256, f.SHA256, path)
		}
		second := copyWith(t.Context(), fsys, dir, Options{Resume: true}, everything)
		require.NoError(t, second.err)
		require.Empty(t, second.failed)
		// A link whose other name is copied again now is made again as well.
		require.LessOrEqual(t, second.Skipped, first.Files)
		require.GreaterOrEqual(t, second.Skipped, first.Files-1)
		require.Equal(t, whole.Files, second.Files+second.Skipped)
		got := describeHost(t, dir)
		require.Len(t, got, len(want))
		for path, w := range want {
			have := got[path]
			require.Equal(t, []any{w.Type, w.Mode, w.UID, w.GID, w.SHA256, w.Target, w.Rdev}, []any{have.Type, have.Mode, have.UID, have.GID, have.SHA256, have.Target, have.Rdev}, path)
			require.True(t, w.Mtime.Equal(have.Mtime), path)
			if w.Type != "dir" {
				require.Equal(t, w.Nlink, have.Nlink, path)
			}
		}
	}
}

// What differs is no complete copy: it fails, or is replaced where that is
// allowed; what has the right size and time is not read, unless it is verified.
func TestResumeDiffers(t *testing.T) {
	fsys := fstest.MapFS{}
	for _, name := range []string{"same", "changed", "size", "time", "type"} {
		fsys[name] = &fstest.MapFile{Data: []byte("web01\n"), Mode: 0o644, ModTime: time.Unix(1e9, 5)}
	}
	dir := t.TempDir()
	require.Empty(t, copyAll(t.Context(), fsys, dir, false, everything).failed)
	write := func(name, data string, at time.Time) {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(data), 0o644))
		require.NoError(t, os.Chtimes(path, at, at))
	}
	write("changed", "WEB01\n", time.Unix(1e9, 5))
	write("size", "web01", time.Unix(1e9, 5))
	write("time", "web01\n", time.Unix(1e9, 6))
	require.NoError(t, os.Remove(filepath.Join(dir, "type")))
	require.NoError(t, os.Symlink("same", filepath.Join(dir, "type")))

	differ := map[string]error{"size": errDiffers, "time": errDiffers, "type": errDiffers}
	r := copyWith(t.Context(), fsys, dir, Options{Resume: true}, everything)
	require.Equal(t, differ, r.failed)
	require.EqualValues(t, 2, r.Skipped)

	differ["changed"] = errVerify
	r = copyWith(t.Context(), fsys, dir, Options{Resume: true, Verify: true}, everything)
	require.Equal(t, differ, r.failed)

	r = copyWith(t.Context(), fsys, dir, Options{Resume: true, Overwrite: true}, everything)
	require.Empty(t, r.failed)
	require.EqualValues(t, 2, r.Skipped)
	require.EqualValues(t, 3, r.Files)
	for _, name := range []string{"size", "time", "type"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, "web01\n", string(data))
	}
	noTemp(t, dir)
}

// Every regular file has a sum, under all of its names, whether it is new or
// was there.
func TestSums(t *testing.T) {
	asRoot(t)
	fsys, dir := image(t, "ext3-links-1k"), t.TempDir()
	want := make(map[string]string)
	for path, f := range testimg.Manifest(t, "ext/ext3-links-1k.manifest.jsonl.gz") {
		if f.Type == "file" {
			want[path] = f.SHA256
		}
	}
	for _, dest := range []string{dir, dir, filepath.Join(dir, "new")} {
		sums := make(map[string]string)
		opts := Options{Resume: true, Verify: true, Sum: func(name string, sum [sha256.Size]byte) {
			require.NotContains(t, sums, name)
			sums[name] = hexOf(sum[:])
		}}
		r := copyWith(t.Context(), fsys, dest, opts, everything)
		require.NoError(t, r.err)
		require.Empty(t, r.failed)
		require.Equal(t, want, sums)
	}
	sums := make(map[string]string)
	r := copyWith(t.Context(), image(t, "ext2-holes"), t.TempDir(), Options{Sum: func(name string, sum [sha256.Size]byte) { sums[name] = hexOf(sum[:]) }}, everything)
	require.Empty(t, r.failed)
	for path, f := range testimg.Manifest(t, "ext/ext2-holes.manifest.jsonl.gz") {
		if f.Type == "file" {
			require.Equal(t, f.SHA256, sums[path], path)
		}
	}
}

// A copy that reads back as something else fails.
func TestVerify(t *testing.T) {
	x := (&copier{ctx: t.Context()}).newTransfer()
	data := bytes.Repeat([]byte("x"), 3*bufferSize+7)
	sum := sha256.Sum256(data)
	require.NoError(t, x.verify(bytes.NewReader(data), int64(len(data)), &sum))
	require.Error(t, x.verify(bytes.NewReader(data[1:]), int64(len(data)), &sum))
	for _, at := range []int{0, bufferSize, len(data) - 1} {
		data[at] ^= 1
		require.ErrorIs(t, x.verify(bytes.NewReader(data), int64(len(data)), &sum), errVerify)
		data[at] ^= 1
	}
}

func withoutAccess(files map[string]testimg.File) map[string]testimg.File {
	for path, f := range files {
		f.Atime = time.Time{}
		files[path] = f
	}
	return files
}

// A plan is what the copy does, and does nothing.
func TestPlan(t *testing.T) {
	for _, setup := range []func(dir string){
		func(string) {},
		func(dir string) { require.NoError(t, os.WriteFile(filepath.Join(dir, "etc"), nil, 0o600)) },
		func(dir string) { require.NoError(t, os.Mkdir(filepath.Join(dir, "etc"), 0o700)) },
		func(dir string) { copyAll(t.Context(), small, dir, false, Source{Path: "etc"}) },
		func(dir string) { require.NoError(t, os.MkdirAll(filepath.Join(dir, "etc/hostname"), 0o700)) },
	} {
		for _, opts := range []Options{{}, {Overwrite: true}, {Resume: true}} {
			for _, sources := range [][]Source{{{Path: "etc"}, {Path: "usr"}}, {everything}, {{Path: "etc/hostname"}, {Path: "none"}}} {
				dir := t.TempDir()
				setup(dir)
				before := withoutAccess(describeHost(t, dir))
				var names []string
				plan := run{failed: make(map[string]error)}
				plan.Summary, plan.err = Plan(t.Context(), small, sources, dir, plan.told(opts), func(name string, _ os.FileInfo) { names = append(names, name) })
				require.Equal(t, before, withoutAccess(describeHost(t, dir)))
				r := copyWith(t.Context(), small, dir, opts, sources...)
				require.Equal(t, r.failed, plan.failed)
				require.Equal(t, r.Summary, plan.Summary)
				require.NoError(t, plan.err)
				after := describeHost(t, dir)
				for _, name := range names {
					require.Contains(t, after, name)
					delete(after, name)
				}
				for name := range after {
					require.Contains(t, before, name, "it was not planned")
				}
			}
		}
	}
	_, err := Plan(t.Context(), small, []Source{{Path: "usr"}}, "/none/there", Options{}, nil)
	require.ErrorIs(t, err, os.ErrNotExist)
}

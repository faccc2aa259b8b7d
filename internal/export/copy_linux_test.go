package export

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

// asRoot skips a test that needs it.
func asRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("owners, devices and mounts need root")
	}
}

// mountTmpfs returns the directory of a new tmpfs.
func mountTmpfs(t *testing.T, options string) string {
	t.Helper()
	asRoot(t)
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skip("tmpfs cannot be mounted: ", err)
	}
	t.Cleanup(func() { require.NoError(t, unix.Unmount(dir, 0)) })
	return dir
}

// Whatever a copy of these images has, the kernel says of it what it said of
// the images themselves.
func TestCopyImages(t *testing.T) {
	asRoot(t)
	for _, name := range []string{"ext2-1k", "ext3-dirs", "ext3-links-1k", "ext4-times-256", "ext4-extents", "dirty-ext4-default"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			r := copyAll(t.Context(), image(t, name), dir, false, Source{Path: ".", Content: true})
			require.NoError(t, r.err)
			require.Empty(t, r.failed)
			require.Empty(t, r.notes)
			got := describeHost(t, dir)
			for path, want := range testimg.Manifest(t, "ext/"+name+".manifest.jsonl.gz") {
				have, ok := got[path]
				require.True(t, ok, path)
				delete(got, path)
				want.Atime, want.Ctime, want.Inode, want.Xattrs = have.Atime, have.Ctime, have.Inode, have.Xattrs
				if want.Type == "dir" {
					want.Nlink = have.Nlink // depends on the file system
				}
				require.True(t, want.Mtime.Equal(have.Mtime), "%s: mtime %s instead of %s", path, have.Mtime, want.Mtime)
				want.Mtime = have.Mtime
				require.Equal(t, want, have, path)
			}
			require.Empty(t, got)
		})
	}
}

func TestHoles(t *testing.T) {
	dir := t.TempDir()
	fsys := image(t, "ext2-holes")
	require.Empty(t, copyAll(t.Context(), fsys, dir, false, Source{Path: ".", Content: true}).failed)
	entries, err := fsys.ReadDir(".")
	require.NoError(t, err)
	sparse := 0
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		info, err := os.Stat(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		if used := info.Sys().(*syscall.Stat_t).Blocks * 512; info.Size() > 1<<20 {
			require.Less(t, used, int64(1<<20), e.Name())
			sparse++
		}
	}
	require.Positive(t, sparse)
}

func TestXattrs(t *testing.T) {
	asRoot(t)
	dir := t.TempDir()
	r := copyAll(t.Context(), image(t, "ext4-xattrs-4k"), dir, false, Source{Path: ".", Content: true})
	if len(r.notes) > 0 {
		t.Skip("the file system of ", dir, " does not have them: ", r.notes)
	}
	if len(r.failed) > 0 {
		t.Skip("the file system of ", dir, " cannot hold as many: ", r.failed)
	}
	got := describeHost(t, dir)
	for path, want := range testimg.Manifest(t, "ext/ext4-xattrs-4k.manifest.jsonl.gz") {
		require.Equal(t, len(want.Xattrs), len(got[path].Xattrs), path)
		for name, value := range want.Xattrs {
			require.Equal(t, value, got[path].Xattrs[name], "%s: %s", path, name)
		}
	}
}

// A destination that is full has complete files only, and each of the others
// is reported.
func TestFull(t *testing.T) {
	dir := mountTmpfs(t, "size=1m")
	fsys := fstest.MapFS{
		"a":   {Data: make([]byte, 300<<10)},
		"b":   {Data: make([]byte, 2<<20)},
		"c/d": {Data: make([]byte, 300<<10)},
		"c/e": {Data: make([]byte, 4<<20)},
	}
	r := copyAll(t.Context(), fsys, dir, false, Source{Path: ".", Content: true})
	require.NoError(t, r.err)
	require.ErrorIs(t, r.failed["b"], unix.ENOSPC)
	require.ErrorIs(t, r.failed["c/e"], unix.ENOSPC)
	for name, want := range map[string]int64{"a": 300 << 10, "c/d": 300 << 10} {
		if r.failed[name] != nil { // it was the one that met the end, beside a larger one
			continue
		}
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, want, info.Size())
	}
	require.NoFileExists(t, filepath.Join(dir, "b"))
	require.NoFileExists(t, filepath.Join(dir, "c/e"))
	noTemp(t, dir)
}

// No inode is left: not even a directory can be made.
func TestNoInodes(t *testing.T) {
	dir := mountTmpfs(t, "nr_inodes=4")
	r := copyAll(t.Context(), small, dir, false, Source{Path: ".", Content: true})
	require.NoError(t, r.err)
	require.NotEmpty(t, r.failed)
	for path, err := range r.failed {
		require.ErrorIs(t, err, unix.ENOSPC, path)
	}
	noTemp(t, dir)
}

// Without root, what cannot be kept is noted once and fails nothing.
func TestNotRoot(t *testing.T) {
	if os.Geteuid() == 0 {
		runAsNobody(t, "TestNotRoot")
		return
	}
	dir := t.TempDir()
	r := copyAll(t.Context(), image(t, "ext3-links-1k"), dir, false, Source{Path: ".", Content: true})
	require.NoError(t, r.err)
	require.Empty(t, r.failed)
	require.NotEmpty(t, r.notes)
	for path, f := range describeHost(t, dir) {
		require.EqualValues(t, os.Geteuid(), f.UID, path)
		require.NotContains(t, []string{"char", "block"}, f.Type)
	}
}

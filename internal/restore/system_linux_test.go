package restore

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// mounted returns a directory with a small file system, or skips.
func mounted(t *testing.T, what, kind, options string) string {
	if os.Geteuid() != 0 {
		t.Skip("a mount needs root")
	}
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", kind, "-o", options, what, dir).CombinedOutput(); err != nil {
		t.Skipf("mount: %v: %s", err, out)
	}
	t.Cleanup(func() { require.NoError(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	return dir
}

// A destination without room is not begun with; one that fills up leaves what
// --resume goes on with.
func TestFull(t *testing.T) {
	from, _ := folder(t)
	dir := mounted(t, "none", "tmpfs", "size=1536k")
	to := root(t, dir)
	_, failures := do(t, t.Context(), from, to, ".", "", Options{})
	require.Len(t, failures, 1)
	require.ErrorIs(t, failures[0], syscall.ENOSPC)
	require.Empty(t, names(t, to))
	_, failures = do(t, t.Context(), from, to, ".", "", Options{IgnoreSpace: true})
	require.Len(t, failures, 1)
	require.ErrorIs(t, failures[0], syscall.ENOSPC)
	require.NotContains(t, names(t, to), "web.vmx")
	require.NotContains(t, names(t, to), "web.vmdk")
	require.NoError(t, unix.Mount("none", dir, "tmpfs", unix.MS_REMOUNT, "size=16m"))
	_, failures = do(t, t.Context(), from, to, ".", "", Options{Resume: true})
	require.Empty(t, failures)
	require.Len(t, names(t, to), 11)
	same(t, from, to, names(t, to)...)
}

// Where blocks can be shared they are, also of a file whose descriptor changes.
func TestClone(t *testing.T) {
	if _, err := exec.LookPath("mkfs.btrfs"); err != nil {
		t.Skip("mkfs.btrfs is not installed")
	}
	disk := filepath.Join(t.TempDir(), "btrfs")
	require.NoError(t, os.WriteFile(disk, nil, 0o600))
	require.NoError(t, os.Truncate(disk, 128<<20))
	out, err := exec.Command("mkfs.btrfs", "-q", disk).CombinedOutput()
	require.NoError(t, err, string(out))
	dir := mounted(t, disk, "btrfs", "loop")
	for _, name := range []string{"from", "to"} {
		require.NoError(t, os.Mkdir(filepath.Join(dir, name), 0o777))
	}
	source, _ := folder(t)
	for _, name := range names(t, source) {
		data, err := source.ReadFile(name)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "from", name), data, 0o600))
	}
	from, to := root(t, filepath.Join(dir, "from")), root(t, filepath.Join(dir, "to"))
	results, failures := do(t, t.Context(), from, to, ".", "", Options{Verify: true})
	require.Empty(t, failures)
	require.Len(t, results, 11)
	for _, r := range results {
		require.True(t, r.Cloned, r.File)
		require.Zero(t, r.Written)
	}
	same(t, from, to, names(t, to)...)
}

// copyRange is what a server of the network does; the kernel does it as well
// within one file system.
func TestCopyRange(t *testing.T) {
	from, _ := folder(t)
	to := root(t, t.TempDir())
	source, err := from.Open("web-f001.vmdk")
	require.NoError(t, err)
	defer source.Close()
	target, err := to.Create("x")
	require.NoError(t, err)
	defer target.Close()
	told := int64(0)
	progress := func(n int64) { told += n }
	n, err := copyRange(t.Context(), target, source, span{4096, diskSize - 4096}, progress)
	require.NoError(t, err)
	if n == 0 {
		t.Skip("the file system of the temporary directory copies no ranges")
	}
	require.Equal(t, int64(diskSize-4096), n)
	require.Equal(t, n, told)
	got, err := to.ReadFile("x")
	require.NoError(t, err)
	require.Equal(t, content(1)[4096:], got[4096:])
	n, err = copyRange(t.Context(), target, source, span{diskSize - 10, 20}, progress)
	require.Error(t, err) // it ends there
	require.Equal(t, int64(10), n)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = copyRange(ctx, target, source, span{0, 10}, progress)
	require.True(t, errors.Is(err, context.Canceled))
}

// Holes are found, and stay holes.
func TestHoles(t *testing.T) {
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "flat.vmdk"))
	require.NoError(t, err)
	defer f.Close()
	require.NoError(t, f.Truncate(64<<20))
	for _, at := range []int64{1 << 20, 40 << 20} {
		_, err := f.WriteAt([]byte("data"), at)
		require.NoError(t, err)
	}
	_, err = f.WriteAt(make([]byte, 4<<20), 8<<20) // zeros that take space
	require.NoError(t, err)
	from, to := root(t, dir), root(t, t.TempDir())
	results, failures := do(t, t.Context(), from, to, "flat.vmdk", "", Options{})
	require.Empty(t, failures)
	same(t, from, to, "flat.vmdk")
	if !results[0].Cloned {
		require.Equal(t, int64(2*block), results[0].Written)
		info, err := to.Stat("flat.vmdk")
		require.NoError(t, err)
		require.Less(t, info.Sys().(*syscall.Stat_t).Blocks*512, int64(1<<20))
	}
}

package restore

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

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

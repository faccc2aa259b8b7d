package restore

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
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

// What is free is what df says, who counts as statvfs(3) does.
func TestFreeSpace(t *testing.T) {
	dir := mounted(t, "none", "tmpfs", "size=8m")
	to := root(t, dir)
	for _, used := range []int{0, 3 << 20} {
		require.NoError(t, to.WriteFile("file", make([]byte, used), 0o600))
		free, known := freeSpace(to)
		require.True(t, known)
		require.Equal(t, int64(8<<20-used), free)
		out, err := exec.Command("df", "-B1", "--output=avail", dir).Output()
		if err != nil {
			t.Logf("not compared with df: %v", err)
			continue
		}
		require.Equal(t, strconv.FormatInt(free, 10), strings.Fields(string(out))[1])
	}
	require.NoError(t, to.Close())
	_, known := freeSpace(to)
	require.False(t, known)
}

// A file system without a size says nothing.
func TestFreeSpaceUnknown(t *testing.T) {
	_, known := freeSpace(root(t, "/proc/self"))
	require.False(t, known)
}

// Blocks are not counted in what is best read at once.
func TestBlockSize(t *testing.T) {
	require.Equal(t, uint64(4096), blockSize(&unix.Statfs_t{Bsize: 1 << 20, Frsize: 4096}))
}

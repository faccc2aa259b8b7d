package restore

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

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

package restore

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

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

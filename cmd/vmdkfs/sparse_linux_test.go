package main

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRawHoles: the zeros of a disk take no room in the file that it is
// written to.
func TestRawHoles(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "raw"))
	require.NoError(t, err)
	defer f.Close()
	require.Equal(t, 0, run(t.Context(), []string{"cat", "--raw", unpacked(t, "vmdk/sparse/ovf.vmdk.gz")}, f, io.Discard))
	info, err := f.Stat()
	require.NoError(t, err)
	require.EqualValues(t, 3<<20+3*512, info.Size())
	require.Less(t, info.Sys().(*syscall.Stat_t).Blocks*512, int64(300<<10))
}

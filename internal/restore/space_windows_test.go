package restore

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// What is free is known under whatever name the directory was opened.
func TestFreeSpace(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	drive := filepath.VolumeName(dir)
	for _, name := range []string{dir, dir + `\`, ".", drive, drive + `\`, `\\?\` + dir} {
		free, known := freeSpace(root(t, name))
		require.True(t, known, name)
		require.Positive(t, free, name)
	}
	require.NoError(t, os.Mkdir("gone", 0o700))
	gone := root(t, "gone")
	require.NoError(t, gone.Close())
	require.NoError(t, os.Remove("gone"))
	_, known := freeSpace(gone)
	require.False(t, known)
}

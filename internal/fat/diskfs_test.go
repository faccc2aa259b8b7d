package fat

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/filesystem"
	"github.com/diskfs/go-diskfs/filesystem/fat12"
	"github.com/diskfs/go-diskfs/filesystem/fat16"
	"github.com/diskfs/go-diskfs/filesystem/fat32"
	"github.com/stretchr/testify/require"
)

// diskfs opens an image with go-diskfs.
func diskfs(t *testing.T, name string, image []byte) (filesystem.FileSystem, error) {
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, image, 0o600))
	backend, err := file.OpenFromPath(path, true)
	require.NoError(t, err)
	t.Cleanup(func() { backend.Close() })
	switch size := int64(len(image)); {
	case strings.HasPrefix(name, "fat12"):
		return fat12.Read(backend, size, 0, 512)
	case strings.HasPrefix(name, "fat16"):
		return fat16.Read(backend, size, 0, 512)
	default:
		return fat32.Read(backend, size, 0, 512)
	}
}

// TestAgainstDiskfs: go-diskfs reads what we do from whole files of volumes with
// two tables, under names of ASCII.
func TestAgainstDiskfs(t *testing.T) {
	for _, name := range []string{"fat12-floppy", "fat12-2k", "fat16", "fat32-small", "fat32-4k"} {
		image := golden(t, name)
		theirs, err := diskfs(t, name, image)
		require.NoError(t, err)
		ours := mustOpen(t, image)
		for _, file := range []string{"README.TXT", "left.log", "RIGHT.LOG", "EXACT.BIN", "Mixed Case Name.text", "EFI/BOOT/BOOTX64.EFI"} {
			f, err := theirs.OpenFile(file, os.O_RDONLY)
			require.NoError(t, err)
			got, err := ours.ReadFile(file)
			require.NoError(t, err)
			want := make([]byte, len(got))
			_, err = io.ReadFull(f, want)
			require.NoError(t, err)
			require.Equal(t, want, got, file)
		}
	}
}

// TestDiskfsIsNotEnough has the reasons for this package that its documentation
// gives. When it fails, go-diskfs has become better, and they are to be weighed
// again.
func TestDiskfsIsNotEnough(t *testing.T) {
	// The root of a volume with one table is listed as empty, without an error.
	for _, name := range []string{"fat12-4k", "fat16-1fat"} {
		image := golden(t, name)
		theirs, err := diskfs(t, name, image)
		require.NoError(t, err)
		list, err := theirs.ReadDir(".")
		require.NoError(t, err)
		require.Empty(t, list)
		ours, err := mustOpen(t, image).ReadDir(".")
		require.NoError(t, err)
		require.Len(t, ours, 17)
	}
	_, err := diskfs(t, "fat32", golden(t, "fat32"))
	require.Error(t, err)

	// What is read from the middle of a cluster goes on behind the end of the
	// file, without an error.
	image := golden(t, "fat16")
	theirs, err := diskfs(t, "fat16", image)
	require.NoError(t, err)
	const name, from = "Mixed Case Name.text", 700
	f, err := theirs.OpenFile(name, os.O_RDONLY)
	require.NoError(t, err)
	_, err = f.Seek(from, io.SeekStart)
	require.NoError(t, err)
	rest, err := io.ReadAll(io.LimitReader(f, 1<<20))
	require.NoError(t, err)
	whole, err := mustOpen(t, image).ReadFile(name)
	require.NoError(t, err)
	require.Greater(t, len(rest), len(whole)-from)

	// Names that are not ASCII are not found.
	_, err = theirs.OpenFile("CÜNüäß.TXT", os.O_RDONLY)
	require.Error(t, err)
	_, err = mustOpen(t, image).Stat("CÜNüäß.TXT")
	require.NoError(t, err)
}

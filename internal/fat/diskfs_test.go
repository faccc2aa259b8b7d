package fat

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/filesystem/fat12"
	"github.com/diskfs/go-diskfs/filesystem/fat16"
	"github.com/stretchr/testify/require"
)

// TestAgainstDiskfs reads files of undamaged volumes with go-diskfs too, each
// by one call: where a read begins inside a cluster, it returns what lies behind
// the end of the file.
func TestAgainstDiskfs(t *testing.T) {
	for _, name := range []string{"fat12-floppy", "fat16"} {
		image := golden(t, name)
		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(path, image, 0o600))
		backend, err := file.OpenFromPath(path, true)
		require.NoError(t, err)
		defer backend.Close()
		var theirs *fat12.FileSystem
		if name == "fat16" {
			other, err := fat16.Read(backend, int64(len(image)), 0, 512)
			require.NoError(t, err)
			theirs = other.FileSystem
		} else {
			theirs, err = fat12.Read(backend, int64(len(image)), 0, 512)
			require.NoError(t, err)
		}
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

package ext3

import (
	"bytes"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"testing"

	"github.com/diskfs/go-diskfs/backend/file"
	diskfs "github.com/diskfs/go-diskfs/filesystem/ext4"
	"github.com/stretchr/testify/require"
	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

// TestAgainstDiskfs compares the names of every directory and the content of
// every regular file with what go-diskfs reads, on images that it reads right:
// with metadata_csum, and with no name of 248 bytes or more. It does not know
// holes and unwritten extents.
func TestAgainstDiskfs(t *testing.T) {
	for _, name := range []string{"ext4-default", "ext4-1k", "ext4-modern"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			image := testimg.Load(t, "ext/"+name+".img.gz")
			at := filepath.Join(t.TempDir(), name)
			require.NoError(t, os.WriteFile(at, image, 0o600))
			backend, err := file.OpenFromPath(at, true)
			require.NoError(t, err)
			defer backend.Close()
			theirs, err := diskfs.Read(backend, int64(len(image)), 0, 512)
			require.NoError(t, err)
			f, err := Open(bytes.NewReader(image), int64(len(image)))
			require.NoError(t, err)

			dirs, files := 0, 0
			require.NoError(t, fs.WalkDir(f, ".", func(p string, d fs.DirEntry, err error) error {
				require.NoError(t, err)
				switch {
				case d.IsDir():
					require.Equal(t, diskfsNames(t, theirs, p), ourNames(t, f, p), p)
					dirs++
				case d.Type().IsRegular() && path.Base(p) != "sparse":
					want, err := theirs.ReadFile(p)
					require.NoError(t, err, p)
					got, err := f.ReadFile(p)
					require.NoError(t, err, p)
					require.True(t, bytes.Equal(want, got), p)
					files++
				}
				return nil
			}))
			require.Greater(t, dirs, 10)
			require.Greater(t, files, 100)
		})
	}
}

func diskfsNames(t *testing.T, f *diskfs.FileSystem, dir string) []string {
	list, err := f.ReadDir(dir)
	require.NoError(t, err, dir)
	return entryNames(list)
}

func ourNames(t *testing.T, f *FS, dir string) []string {
	list, err := f.ReadDir(dir)
	require.NoError(t, err, dir)
	return entryNames(list)
}

func entryNames(list []fs.DirEntry) []string {
	names := []string{}
	for _, e := range list {
		names = append(names, e.Name())
	}
	slices.Sort(names)
	return names
}

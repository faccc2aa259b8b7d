package diff

import (
	"bytes"
	"io"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
	"github.com/vmdkfs/vmdkfs/ntfs"
)

func openNTFS(t *testing.T, image []byte) *ntfs.FS {
	f, err := ntfs.Open(bytes.NewReader(image), int64(len(image)))
	require.NoError(t, err)
	return f
}

// A byte that changes in a named stream alone is a difference, also where the
// stream is larger than an extended attribute can be.
func TestStreams(t *testing.T) {
	image := testimg.NTFS(t, "streams")
	f := openNTFS(t, image)
	large := 0
	require.NoError(t, fs.WalkDir(f, ".", func(path string, e fs.DirEntry, err error) error {
		require.NoError(t, err)
		info, err := e.Info()
		require.NoError(t, err)
		streams, err := info.Sys().(*ntfs.FileRecord).Streams()
		require.NoError(t, err)
		for _, s := range streams {
			at, ok := firstByte(t, f, streamPath(path, s.Name))
			if !ok {
				continue // resident, compressed, or all holes
			}
			changed := bytes.Clone(image)
			changed[at] ^= 1
			changes, err := Trees(t.Context(), Tree{FS: f, Name: "."}, Tree{FS: openNTFS(t, changed), Name: "."}, Options{
				Checksum: true,
				Fail:     func(_ bool, path string, err error) { t.Error(path, err) },
				Note:     func(string, error) {},
			})
			require.NoError(t, err)
			require.Len(t, changes, 1, "%s:%s", path, s.Name)
			require.Equal(t, []Aspect{Xattrs}, changes[0].Aspects)
			if s.Size > 64<<10 {
				large++
			}
		}
		return nil
	}))
	require.NotZero(t, large)
}

// firstByte returns where the first byte of a stream lies in the image.
func firstByte(t *testing.T, f *ntfs.FS, name string) (at int64, ok bool) {
	opened, err := f.Open(name)
	require.NoError(t, err)
	defer opened.(io.Closer).Close()
	for e, err := range opened.(layer.File).Extents() {
		require.NoError(t, err)
		if e.Physical >= 0 {
			return e.Physical, true
		}
	}
	return 0, false
}

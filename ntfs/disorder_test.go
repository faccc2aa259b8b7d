package ntfs

import (
	"bytes"
	"io/fs"
	"path"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

// TestNameOutOfOrder: a name that is listed is found by its path, wherever in
// the index it stands.
func TestNameOutOfOrder(t *testing.T) {
	image := testimg.NTFS(t, "c4096")
	const dir, name, out = "many", "entry-028-of-the-directory", "~ntry-028-of-the-directory"
	utf16 := func(s string) (b []byte) {
		for _, c := range []byte(s) {
			b = append(b, c, 0)
		}
		return b
	}
	for at := 0; at+4096 <= len(image); at += 4096 { // in the index only, not in its own record
		if block := image[at : at+4096]; string(block[:4]) == "INDX" {
			copy(block, bytes.Replace(block, utf16(name), utf16(out), 1))
		}
	}
	fsys, err := Open(bytes.NewReader(image), int64(len(image)))
	require.NoError(t, err)
	list, err := fs.ReadDir(fsys, dir)
	require.NoError(t, err)
	found := false
	for _, e := range list {
		_, err := fsys.Lstat(path.Join(dir, e.Name()))
		require.NoError(t, err, e.Name())
		found = found || e.Name() == out
	}
	require.True(t, found)
	_, err = fsys.Lstat(dir + "/" + name)
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = fsys.Lstat(dir + "/~NTRY-028-of-the-directory")
	require.NoError(t, err)
}

package ntfs

import (
	"bytes"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
)

// largeDir is a directory that once had 20,000 names.
const largeImage, largeDir = "crowded", "few"

// indexOf opens the index of a directory.
func indexOf(t *testing.T, f *FS, dir string) *index {
	t.Helper()
	info, err := f.Stat(dir)
	require.NoError(t, err)
	x, err := info.Sys().(*FileRecord).file()
	require.NoError(t, err)
	ix, err := x.index(indexNames)
	require.NoError(t, err)
	return ix
}

// TestMissingName: that a name is not in a large directory costs the blocks on
// the way to where it would be, and not all of them.
func TestMissingName(t *testing.T) {
	image := testimg.NTFS(t, largeImage)
	for _, name := range []string{"!", "09999 and a half", "ZZZ", "00007:stream", ":stream"} {
		source := &counter{ReaderAt: bytes.NewReader(image)}
		f, err := Open(source, int64(len(image)))
		require.NoError(t, err)
		ix := indexOf(t, f, largeDir)
		require.Greater(t, ix.size(), int64(smallIndex), "the directory is too small to tell")
		_, err = f.upCase()
		require.NoError(t, err)
		before := source.reads
		_, err = f.Stat(largeDir + "/" + name)
		require.ErrorIs(t, err, fs.ErrNotExist, name)
		require.LessOrEqual(t, source.reads-before, 6, name)
	}
}

// TestDisorder: a large directory in which a node is out of order is searched
// through, and a name that is not found in it may be there.
func TestDisorder(t *testing.T) {
	image := testimg.NTFS(t, largeImage)
	f, err := Open(bytes.NewReader(image), int64(len(image)))
	require.NoError(t, err)
	key := secondKey(t, indexOf(t, f, largeDir))
	at := bytes.Index(image, key)
	require.Positive(t, at)
	name := fileName(key)
	image[at+len(key)-len(name.name())] = '!' // before all others, and yet the second

	f, err = Open(bytes.NewReader(image), int64(len(image)))
	require.NoError(t, err)
	_, err = f.Stat(largeDir + "/!" + shownName(name.name())[1:])
	require.NoError(t, err)
	_, err = f.Stat(largeDir + "/!z")
	require.ErrorIs(t, err, layer.ErrCorrupt)
	require.ErrorContains(t, err, errDisorder.Error())
}

// secondKey returns the second key of the first node that has two on the way to
// the least key.
func secondKey(t *testing.T, ix *index) []byte {
	for entries := ix.root; ; {
		list := indexEntries{rest: entries}
		require.True(t, list.advance())
		first := list.indexEntry
		if !list.isLast() && list.advance() && !list.isLast() {
			return list.key()
		}
		require.NotZero(t, first.flags()&entryHasChild, "no node has two keys")
		n, err := ix.childBlock(first.child())
		require.NoError(t, err)
		entries, err = ix.block(n, make([]byte, ix.blockSize))
		require.NoError(t, err)
	}
}

package ntfs

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

// TestGoldenWOF reads files that wimlib compressed and ntfs-3g stored: they hold
// what ntfs-3g read of them before.
func TestGoldenWOF(t *testing.T) {
	image := testimg.NTFS(t, "wof/wof")
	f, err := Open(bytes.NewReader(image), int64(len(image)))
	require.NoError(t, err)
	list, err := f.ReadDir(".")
	require.NoError(t, err)
	names := make(map[string]bool)
	for _, e := range list {
		names[e.Name()] = true
	}
	d := json.NewDecoder(bytes.NewReader(testimg.Load(t, "ntfs/wof/wof.manifest.jsonl.gz")))
	n := 0
	for ; d.More(); n++ {
		var l line
		require.NoError(t, d.Decode(&l))
		require.True(t, names[l.Path], l.Path)
		info, err := fs.Stat(f, l.Path)
		require.NoError(t, err)
		require.Equal(t, l.Size, info.Size())
		digest, err := sum(f, l.Path)
		require.NoError(t, err, l.Path)
		require.Equal(t, l.SHA256, digest, l.Path)
	}
	require.Equal(t, 40, n)
}

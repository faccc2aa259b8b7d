package ntfs

import (
	"bytes"
	"encoding/json"
	"io"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

// A deletedLine is what sleuthkit and ntfsundelete find of a deleted file:
// ntfsdeleted.py describes the fields.
type deletedLine struct {
	Inode                                uint64
	Path, Name                           string
	Dir, Resident                        bool
	Size, Clusters, Used, Percent        int64
	Created, Modified, Changed, Accessed int64 // FILETIME
}

// TestDeletedForeign: of deleted files we find those that sleuthkit and ntfsundelete
// do, with the same names, directories, sizes, times and clusters, and the same
// of these in use again.
func TestDeletedForeign(t *testing.T) {
	f := golden(t, "deleted")
	got := make(map[uint64]Deleted)
	for d, err := range f.Deleted() {
		require.NoError(t, err)
		if d.Name.Name != "" {
			got[d.Number] = d
		}
	}
	reused := 0
	lines := json.NewDecoder(bytes.NewReader(testimg.Load(t, "ntfs/deleted.deleted.jsonl.gz")))
	for {
		var want deletedLine
		err := lines.Decode(&want)
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		d, found := got[want.Inode]
		require.True(t, found, want.Path)
		delete(got, want.Inode)
		elems, whole := f.Path(d)
		require.True(t, whole, want.Path)
		if want.Path == "" { // fls passed over it
			want.Path = path.Join(path.Dir(strings.Join(elems, "/")), want.Name)
		}
		require.Equal(t, want.Path, strings.Join(elems, "/"))
		require.Equal(t, want.Name, d.Name.Name)
		require.Equal(t, want.Dir, d.Dir, want.Path)
		require.Equal(t, want.Size, d.Length, want.Path)
		require.Equal(t, want.Resident, d.Resident, want.Path)
		require.Equal(t, []int64{want.Clusters, want.Used}, []int64{d.Clusters, d.Reused}, want.Path)
		for _, times := range [][2]int64{
			{want.Created, ticks(d.Created)}, {want.Modified, ticks(d.Modified)}, {want.Changed, ticks(d.Changed)}, {want.Accessed, ticks(d.Accessed)},
		} {
			require.Equal(t, times[0], times[1], want.Path)
		}
		// ntfsundelete counts the clusters of a hole as free ones, and knows
		// nothing of compression.
		if d.Clusters == (d.Length+f.geo.clusterSize-1)/f.geo.clusterSize && d.Clusters > 0 {
			require.Equal(t, want.Percent, 100*(d.Clusters-d.Reused)/d.Clusters, want.Path)
		}
		if d.Reused > 0 {
			reused++
		}
	}
	require.Empty(t, got)
	require.NotZero(t, reused)
}

package ntfs

import (
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestState(t *testing.T) {
	for name, want := range map[string]State{
		"c4096":        {},
		"dirty":        {Dirty: true, CheckPending: true, Flags: 1},
		"chkdsk":       {Dirty: true, CheckPending: true, ModifiedByChkdsk: true, Flags: 0x8021},
		"hibernated":   {Hibernation: Hibernated},
		"fast-started": {Hibernation: HibernatedOrFastStart},
		"resumed":      {Hibernation: Resumed},
	} {
		want.LogClean = true
		f := golden(t, name)
		s, err := f.State()
		require.NoError(t, err, name)
		require.Equal(t, want, s, name)
		require.Equal(t, want.Flags == 0 && (want.Hibernation == "" || want.Hibernation == Resumed), s.Clean(), name)
	}
	require.Contains(t, State{}.String(), "in use when it was copied")
	require.Contains(t, State{LogErr: fs.ErrInvalid}.String(), "cannot be told")
	require.Contains(t, State{Flags: volumeCheckUnderway}.String(), "chkdsk was at work")
	require.Contains(t, State{Hibernation: Hibernated, Dirty: true}.String(), "; ")
}

// TestInfo compares the facts with what mkntfs was told.
func TestInfo(t *testing.T) {
	for name, cluster := range map[string]int64{"c512": 512, "c4096": 4096, "c64k": 65536, "c2m": 2 << 20, "s4096": 4096} {
		i, err := golden(t, name).Info()
		require.NoError(t, err)
		require.Equal(t, cluster, i.ClusterSize, name)
		require.Equal(t, "3.1", i.Version)
		require.Equal(t, i.Size/i.ClusterSize, i.Clusters)
		require.Positive(t, i.FreeClusters)
		require.Less(t, i.FreeClusters, i.Clusters)
		require.Regexp(t, `^[0-9A-F]{4}-[0-9A-F]{4}$`, i.Serial)
		require.Len(t, i.FullSerial, 16)
	}
}

// TestDeleted: the deleted files of the image are there, by their names.
func TestDeleted(t *testing.T) {
	f := golden(t, "crowded")
	found := make(map[string]Deleted)
	for d, err := range f.Deleted() {
		require.NoError(t, err)
		if d.Name.Name != "" {
			found[d.Name.Name] = d
		}
	}
	require.NotEmpty(t, found)
	intact := 0
	for name, d := range found {
		require.False(t, d.Modified.IsZero(), name)
		require.LessOrEqual(t, d.Reused, d.Clusters)
		require.Equal(t, d.Resident, d.Clusters == 0 && d.Length < 1024 && !d.Dir, name)
		if d.Clusters > 0 && d.Reused == 0 {
			intact++
		}
	}
	t.Log(len(found), "deleted,", intact, "intact")
	require.Positive(t, intact)
	for range f.Deleted() {
		break // a caller may stop
	}
}

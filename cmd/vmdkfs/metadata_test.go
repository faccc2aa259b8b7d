package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The older copies of a group's metadata are listed, and shown when asked for.
func TestMetadata(t *testing.T) {
	disk := unpacked(t, "lvm/wrapped.pv0.img.gz")
	r := invoke(t, "info", "--metadata", "--json", disk)
	require.Zero(t, r.status, r.err)
	var list []versionFacts
	require.NoError(t, json.Unmarshal([]byte(r.out), &list))
	require.Greater(t, len(list), 5)
	require.True(t, list[0].Current)
	require.Empty(t, list[0].Differs)
	require.Equal(t, list[0].Seqno-1, list[1].Seqno)
	require.Equal(t, []string{"data", "renamed"}, list[1].Differs)

	r = invoke(t, "info", "--metadata", disk)
	require.Zero(t, r.status, r.err)
	lines := strings.Split(strings.TrimSpace(r.out), "\n")
	require.Len(t, lines, len(list)+1)
	require.Contains(t, lines[0], "vg_wrapped  LVM2 VG, UUID "+list[0].UUID)
	require.Contains(t, lines[1], ", in force")
	require.Contains(t, lines[2], "other: data renamed")

	version := "vg_wrapped=" + strings.TrimSpace(strings.Fields(lines[2])[1])
	r = invoke(t, "ls", "--vg-seqno", version, disk, "vg_wrapped")
	require.Zero(t, r.status, r.err)
	require.Equal(t, "renamed\n", r.out)
	require.Contains(t, r.err, "is shown as of change")
	r = invoke(t, "ls", disk, "vg_wrapped")
	require.Zero(t, r.status, r.err)
	require.Equal(t, "data\n", r.out)

	r = invoke(t, "ls", "--vg-seqno", "vg_wrapped=1", disk)
	require.Equal(t, exitFailed, r.status)
	require.Contains(t, r.err, "no copy of the metadata has change 1")
	for _, bad := range []string{"vg", "=1", "vg=x"} {
		r = invoke(t, "ls", "--vg-seqno", bad, disk)
		require.Equal(t, exitUsage, r.status)
		require.Contains(t, r.err, "GROUP=SEQNO")
	}
}

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

// What a group hides is listed on request, and info says what is a snapshot of
// what, in which pool, and of what is missing where it was.
func TestHiddenVolumes(t *testing.T) {
	var args []string
	for i, name := range []string{"lvm/snapshots.pv0.img.gz", "lvm/snapshots.pv1.img.gz"} {
		if i > 0 {
			args = append(args, "--disk")
		}
		args = append(args, unpacked(t, name))
	}
	r := invoke(t, append([]string{"ls"}, append(args, "vg_snap")...)...)
	require.Zero(t, r.status, r.err)
	require.Equal(t, "both\nboth8\nfull\nfull4\njoins\nplain\nplain16\nplain4\nvirtual\n", r.out)
	r = invoke(t, append([]string{"ls", "--hidden"}, append(args, "vg_snap")...)...)
	require.Zero(t, r.status, r.err)
	require.Contains(t, r.out, "both_rimage_0\nboth_rimage_1\nboth_rmeta_0\n")
	whole := invoke(t, append([]string{"cat", "--raw"}, append(args, "vg_snap/both")...)...)
	leg := invoke(t, append([]string{"cat", "--raw", "--hidden"}, append(args, "vg_snap/both_rimage_1")...)...)
	require.Zero(t, leg.status, leg.err)
	require.Equal(t, whole.out, leg.out)
	require.NotEmpty(t, leg.out)

	text, f := infoOf(t, exitFailed, append([]string{"--hidden"}, args...)...) // one snapshot is full
	require.Contains(t, text, "vg_snap/plain4  640 KiB, linear, 1 segment, snapshot of plain\n")
	require.Contains(t, text, "vg_snap/joins  768 KiB, linear, 1 segment, becoming its snapshot joins4\n")
	require.Contains(t, text, "vg_snap/both_rimage_0  384 KiB, linear, 1 segment, hidden\n")
	for _, v := range f.Groups[0].Volumes {
		require.Equal(t, v.Hidden, v.Content == nil, v.Path)
	}
	text, f = infoOf(t, exitFailed, args[0])
	require.Contains(t, text, ", last seen as /dev/sdb\n")
	require.Equal(t, "/dev/sdb", f.Groups[0].PVs[1].Device)

	text, _ = infoOf(t, 0, unpacked(t, "lvm/thin.pv0.img.gz"))
	require.Contains(t, text, ", thin, 1 segment, snapshot of base, pool pool\n")
	text, _ = infoOf(t, 0, "--hidden", unpacked(t, "lvm/thin.pv0.img.gz"))
	require.Contains(t, text, "vg_thin/pool  ")
	text, f = infoOf(t, exitFailed, unpacked(t, "lvm/linear.pv0.img.gz")) // a volume is an error
	require.NotEmpty(t, f.Groups[0].Tags)
	require.Contains(t, text, "@"+f.Groups[0].Tags[0])
}

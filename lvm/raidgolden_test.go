package lvm

import (
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

// raidSets are the sets of gen/raid.sh. What is in the manifest can be read;
// what is not is incomplete.
var raidSets = []struct {
	name    string
	without []int // indices of the PVs to leave out
	sums    string
}{
	{"raid", nil, "raid"},
	{"raid", []int{1}, "raid-1"},
	{"raid", []int{0, 3}, "raid-2"},
	{"legs", nil, "legs"},
	{"legs", []int{1}, "legs"},
	{"mirrors", nil, "mirrors"},
	{"mirrors", []int{0}, "mirrors-0"},
	{"moving", nil, "moving"},
	{"snapshots", nil, "snapshots"},
	{"recovering", nil, "recovering"},
	{"reshaped", nil, "reshaped"},
	{"reshaped", []int{0}, "reshaped"}, // all are raid5, raid6 and raid10, which do without any leg
	{"reshaped", []int{1}, "reshaped"},
	{"reshaped", []int{2}, "reshaped"},
	{"reshaped", []int{5}, "reshaped"},
}

// TestRaid compares every volume with what the kernel read from it.
func TestRaid(t *testing.T) {
	for _, set := range raidSets {
		t.Run(set.sums, func(t *testing.T) {
			var pvs []PV
			for i, pv := range golden(t, set.name) {
				if !slices.Contains(set.without, i) {
					pvs = append(pvs, pv)
				}
			}
			fsys, err := Open(pvs)
			require.NoError(t, err)
			want := sums(t, set.sums)
			err = fs.WalkDir(fsys, ".", func(path string, d fs.DirEntry, err error) error {
				require.NoError(t, err)
				if d.IsDir() {
					return nil
				}
				sum := want[path]
				delete(want, path)
				f, err := fsys.Open(path)
				if sum == "" || sum == "error" {
					if err == nil {
						_, err = io.Copy(io.Discard, f)
					}
					require.ErrorIs(t, err, layer.ErrIncomplete, path)
					return nil
				}
				require.NoError(t, err, path)
				checkVolume(t, path, f.(layer.File), sum)
				return nil
			})
			require.NoError(t, err)
			require.Empty(t, want, "not in the file system")
		})
	}
}

// TestStaleLeg: where too many legs are gone, the one that is out of date is
// not read in their place. Of two mirrors, only the superblock of the good one
// tells; without it the kernel reads the other as well.
func TestStaleLeg(t *testing.T) {
	pvs := golden(t, "legs")
	want := sums(t, "legs")
	fsys := mustOpen(t, slices.Delete(pvs, 0, 1)...)
	for _, name := range []string{"r5", "r10"} {
		_, err := fsys.Open("vg_legs/" + name)
		require.ErrorIs(t, err, layer.ErrIncomplete, name)
		require.ErrorContains(t, err, `last seen as "/dev/sda"`, name)
	}
	f, err := fsys.Open("vg_legs/r6")
	require.NoError(t, err)
	checkVolume(t, "vg_legs/r6", f.(layer.File), want["vg_legs/r6"])
	require.Contains(t, strings.Join(texts(fsys.Warnings()), "\n"), `vg_legs/r6: segment1: raid6 with leg 1, "r6_rimage_1", not in sync`)
	require.Contains(t, strings.Join(texts(fsys.Warnings()), "\n"), `vg_legs/r6: segment1: raid6 without leg 0: segment1: lies on`)
}

// TestHiddenLegs: the volumes that LVM hides have files where they are asked
// for, and a stale leg is what it is.
func TestHiddenLegs(t *testing.T) {
	fsys := mustOpen(t, golden(t, "legs")...)
	list, err := fsys.ReadDir("vg_legs")
	require.NoError(t, err)
	require.Len(t, list, 4)
	all := fsys.Hidden()
	list, err = all.ReadDir("vg_legs")
	require.NoError(t, err)
	require.Len(t, list, 4+2*(2+3+5+4))
	whole, err := all.ReadFile("vg_legs/r1")
	require.NoError(t, err)
	stale, err := all.ReadFile("vg_legs/r1_rimage_0")
	require.NoError(t, err)
	good, err := all.ReadFile("vg_legs/r1_rimage_1")
	require.NoError(t, err)
	require.Equal(t, whole, good)
	require.NotEqual(t, whole, stale)
}

// TestRaidExtents: what is mapped lies where it is said to, and what is rebuilt
// lies nowhere.
func TestRaidExtents(t *testing.T) {
	pvs := golden(t, "raid")
	for _, without := range []bool{false, true} {
		if without {
			pvs = slices.Delete(pvs, 1, 2)
		}
		fsys := mustOpen(t, pvs...)
		for _, path := range []string{"vg_raid/r5ls4", "vg_raid/r6zr16", "vg_raid/r1-3", "vg_raid/r10-4"} {
			f, err := fsys.Open(path)
			require.NoError(t, err)
			want, err := fsys.ReadFile(path)
			require.NoError(t, err)
			next, derived := int64(0), false
			for e, err := range f.(layer.File).Extents() {
				require.NoError(t, err)
				require.Equal(t, next, e.Offset)
				next += e.Length
				if e.Physical < 0 {
					derived = true
					continue
				}
				got := make([]byte, e.Length)
				_, err = pvs[e.Source].Reader.ReadAt(got, e.Physical)
				require.NoError(t, err)
				require.Equal(t, want[e.Offset:next], got)
			}
			require.EqualValues(t, len(want), next)
			require.Equal(t, without && path[:10] != "vg_raid/r1", derived, path)
		}
	}
}

// TestGoldenRecovering: a leg that was being recovered when the machine went
// off is read no further than that; behind it lies what was there before.
func TestGoldenRecovering(t *testing.T) {
	fsys := mustOpen(t, golden(t, "recovering")...)
	for _, name := range []string{"r1", "r5"} {
		require.Contains(t, strings.Join(texts(fsys.Warnings()), "\n"), "vg_recovering/"+name+": segment1: raid")
	}
	all := fsys.Hidden()
	whole, err := all.ReadFile("vg_recovering/r1")
	require.NoError(t, err)
	behind := 0
	for _, leg := range []string{"vg_recovering/r1_rimage_0", "vg_recovering/r1_rimage_1"} {
		got, err := all.ReadFile(leg)
		require.NoError(t, err)
		if strings.Contains(string(got), "vg_recovering/before 0") {
			behind++
			require.Equal(t, whole[:len(whole)/8], got[:len(whole)/8])
		} else {
			require.Equal(t, whole, got)
		}
	}
	require.Equal(t, 1, behind)

	// Without the good leg, what has been recovered is there, and the rest is
	// not made up.
	fsys = mustOpen(t, golden(t, "recovering")[1:]...)
	if f, err := fsys.Open("vg_recovering/r1"); err == nil {
		buf := make([]byte, len(whole))
		n, err := f.(layer.File).ReadAt(buf, 0)
		require.ErrorIs(t, err, layer.ErrIncomplete)
		require.Less(t, n, len(whole))
		require.Equal(t, whole[:n], buf[:n])
	} else {
		require.ErrorIs(t, err, layer.ErrIncomplete)
	}
}

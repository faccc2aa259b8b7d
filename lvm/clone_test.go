package lvm

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

// twoPV returns the PV with that id of a group on a and b, in which vg/lv lies
// at that extent of b.
func twoPV(id byte, seqno int, extent int64, disk string) PV {
	text := vgText("vg", 'g', seqno, "ab", lvText("lv", linear(0, 1, "pv1", extent)))
	pv := onePV(id, text).pv()
	pv.Disk = disk
	pv.Name = string(id) + disk
	return pv
}

// A disk and its clone make two groups, each on its own PVs.
func TestClones(t *testing.T) {
	other := onePV('x', one("other", 'h', 1, "x", 3)).pv()
	noMeta := func(disk string) PV {
		p := onePV('b', "")
		p.areas = nil
		pv := p.pv()
		pv.Name, pv.Disk = "b"+disk, disk
		return pv
	}
	for name, c := range map[string]struct {
		pvs    []PV
		groups [][2]string // PVs of each group, as in Dir order
		extent []int       // of vg/lv in each
		how    string
	}{
		"one disk":       {[]PV{twoPV('a', 1, 1, "/1"), twoPV('b', 1, 1, "/1"), twoPV('b', 1, 1, "/2"), twoPV('a', 1, 1, "/2")}, [][2]string{{"a/1", "b/1"}, {"a/2", "b/2"}}, []int{1, 1}, "disks and metadata"},
		"metadata":       {[]PV{twoPV('a', 1, 1, ""), twoPV('b', 2, 2, ""), twoPV('b', 1, 1, ""), twoPV('a', 2, 2, "")}, [][2]string{{"a", "b"}, {"a", "b"}}, []int{1, 2}, "disks and metadata"},
		"order":          {[]PV{twoPV('a', 1, 1, ""), twoPV('b', 1, 1, ""), twoPV('a', 1, 1, ""), twoPV('b', 1, 1, "")}, [][2]string{{"a", "b"}, {"a", "b"}}, []int{1, 1}, "the order in which they are given"},
		"disk, no areas": {[]PV{twoPV('a', 1, 1, "/1"), noMeta("/1"), twoPV('a', 2, 2, "/2"), noMeta("/2")}, [][2]string{{"a/1", "b/1"}, {"a/2", "b/2"}}, []int{1, 2}, "disks and metadata"},
		"one cloned":     {[]PV{twoPV('a', 1, 1, "/1"), twoPV('b', 1, 1, "/2"), twoPV('a', 2, 2, "/3")}, [][2]string{{"a/1", "b/2"}, {"a/3", ""}}, []int{1, -1}, "disks and metadata"},
		// On one disk twice: the disk tells nothing.
		"partitions": {[]PV{twoPV('a', 1, 1, "/1"), twoPV('a', 2, 2, "/1"), twoPV('b', 1, 1, "/1"), twoPV('b', 2, 2, "/1")}, [][2]string{{"a/1", "b/1"}, {"a/1", "b/1"}}, []int{1, 2}, "disks and metadata"},
	} {
		t.Run(name, func(t *testing.T) {
			fsys := mustOpen(t, append(c.pvs, other)...)
			data, err := fsys.ReadFile("other/lv")
			require.NoError(t, err)
			require.Equal(t, expect('x', 3, 1), data)
			require.ErrorContains(t, fsys.Warnings()[0], c.how)
			var clones []*Group
			for _, g := range fsys.Groups() {
				if g.Name == "vg" {
					clones = append(clones, g)
				}
			}
			require.Len(t, clones, len(c.groups))
			for n, g := range clones {
				require.Equal(t, "vg~gggggg-g~"+string(rune('1'+n)), g.Dir)
				require.Equal(t, c.groups[n], [2]string{g.PVs[0].PV, g.PVs[1].PV})
				data, err := fsys.ReadFile(g.Dir + "/lv")
				if c.extent[n] < 0 {
					require.ErrorIs(t, err, layer.ErrIncomplete)
					continue
				}
				require.NoError(t, err)
				require.Equal(t, expect('b', c.extent[n], 1), data)
			}
		})
	}
}

// When nothing tells which PVs belong together, none of them is guessed.
func TestClonesUndecided(t *testing.T) {
	other := onePV('x', one("other", 'h', 1, "x", 3)).pv()
	pvs := []PV{twoPV('a', 1, 1, "/1"), twoPV('b', 1, 1, "/2"), twoPV('a', 1, 1, "/3")}
	fsys := mustOpen(t, append(pvs, other)...)
	require.Len(t, fsys.Groups(), 1)
	require.ErrorIs(t, fsys.Warnings()[0], layer.ErrCorrupt)
	require.ErrorContains(t, fsys.Warnings()[0], "a/1, b/2, a/3")
	_, err := Open(pvs)
	require.ErrorIs(t, err, layer.ErrCorrupt)
	require.ErrorContains(t, err, "nothing tells which")

	// An order that would tear what the metadata joins is none.
	pvs = []PV{twoPV('a', 1, 1, ""), twoPV('a', 2, 1, ""), twoPV('a', 2, 1, ""), twoPV('b', 2, 1, ""), twoPV('b', 2, 1, ""), twoPV('b', 1, 1, "")}
	_, err = Open(pvs)
	require.ErrorIs(t, err, layer.ErrCorrupt)
}

// Two copies of a disk without metadata are no reason to fail.
func TestClonedOrphans(t *testing.T) {
	fsys := mustOpen(t, onePV('a', "").pv(), onePV('a', "").pv())
	require.Empty(t, fsys.Groups())
	require.Len(t, fsys.Warnings(), 3)
}

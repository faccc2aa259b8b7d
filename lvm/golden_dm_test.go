package lvm

import (
	"bytes"
	"path"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
)

// dmSets are the sets of thin pools, caches and the like, with the volumes of
// each that have no file of their own in the appliance.
var dmSets = map[string][]string{
	"thin": {"pool"}, "odd": {"pool"}, "external": {"pool", "pool2"}, "merging": {"pool"}, "torn": {"pool"},
	"cache": nil, "cutcache": nil, "writecache": nil, "cutwrite": nil, "exported": nil,
}

// TestGoldenDM compares every volume with what the kernel read in a copy of
// the same images.
func TestGoldenDM(t *testing.T) {
	for set, pools := range dmSets {
		t.Run(set, func(t *testing.T) {
			t.Parallel()
			fsys, err := Open(golden(t, set))
			require.NoError(t, err)
			want := sums(t, set)
			dir := "vg_" + set
			list, err := fsys.ReadDir(dir)
			require.NoError(t, err)
			require.Len(t, list, len(want))
			for _, pool := range pools {
				_, err := fsys.Hidden().Open(path.Join(dir, pool))
				require.ErrorIs(t, err, layer.ErrUnsupported)
				require.ErrorContains(t, err, `segment type "thin-pool"`)
			}
			for name, sum := range want {
				f, err := fsys.Open(name)
				require.NoError(t, err)
				checkVolume(t, name, f.(layer.File), sum)
			}
		})
	}
}

// Reading what the extents say gives what reading the volume gives.
func TestGoldenDMExtents(t *testing.T) {
	for _, set := range []string{"odd", "external", "cutcache", "cutwrite"} {
		pvs := golden(t, set)
		fsys, err := Open(pvs)
		require.NoError(t, err)
		for name := range sums(t, set) {
			f, err := fsys.Open(name)
			require.NoError(t, err)
			want, err := fsys.ReadFile(name)
			require.NoError(t, err)
			got := make([]byte, len(want))
			for e, err := range f.(layer.File).Extents() {
				require.NoError(t, err)
				_, err = pvs[e.Source].Reader.ReadAt(got[e.Offset:][:e.Length], e.Physical)
				require.NoError(t, err)
			}
			require.True(t, bytes.Equal(want, got), name)
		}
	}
}

// TestGoldenIntegrity compares the legs of raid1 with what the kernel read in
// each, and the volumes themselves.
func TestGoldenIntegrity(t *testing.T) {
	for _, set := range []string{"integrity", "cutintegrity"} {
		fsys, err := Open(golden(t, set))
		require.NoError(t, err)
		volumes := make(map[string]*Volume)
		for _, v := range fsys.Groups()[0].Volumes {
			volumes[v.object()] = v
		}
		want := sums(t, set)
		require.Len(t, want, 6)
		for name, sum := range want {
			v := volumes[name]
			require.NotNil(t, v, name)
			require.NoError(t, v.Err, name)
			r := extent.NewReader(v.layout, v.Size, fsys.set.sources...)
			content := make([]byte, v.Size)
			_, err := r.ReadAt(content, 0)
			require.NoError(t, err, name)
			checkContent(t, name, r, content, sum)
		}
	}
}

// A group that LVM would refuse is read, and its status tells.
func TestGoldenExported(t *testing.T) {
	fsys, err := Open(golden(t, "exported"))
	require.NoError(t, err)
	require.Contains(t, fsys.Groups()[0].Status, "EXPORTED")
}

// Cut anywhere, a set gives errors of a kind, and no panic.
func TestGoldenDMTruncated(t *testing.T) {
	for _, set := range []string{"odd", "cutcache", "writecache", "integrity"} {
		pv := golden(t, set)[0]
		for _, size := range []int64{1 << 20, 1<<20 + 4096, 3 << 20, 9 << 20, pv.Size / 2, pv.Size - 1<<20} {
			short := pv
			short.Size = size
			if fsys, err := Open([]PV{short}); err == nil {
				testimg.Exercise(t, fsys)
			}
		}
	}
}

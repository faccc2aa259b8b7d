package vmdkfs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs"
	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/lvm"
)

// A disk and its copy are both read, under names of their own.
func TestClonedDisks(t *testing.T) {
	dir := t.TempDir()
	data := testimg.Load(t, "lvm/wrapped.pv0.img.gz")
	for _, name := range []string{"one.img", "two.img"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
	d, err := vmdkfs.OpenFile(filepath.Join(dir, "one.img"), vmdkfs.WithDiskFile(filepath.Join(dir, "two.img")))
	require.NoError(t, err)
	defer d.Close()
	groups, err := d.Groups()
	require.NoError(t, err)
	require.Len(t, groups, 2)
	a, err := fs.ReadFile(d, groups[0].Dir+"/data")
	require.NoError(t, err)
	b, err := fs.ReadFile(d, groups[1].Dir+"/data")
	require.NoError(t, err)
	require.NotEqual(t, groups[0].Dir, groups[1].Dir)
	require.Equal(t, a, b)
	versions, err := d.History()
	require.NoError(t, err)
	require.NotEmpty(t, versions)
}

// A physical volume on a logical volume is looked for on request only.
func TestNested(t *testing.T) {
	outer := testimg.Load(t, "lvm/linear.pv0.img.gz")
	inner := testimg.Load(t, "lvm/wrapped.pv0.img.gz")
	name := filepath.Join(t.TempDir(), "disk.img")

	// The inner PV is written to where the volume "root" lies, and as much of
	// it as there is room for.
	fsys := func() *lvm.FS {
		require.NoError(t, os.WriteFile(name, outer, 0o600))
		f, err := os.Open(name)
		require.NoError(t, err)
		defer f.Close()
		fsys, err := lvm.Open([]lvm.PV{{Name: "pv", Reader: f, Size: int64(len(outer))}})
		require.NoError(t, err)
		return fsys
	}()
	for _, v := range fsys.Groups()[0].Volumes {
		if v.Name != "root" {
			continue
		}
		for _, s := range v.Segments {
			copy(outer[s.Stripes[0].Offset:][:s.Length], inner[s.Start:])
		}
	}
	require.NoError(t, os.WriteFile(name, outer, 0o600))

	d, err := vmdkfs.OpenFile(name)
	require.NoError(t, err)
	groups, err := d.Groups()
	require.NoError(t, err)
	require.Len(t, groups, 1)
	require.NoError(t, d.Close())

	d, err = vmdkfs.OpenFile(name, vmdkfs.WithNested())
	require.NoError(t, err)
	defer d.Close()
	groups, err = d.Groups()
	require.NoError(t, err)
	require.Len(t, groups, 2)
	require.Equal(t, "vg_wrapped", groups[1].Dir)
	got, err := fs.ReadFile(d, "vg_wrapped/data")
	require.NoError(t, err)
	require.Contains(t, string(got[:64]), "vg_wrapped/data 000000001")
}

package vmdk

import (
	"os"
	"path"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

// FuzzDescriptor opens whatever it is given as a descriptor, or else as a
// disk, beside two files that it may name.
func FuzzDescriptor(f *testing.F) {
	paths, err := filepath.Glob(filepath.Join(goldenDir, "*.*"))
	require.NoError(f, err)
	require.GreaterOrEqual(f, len(paths), 15)
	for _, p := range paths {
		text, err := os.ReadFile(p)
		require.NoError(f, err)
		f.Add(text[:min(len(text), 4096)])
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := fstest.MapFS{
			"vm/disk.vmdk":       {Data: text},
			"vm/parts-f001.vmdk": {Data: make([]byte, 40*512)},
			"vm/parts f002.vmdk": {Data: make([]byte, 24*512)},
		}
		disk, err := Open(dir, "vm/disk.vmdk")
		if err != nil {
			return
		}
		defer disk.Close()
		file, err := disk.Open(diskName)
		require.NoError(t, err)
		r := file.(layer.File)
		if d := disk.Descriptor(); d != nil {
			sectors := int64(0)
			for _, e := range d.Extents {
				sectors += e.Sectors
				if e.Access != NoAccess && e.Type != Zero {
					require.Contains(t, dir, path.Join("vm", e.File))
				}
			}
			require.Equal(t, sectors*512, r.Size())
		} else {
			require.EqualValues(t, len(text), r.Size())
		}
		end := int64(0)
		for e, err := range r.Extents() {
			if err != nil {
				break
			}
			require.GreaterOrEqual(t, e.Offset, end)
			end = e.Offset + e.Length
			n, err := r.ReadAt(make([]byte, min(e.Length, 512)), e.Offset)
			require.NoError(t, err)
			require.EqualValues(t, min(e.Length, 512), n)
		}
		require.LessOrEqual(t, end, r.Size())
	})
}

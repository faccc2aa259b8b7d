package vmdk

import (
	"encoding/binary"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
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

// FuzzSparse opens sparse extents of every format, with a descriptor that
// agrees with their header, over a parent. Their tables and grains are what
// the fuzzer makes of them.
func FuzzSparse(f *testing.F) {
	dir := sparseFS(f)
	for _, name := range []string{"tables16.vmdk", "ovf-grain8.vmdk", "ovf-raw.vmdk", "ovf-gd.vmdk", "base-000001-delta.vmdk",
		"base-000002-sesparse.vmdk", "chain3.vmdk", "zeroed.vmdk"} {
		f.Add(dir[name].Data, uint32(0), uint64(0))
		f.Add(dir[name].Data, uint32(21*512), uint64(1))
		f.Add(dir[name].Data, uint32(len(dir[name].Data)-1000), uint64(1<<40))
	}
	f.Fuzz(func(t *testing.T, data []byte, at uint32, value uint64) {
		if len(data) < 512 || len(data) > 4<<20 {
			return
		}
		data = append([]byte(nil), data...)
		if off := int(at &^ 3); value != 0 && off+8 <= len(data) {
			binary.LittleEndian.PutUint64(data[off:], value) // a number where numbers are
		}
		sectors, kind := uint64(0), Sparse
		switch {
		case string(data[:4]) == hostedMagic:
			sectors = (*hostedHeader)(data).capacity()
		case string(data[:4]) == cowdMagic:
			sectors = uint64((*cowdHeader)(data).numSectors())
		case string(data[:8]) == seMagic:
			sectors, kind = (*seHeader)(data).capacity(), SESparse
		}
		if sectors == 0 || sectors > 1<<50 {
			return
		}
		dir := chainDir()
		dir["vm/x"] = &fstest.MapFile{Data: data}
		dir["vm/snap.vmdk"] = &fstest.MapFile{Data: fmt.Appendf(nil, "# Disk DescriptorFile\nversion=1\nparentCID=1\nparentFileNameHint=disk.vmdk\nRW %d %s x\n", sectors, kind)}
		for _, name := range []string{"vm/snap.vmdk", "vm/x"} {
			if disk, err := Open(dir, name); err == nil {
				testimg.Exercise(t, disk)
				disk.Warnings()
				disk.Close()
			}
		}
	})
}

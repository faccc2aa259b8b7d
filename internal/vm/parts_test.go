package vm

import (
	"io"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

func TestSplit(t *testing.T) {
	files := func(parts ...string) fstest.MapFS {
		fsys := fstest.MapFS{"d/unrelated": text("x"), "d/x.9999": text("y")}
		for i := 0; i < len(parts); i += 2 {
			fsys["d/"+parts[i]] = text(parts[i+1])
		}
		return fsys
	}
	for _, test := range []struct {
		fsys fstest.MapFS
		open string
		want string
		kind error
	}{
		{files("x.001", "abc", "x.002", "def", "x.003", "g"), "d/x.001", "abcdefg", nil},
		{files("x.000", "abc", "x.001", "d"), "d/x.000", "abcd", nil},
		{files("x.raw.0001", "abc", "x.raw.0002", "def"), "d/x.raw.0001", "abcdef", nil},
		{files("x.001", "abc"), "d/x.001", "abc", nil},
		{files("x.001", "abc", "x.003", "g"), "d/x.001", "d/x.002: this part does not exist, and x.003 does", layer.ErrIncomplete},
		{files("x.001", "abc", "x.002", "d", "x.003", "efg"), "d/x.001", "d/x.002: it is not the last part, and has fewer than the 3 bytes", layer.ErrIncomplete},
		{files("x.001", "abc", "x.002", "defg"), "d/x.001", "a part of 4 bytes, where the others have 3", layer.ErrCorrupt},
		{files("x.001", "abc", "x.002", "def"), "d/x.002", "its first is x.001", layer.ErrFormat},
		{files("x.001", ""), "d/x.001", "the first part of x does not exist", layer.ErrIncomplete},
		{files("x.002/y", ""), "d/x.001", "d/x.001", layer.ErrIncomplete},
	} {
		m, err := Open(test.fsys, test.open, nil)
		if test.kind != nil {
			require.ErrorIs(t, err, test.kind, test.want)
			require.ErrorContains(t, err, test.want)
			continue
		}
		require.NoError(t, err)
		require.Empty(t, m.File)
		data, err := fs.ReadFile(m.Disks[0].FS, m.Disks[0].Name)
		require.NoError(t, err)
		require.Equal(t, test.want, string(data))
		f, err := m.Disks[0].FS.Open(m.Disks[0].Name)
		require.NoError(t, err)
		_, ok := f.(io.ReaderAt)
		require.True(t, ok)
		require.NoError(t, m.Close())
	}
}

func TestDirectory(t *testing.T) {
	descriptor := func(names string) *fstest.MapFile { return text("# Disk DescriptorFile\nversion=1\n" + names) }
	vmx := text(`scsi0:0.fileName = "a.vmdk"`)
	base := descriptor("RW 1 FLAT \"a-flat.vmdk\" 0\n")
	snapshot := descriptor("parentFileNameHint=\"a.vmdk\"\nRW 1 VMFSSPARSE \"a-000001-delta.vmdk\"\n")
	for _, test := range []struct {
		fsys fstest.MapFS
		want string // the file of the disk, or the error
	}{
		{fstest.MapFS{"d/x.vmx": vmx, "d/y.ovf": vmx, "d/a.vmdk": base}, "a.vmdk"},
		{fstest.MapFS{"d/x.vmx": vmx, "d/y.VMX": vmx}, "a directory with several to choose from: x.vmx, y.VMX"},
		{fstest.MapFS{"d/x.ova": vmx, "d/y.ovf": vmx}, "several to choose from: x.ova, y.ovf"},
		{fstest.MapFS{"d/a.vmdk": base, "d/a-flat.vmdk": text("x"), "d/a-ctk.vmdk": text("x"), "d/vmware.log": vmx, "d/a.vmx.lck/x": vmx}, "a.vmdk"},
		{fstest.MapFS{"d/a.vmdk": base, "d/a-flat.vmdk": text("x"), "d/a-000001.vmdk": snapshot, "d/a-000001-delta.vmdk": text("COWD")}, "a-000001.vmdk"},
		{fstest.MapFS{"d/a.vmdk": text("KDMV" + string(make([]byte, 508)) + "# Disk DescriptorFile\nRW 1 SPARSE \"a.vmdk\"\n")}, "a.vmdk"},
		{fstest.MapFS{"d/a-flat.vmdk": text("x")}, "a-flat.vmdk"},
		{fstest.MapFS{"d/a.vmdk": base, "d/b.vmdk": descriptor("RW 1 FLAT \"b-flat.vmdk\" 0\n")}, "several to choose from: a.vmdk, b.vmdk"},
		{fstest.MapFS{"d/vmware.log": vmx}, "without a virtual machine"},
	} {
		m, err := Open(test.fsys, "d", nil)
		if err != nil {
			require.ErrorIs(t, err, layer.ErrFormat)
			require.ErrorContains(t, err, test.want)
			continue
		}
		require.Equal(t, test.want, m.Disks[0].File)
	}
}

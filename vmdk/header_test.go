package vmdk

import (
	"encoding/binary"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

// put returns an edit that writes v at off, in as many bytes as it has.
func put(off int, v any) func(data []byte) {
	return func(data []byte) {
		if _, err := binary.Encode(data[off:], binary.LittleEndian, v); err != nil {
			panic(err)
		}
	}
}

func TestHeaders(t *testing.T) {
	const volatile = 512 // where seSparse extents of vmdkwriter.py have it
	footer := func(off int, v any) func(data []byte) {
		return func(data []byte) { put(len(data)-1536+off, v)(data) }
	}
	for _, tt := range []struct {
		disk, file string
		edit       func(data []byte)
		kind       error
		want       string
	}{
		{"tables16.vmdk", "", put(4, uint32(4)), layer.ErrUnsupported, "version 4 of a hosted sparse extent"},
		{"tables16.vmdk", "", put(4, uint32(0)), layer.ErrUnsupported, "version 0"},
		{"tables16.vmdk", "", put(8, uint32(1<<20|3)), layer.ErrUnsupported, "flags 0x100003"},
		{"tables16.vmdk", "", put(12, uint64(1<<60)), layer.ErrCorrupt, "a capacity of"},
		{"tables16.vmdk", "", put(12, uint64(10)), layer.ErrCorrupt, "promises 3147264 bytes, and the extent has 5120"},
		{"tables16.vmdk", "", put(20, uint64(0)), layer.ErrCorrupt, "grains of 0 sectors"},
		{"tables16.vmdk", "", put(20, uint64(1<<55)), layer.ErrCorrupt, "grains of"},
		{"tables16.vmdk", "", put(28, uint64(1<<40)), layer.ErrCorrupt, "its descriptor is put at sector"},
		{"tables16.vmdk", "", put(28, uint64(0)), layer.ErrIncomplete, "open its descriptor"},
		{"tables16.vmdk", "", put(36, uint64(1<<30)), layer.ErrCorrupt, "with 1073741824 sectors"},
		{"tables16.vmdk", "", put(44, uint32(0)), layer.ErrCorrupt, "0 entries in a grain table"},
		{"tables16.vmdk", "", put(44, uint32(1<<20)), layer.ErrCorrupt, "1048576 entries"},
		{"tables16.vmdk", "", put(56, uint64(0)), layer.ErrCorrupt, "grain directory is put at sector 0"},
		{"tables16.vmdk", "", put(48, uint64(1<<60)), layer.ErrCorrupt, "the redundant one at"},
		{"tables16.vmdk", "", put(64, uint64(1<<60)), layer.ErrCorrupt, "sectors of metadata"},
		{"tables16.vmdk", "", put(73, [4]byte{'\r', '\n', ' ', '\r'}), layer.ErrCorrupt, "text mode (FTP ASCII)"},
		{"tables16.vmdk", "", put(77, uint16(1)), layer.ErrCorrupt, "without the flag of compressed grains"},
		{"ovf.vmdk", "", put(77, uint16(2)), layer.ErrUnsupported, "compression algorithm 2"},
		{"ovf.vmdk", "", footer(512+56, uint64(directoryEnd)), layer.ErrCorrupt, "the footer does not say either"},
		{"ovf.vmdk", "", footer(512+4, uint32(9)), layer.ErrUnsupported, "version 9"},
		{"ovf-gd.vmdk", "", put(20, uint64(1<<20)), layer.ErrUnsupported, "compressed grains of 536870912 bytes"},
		{"base-000001.vmdk", "base-000001-delta.vmdk", put(4, uint32(2)), layer.ErrUnsupported, "version 2 of a COWD extent"},
		{"base-000001.vmdk", "base-000001-delta.vmdk", put(12, uint32(5)), layer.ErrCorrupt, "promises"},
		{"base-000001.vmdk", "base-000001-delta.vmdk", put(24, uint32(0)), layer.ErrCorrupt, "a grain directory of 0 entries"},
		{"base-000001.vmdk", "base-000001-delta.vmdk", put(0, uint32(0)), layer.ErrCorrupt, "does not begin as a sparse extent does"},
		{"base-000002.vmdk", "base-000002-sesparse.vmdk", put(8, uint64(1)), layer.ErrUnsupported, "a seSparse extent of version 0x1"},
		{"base-000002.vmdk", "base-000002-sesparse.vmdk", put(72, uint64(1)), layer.ErrUnsupported, "a seSparse extent"},
		{"base-000002.vmdk", "base-000002-sesparse.vmdk", put(80, uint64(1<<40)), layer.ErrCorrupt, "volatile header is put"},
		{"base-000002.vmdk", "base-000002-sesparse.vmdk", put(136, uint64(0)), layer.ErrCorrupt, "a grain directory of 0 sectors"},
		{"base-000002.vmdk", "base-000002-sesparse.vmdk", put(144, uint64(1<<60)), layer.ErrCorrupt, "its grain tables are put"},
		{"base-000002.vmdk", "base-000002-sesparse.vmdk", put(192, uint64(1<<60)), layer.ErrCorrupt, "its grains at"},
		{"base-000002.vmdk", "base-000002-sesparse.vmdk", put(volatile, uint64(1)), layer.ErrCorrupt, "no volatile header"},
		{"base-000002.vmdk", "base-000002-sesparse.vmdk", put(volatile+24, uint64(1)), layer.ErrUnsupported, "journal is not replayed"},
	} {
		file := tt.file
		if file == "" {
			file = tt.disk
		}
		_, err := Open(patched(sparseFS(t), file, tt.edit), tt.disk)
		require.ErrorIs(t, err, tt.kind, tt.want)
		require.ErrorContains(t, err, tt.want)
		require.ErrorContains(t, err, file)
	}
}

// TestLoneExtents: an extent without its descriptor is a part of a disk, and
// might be a delta.
func TestLoneExtents(t *testing.T) {
	for name, want := range map[string]string{
		"base-000001-delta.vmdk":         `a COWD extent (vmfsSparse), which is a part of a disk: open its descriptor ("base-000001.vmdk", by its name)`,
		"base-000002-sesparse.vmdk":      `a seSparse extent, which is a part of a disk: open its descriptor ("base-000002.vmdk", by its name)`,
		"twoGbMaxExtentSparse-s001.vmdk": `open its descriptor ("twoGbMaxExtentSparse.vmdk", by its name)`,
		"two-s002.vmdk":                  "open its descriptor, which tells",
	} {
		_, err := Open(sparseFS(t), name)
		require.ErrorIs(t, err, layer.ErrIncomplete)
		require.ErrorContains(t, err, want)
	}
}

// TestUnclean: a disk that was not closed is read, with a warning.
func TestUnclean(t *testing.T) {
	const name = "tables16.vmdk"
	want := whole(t, sparseFS(t), name)
	f := mustOpen(t, patched(sparseFS(t), name, put(72, byte(1))), name)
	bad, _ := failing(t, f, want, 65536)
	require.Empty(t, bad)
	require.Len(t, f.Warnings(), 1)
	require.ErrorContains(t, f.Warnings()[0], "was not closed")
}

// TestSparseExtentLines: what a descriptor can say wrong of a sparse extent.
func TestSparseExtentLines(t *testing.T) {
	for _, tt := range []struct {
		line, want string
		kind       error
	}{
		{`RW 1 SPARSE "a" 5`, "at sector 5 of its file", layer.ErrCorrupt},
		{`RW 1 SPARSE "a"`, "does not begin as a sparse extent", layer.ErrCorrupt},
		{`RW 1 SESPARSE "short"`, "not even a header", layer.ErrIncomplete},
		{`RW 1 VMFSSPARSE "missing"`, "does not exist", layer.ErrIncomplete},
	} {
		dir := directory(tt.line)
		dir["vm/short"] = emptyCOWD(1)
		dir["vm/short"].Data = dir["vm/short"].Data[:100]
		_, err := Open(dir, "vm/disk.vmdk")
		require.ErrorIs(t, err, tt.kind)
		require.ErrorContains(t, err, tt.want)
	}
}

// TestRenamed: a disk in one file is that file, whatever it was called when
// its descriptor was written.
func TestRenamed(t *testing.T) {
	dir := sparseFS(t)
	want := whole(t, dir, "ovf.vmdk")
	dir["other name"] = dir["ovf.vmdk"]
	delete(dir, "ovf.vmdk")
	require.Equal(t, want, whole(t, dir, "other name"))
}

// TestDescriptorOnly: a header without a capacity is there for the descriptor,
// which names the files.
func TestDescriptorOnly(t *testing.T) {
	dir := sparseFS(t)
	want := whole(t, dir, "grain8.vmdk")
	data := make([]byte, 4096)
	copy(data, dir["tables16.vmdk"].Data[:512])
	put(12, uint64(0))(data)
	put(36, uint64(4))(data)
	copy(data[512:], "# Disk DescriptorFile\nversion=1\nRW 6147 SPARSE grain8.vmdk\n")
	dir["text.vmdk"] = &fstest.MapFile{Data: data}
	require.Equal(t, want, whole(t, dir, "text.vmdk"))
}

package partition

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

// disklabel puts a BSD disklabel with the given number of partitions at off.
func disklabel(disk []byte, off, partitions int) []byte {
	label := disk[off:]
	le.PutUint32(label, bsdMagic)
	le.PutUint32(label[132:], bsdMagic)
	le.PutUint16(label[138:], uint16(partitions))
	return disk
}

func appleMap(disk []byte, blockSize int) []byte {
	copy(disk, "ER")
	binary.BigEndian.PutUint16(disk[2:], uint16(blockSize))
	copy(disk[blockSize:], "PM")
	binary.BigEndian.PutUint32(disk[blockSize+4:], 3)
	return disk
}

func sunLabel(disk []byte) []byte {
	disk[444] = 7
	binary.BigEndian.PutUint16(disk[508:], 0xdabe)
	binary.BigEndian.PutUint16(disk[510:], 0xdabe^0x0700)
	return disk
}

func TestOtherTables(t *testing.T) {
	disk := func() []byte { return make([]byte, 64<<10) }
	for _, tt := range []struct {
		name string
		disk []byte
		text string
	}{
		{"BSD", disklabel(disk(), 512, 8), "BSD disklabel"},
		{"BSD, of OpenBSD on other machines", disklabel(disk(), 64, 16), "BSD disklabel"},
		{"BSD, many partitions", disklabel(disk(), 0, 22), "BSD disklabel"},
		{"Apple", appleMap(disk(), 512), "Apple partition map"},
		{"Apple, 2048", appleMap(disk(), 2048), "Apple partition map"},
		{"Sun", sunLabel(disk()), "Sun disk label"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := open(tt.disk)
			require.ErrorIs(t, err, layer.ErrUnsupported)
			require.ErrorContains(t, err, tt.text)

			put(tt.disk, 0, 0, 0x83, 8, 8) // beside an MBR, that counts
			f := mustOpen(t, tt.disk)
			require.Equal(t, "mbr", f.Table().Scheme)
		})
	}
	change := func(d []byte, at int) []byte { d[at] ^= 1; return d }
	for name, d := range map[string][]byte{
		"BSD, signature":            change(disklabel(disk(), 512, 8), 512),
		"BSD, second signature":     change(disklabel(disk(), 512, 8), 512+132),
		"BSD, more partitions":      disklabel(disk(), 512, 2000),
		"Apple, signature":          change(appleMap(disk(), 512), 512),
		"Apple, one block":          appleMap(disk(), 512)[:512],
		"Apple, size of its blocks": change(appleMap(disk(), 512), 2),
		"Sun, checksum":             change(sunLabel(disk()), 3),
		"Sun, signature":            change(sunLabel(disk()), 508),
	} {
		_, err := open(d)
		require.ErrorIs(t, err, layer.ErrFormat, name)
	}
}

// TestOtherTablesOfParted has what parted writes.
func TestOtherTablesOfParted(t *testing.T) {
	for name, text := range map[string]string{"mac": "Apple partition map", "bsd": "BSD disklabel", "sun": "Sun disk label"} {
		_, err := open(image(t, "other-"+name))
		require.ErrorIs(t, err, layer.ErrUnsupported)
		require.ErrorContains(t, err, text)
	}
}

func TestAttributes(t *testing.T) {
	for _, tt := range []struct {
		kind string
		bits Attributes
		want []string
	}{
		{"c12a7328-f81f-11d2-ba4b-00a0c93ec93b", 0, nil},
		{"c12a7328-f81f-11d2-ba4b-00a0c93ec93b", 7 | 1<<48, []string{"required", "no block I/O protocol", "legacy BIOS bootable", "bit 48"}},
		{"ebd0a0a2-b9e5-4433-87c0-68b6b72699c7", 0xf << 60, []string{"read-only", "shadow copy", "hidden", "no drive letter"}},
		{"4f68bce3-e8cd-4db1-96e7-fbcaf984b709", 1<<59 | 1<<63, []string{"grow file system", "no automount"}},
		{"516e7cb6-6ecf-11d6-8ff8-00022d09712b", 1 << 60, []string{"bit 60"}},
	} {
		require.Equal(t, tt.want, Partition{Type: tt.kind, TypeName: gptTypes[tt.kind], Attributes: tt.bits}.AttributeNames())
	}
}

package ntfs

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

// bootOf returns a sound boot sector: sectors of 512 bytes, clusters of 4 KiB.
func bootOf() *bootSector {
	b := new(bootSector)
	copy(b[3:], oemID)
	le.PutUint16(b[0x0B:], 512)
	b[0x0D] = 8
	le.PutUint64(b[0x28:], 1<<20)
	le.PutUint64(b[0x30:], 4)
	le.PutUint64(b[0x38:], 2)
	b[0x40], b[0x44] = 0xF6, 1
	le.PutUint64(b[0x48:], 0x1234567890ABCDEF)
	return b
}

func TestBootSector(t *testing.T) {
	g, err := bootOf().parse()
	require.NoError(t, err)
	require.Equal(t, geometry{512, 4096, 1024, 4096, 512 << 20, 128 << 10, 16384, 8192, 0x1234567890ABCDEF}, g)
	for name, c := range map[string]struct {
		sector, perCluster int
		record, index      byte
		wantCluster        int64
		wantRecord         int64
	}{
		"clusters of 64 KiB":      {512, 128, 0xF6, 0xF4, 65536, 1024},
		"clusters of 2 MiB":       {512, 0xF4, 0xF6, 0xF4, 2 << 20, 1024},
		"clusters of 128 KiB":     {512, 0xF8, 0xF6, 0xF4, 128 << 10, 1024},
		"sectors of 4 KiB":        {4096, 1, 1, 1, 4096, 4096},
		"clusters of 512 bytes":   {512, 1, 2, 8, 512, 1024},
		"2 MiB, sectors of 4 KiB": {4096, 0xF7, 0xF4, 0xF4, 2 << 20, 4096},
	} {
		b := bootOf()
		le.PutUint16(b[0x0B:], uint16(c.sector))
		b[0x0D], b[0x40], b[0x44] = byte(c.perCluster), c.record, c.index
		g, err := b.parse()
		require.NoError(t, err, name)
		require.Equal(t, c.wantCluster, g.clusterSize, name)
		require.Equal(t, c.wantRecord, g.recordSize, name)
		require.EqualValues(t, 4096, g.indexSize, name)
	}
}

func TestBootSectorErrors(t *testing.T) {
	for text, hurt := range map[string]func(b *bootSector){
		"OEM ID":                   func(b *bootSector) { b[3] = 'X' },
		"sectors of 513 bytes":     func(b *bootSector) { b[0x0B]++ },
		"sectors of 8192 bytes":    func(b *bootSector) { b[0x0C] = 0x20 },
		"sectors of 0 bytes":       func(b *bootSector) { b[0x0C] = 0 },
		"clusters of 0 sectors":    func(b *bootSector) { b[0x0D] = 0 },
		"clusters of 3 sectors":    func(b *bootSector) { b[0x0D] = 3 },
		"clusters of 8192 sectors": func(b *bootSector) { b[0x0D] = 0xF3 },
		"file records of 0":        func(b *bootSector) { b[0x40] = 0 },
		"file records of 65536":    func(b *bootSector) { b[0x40] = 0xF0 },
		"file records of 256":      func(b *bootSector) { b[0x40] = 0xF8 },
		"index records of 0":       func(b *bootSector) { b[0x44] = 0x80 },
		"index records of 12288":   func(b *bootSector) { b[0x44] = 3 },
		"sectors":                  func(b *bootSector) { b[0x2F] = 0xFF },
		"at cluster":               func(b *bootSector) { b[0x36] = 1 },
		"mirror at cluster":        func(b *bootSector) { b[0x3E] = 1 },
	} {
		b := bootOf()
		hurt(b)
		_, err := b.parse()
		require.ErrorContains(t, err, text)
		require.True(t, isKind(err, layer.ErrCorrupt) || isKind(err, layer.ErrFormat), text)
	}
}

// TestBackup reads a volume through the copy of its boot sector.
func TestBackup(t *testing.T) {
	image := bytes.Clone(image(t, "bad-boot"))
	size := int64(len(image))
	require.True(t, HasBackup(bytes.NewReader(image), size))
	f, err := Open(bytes.NewReader(image), size)
	require.NoError(t, err)
	require.Len(t, f.Warnings(), 1)
	require.ErrorContains(t, f.Warnings()[0], "its copy at byte")
	_, err = Open(bytes.NewReader(image[:size-512]), size-512)
	require.ErrorIs(t, err, layer.ErrFormat)
	for _, n := range []int64{0, 100, 512, 5000} {
		require.False(t, HasBackup(bytes.NewReader(image[:n]), n))
		_, err = Open(bytes.NewReader(image[:n]), n)
		require.ErrorIs(t, err, layer.ErrFormat, n)
	}
}

// TestMirror reads a volume whose first records are spoilt through $MFTMirr.
func TestMirror(t *testing.T) {
	image := bytes.Clone(image(t, "bad-mft"))
	f, err := Open(bytes.NewReader(image), int64(len(image)))
	require.NoError(t, err)
	require.Len(t, f.Warnings(), 1)
	require.ErrorContains(t, f.Warnings()[0], "$MFTMirr")
	_, err = f.Info() // $Volume is among them
	require.NoError(t, err)
	clear(image[f.geo.mirror:][:4096]) // and now without it
	_, err = Open(bytes.NewReader(image), int64(len(image)))
	require.ErrorIs(t, err, layer.ErrCorrupt)
	require.ErrorContains(t, err, "$MFT")
}

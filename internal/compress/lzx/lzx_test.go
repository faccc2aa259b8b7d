package lzx

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

// TestDecode decodes what wimlib compressed.
func TestDecode(t *testing.T) {
	d := new(Decoder)
	for _, c := range testimg.Chunks(t, "lzx") {
		dst := make([]byte, c.Size)
		n, err := d.Decode(dst, c.Data)
		require.NoError(t, err, c.Name)
		c.Check(t, dst[:n])
	}
}

// TestCut finds every chunk that is cut short, and writes nothing behind what
// it decodes.
func TestCut(t *testing.T) {
	d := new(Decoder)
	for _, c := range testimg.Chunks(t, "lzx") {
		dst := make([]byte, c.Size+8)
		for cut := range 40 {
			n, err := d.Decode(dst[:c.Size], c.Data[:max(0, len(c.Data)*cut/40)])
			require.False(t, err == nil && n == c.Size, "%s cut at %d/40", c.Name, cut)
		}
		require.Equal(t, make([]byte, 8), dst[c.Size:])
	}
}

// FuzzDecode decodes damaged chunks: into less room, more room, and twice with
// the same result.
func FuzzDecode(f *testing.F) {
	for _, c := range testimg.Chunks(f, "lzx") {
		if len(c.Data) < 4000 {
			f.Add(c.Data, uint16(c.Size))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, size uint16) {
		d := new(Decoder)
		room := make([]byte, int(size)+32)
		dst := room[:size]
		n, err := d.Decode(dst, data)
		require.LessOrEqual(t, n, len(dst))
		require.Equal(t, make([]byte, 32), room[size:])
		again := make([]byte, size)
		m, err2 := d.Decode(again, data)
		require.Equal(t, n, m)
		require.Equal(t, err, err2)
		require.Equal(t, dst[:n], again[:n])
	})
}

func BenchmarkDecode(b *testing.B) {
	d := new(Decoder)
	for _, c := range testimg.Chunks(b, "lzx") {
		if c.Size < 4096 {
			continue
		}
		dst := make([]byte, c.Size)
		b.Run(c.Format+" "+c.Name, func(b *testing.B) {
			b.SetBytes(int64(c.Size))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.Decode(dst, c.Data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

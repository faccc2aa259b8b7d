package raid

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/extent"
)

// BenchmarkRead reads arrays over files in the page cache from their start to
// their end, 512 KiB at a time, with no, one and two members missing.
func BenchmarkRead(b *testing.B) {
	const size, request = 32 << 20, 512 << 10
	for _, c := range []Config{
		{Level: RAID0}, {Level: RAID1}, {Level: RAID5, Layout: LeftSymmetric}, {Level: RAID6, Layout: LeftSymmetric}, {Level: RAID10, Layout: 0x102},
	} {
		for _, chunk := range []int64{4 << 10, 64 << 10, 512 << 10} {
			for missing := range c.Level.parity() + 1 {
				if c.Level == RAID1 && chunk != 64<<10 {
					continue
				}
				b.Run(fmt.Sprintf("raid%d/%dk/missing%d", c.Level, chunk>>10, missing), func(b *testing.B) {
					c.Chunk, c.Size = chunk, size
					s := newSet(c, 4)
					for i := range s.disks {
						name := filepath.Join(b.TempDir(), "disk")
						require.NoError(b, os.WriteFile(name, s.disks[i], 0o600))
						f, err := os.Open(name)
						require.NoError(b, err)
						b.Cleanup(func() { f.Close() })
						s.sources[i], s.config.Members[i].Reader = f, f
					}
					for i := range missing {
						s.remove(i)
					}
					a, r := s.open(b)
					buf := make([]byte, request)
					b.SetBytes(a.Size())
					b.ReportAllocs()
					for b.Loop() {
						readAll(b, r, buf)
					}
				})
			}
		}
	}
}

func readAll(b *testing.B, r *extent.Reader, buf []byte) {
	for off := int64(0); off < r.Size(); off += int64(len(buf)) {
		if _, err := r.ReadAt(buf, off); err != nil && err != io.EOF {
			b.Fatal(err)
		}
	}
}

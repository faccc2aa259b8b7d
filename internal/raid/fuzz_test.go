package raid

import (
	"bytes"
	"io"
	"testing"

	"github.com/vmdkfs/vmdkfs/internal/extent"
)

type whole struct{ size int64 }

func (w whole) Map(int64) (extent.Run, error) { return extent.Run{Length: w.size}, nil }

// FuzzArray: an array of whatever description is refused, or reads alike in one
// piece, in many, and through what its extents say.
func FuzzArray(f *testing.F) {
	for level := -1; level <= 10; level++ {
		f.Add(int8(level), uint32(2), uint16(1), uint16(8), uint8(4), uint8(0))
		f.Add(int8(level), uint32(0x102), uint16(2), uint16(9), uint8(5), uint8(1))
	}
	f.Fuzz(func(t *testing.T, level int8, layout uint32, chunk, size uint16, members, missing uint8) {
		members %= 9
		c := Config{Level: Level(level), Layout: Layout(layout), Chunk: int64(chunk%32) * sectorSize, Size: int64(size%64) * sectorSize}
		sources := []io.ReaderAt{}
		data := make([]byte, 64*sectorSize)
		for i := range data {
			data[i] = byte(i / 7)
		}
		for i := range int(members) {
			m := Member{Name: "m", Size: int64(len(data)), Synced: int64(len(data))}
			if missing>>i&1 == 0 {
				m.Mapper, m.Reader = whole{int64(len(data))}, bytes.NewReader(data)
			}
			c.Members = append(c.Members, m)
		}
		sources = append(sources, bytes.NewReader(data))
		c.Derive = func(r io.ReaderAt) int {
			sources = append(sources, extent.Derived{ReaderAt: r})
			return len(sources) - 1
		}
		a, err := New(c)
		if err != nil || a.Size() > 1<<20 {
			return
		}
		r := extent.NewReader(a, a.Size(), sources...)
		all := make([]byte, a.Size())
		n, err := r.ReadAt(all, 0)
		if err != nil && err != io.EOF {
			return
		}
		if int64(n) != a.Size() {
			t.Fatalf("%d bytes of %d", n, a.Size())
		}
		for off := 0; off < n; off += 333 {
			piece := make([]byte, min(333, n-off))
			if m, err := r.ReadAt(piece, int64(off)); m != len(piece) || err != nil && err != io.EOF || !bytes.Equal(piece, all[off:off+m]) {
				t.Fatalf("%+v: %d bytes at %d differ from those of the whole, %v", c.Level, m, off, err)
			}
		}
		for x, err := range r.Extents() {
			if err != nil {
				t.Fatalf("read, but without extents: %v", err)
			}
			if x.Physical >= 0 && !bytes.Equal(all[x.Offset:x.Offset+x.Length], data[x.Physical:x.Physical+x.Length]) {
				t.Fatalf("extent %+v is elsewhere", x)
			}
		}
	})
}

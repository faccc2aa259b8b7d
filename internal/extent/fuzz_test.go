package extent

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"
)

// FuzzList: a list of runs is refused, or reads as its runs say, byte by byte.
func FuzzList(f *testing.F) {
	run := func(off, length, source, physical int64) (b []byte) {
		for _, n := range []int64{off, length, source, physical} {
			b = binary.LittleEndian.AppendUint64(b, uint64(n))
		}
		return b
	}
	f.Add(append(run(0, 10, 0, 5), run(10, 20, Hole, 0)...), int64(50), int64(3), uint8(40))
	f.Add(append(run(1<<62, 1<<62, 0, 0), run(20, 1<<63-1, Hole, 0)...), int64(1<<62), int64(1<<61), uint8(100))
	f.Add(append(run(0, 8, 1, 0), run(8, 8, 1, 8)...), int64(16), int64(0), uint8(16))
	a, b := bytes.Repeat([]byte("abcdefg"), 20), bytes.Repeat([]byte{1, 2, 3}, 20)
	sources := [][]byte{a, b}
	f.Fuzz(func(t *testing.T, data []byte, size, off int64, n uint8) {
		var runs []Run
		for ; len(data) >= 32; data = data[32:] {
			num := func(i int) int64 { return int64(binary.LittleEndian.Uint64(data[8*i:])) }
			runs = append(runs, Run{Offset: num(0), Length: num(1), Source: int(num(2)), Physical: num(3)})
		}
		given := append([]Run(nil), runs...)
		list, err := NewList(runs, int64(len(a)), int64(len(b)))
		if err != nil || size < 0 || off < 0 {
			return
		}
		want := make([]byte, max(0, min(int64(n), size-min(off, size))))
		for i := range want {
			for _, r := range given {
				if at := off + int64(i) - r.Offset; at >= 0 && at < r.Length && r.Source != Hole {
					want[i] = sources[r.Source][r.Physical+at]
				}
			}
		}
		r := NewReader(list, size, bytes.NewReader(a), bytes.NewReader(b))
		got := make([]byte, n)
		count, err := r.ReadAt(got, off)
		if err != nil && err != io.EOF || !bytes.Equal(got[:count], want) {
			t.Fatalf("%v: %d bytes at %d of %d are %x, %v; not %x", given, n, off, size, got[:count], err, want)
		}
		end := int64(0)
		for x, err := range r.Extents() {
			if err != nil || x.Offset < end || x.Length <= 0 || x.Length > size-x.Offset || x.Physical < 0 {
				t.Fatalf("%v: extent %+v behind %d, %v", given, x, end, err)
			}
			end = x.Offset + x.Length
		}
	})
}

package md

import (
	"bytes"
	"testing"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

// FuzzOpen puts superblocks on the first of an array's devices, their
// checksums made right, and reads what they are taken for.
func FuzzOpen(f *testing.F) {
	all := parts(f, disks(f, "arrays"))
	for name := range all {
		devices, data, at := loaded(f, "arrays", name)
		f.Add(data[0][at[0]:][:superblockSize], at[0] < devices[0].Size/2, true)
	}
	devices, data, _ := loaded(f, "arrays", "r5-ls")
	f.Fuzz(func(t *testing.T, sb []byte, start, sealed bool) {
		if len(sb) != superblockSize {
			return
		}
		sb = bytes.Clone(sb)
		if sealed {
			seal(sb)
		}
		first := bytes.Clone(data[0])
		if start {
			copy(first[4096:], sb)
		} else {
			clear(first[4096:][:superblockSize])
			copy(first[places(int64(len(first)))[3].offset:], sb)
			copy(first[places(int64(len(first)))[2].offset:], sb)
		}
		fsys, err := Open([]Device{{"first", bytes.NewReader(first), int64(len(first))}, devices[1], devices[2]})
		if err != nil {
			return
		}
		testimg.Exercise(t, fsys)
	})
}

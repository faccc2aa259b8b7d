package ntfs

import (
	"bytes"
	"testing"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

// A sealed image is a mutant whose sectors keep the two bytes that fixups are
// checked by, so that the fuzzer gets past them.
type sealed struct {
	*testimg.Mutant
	base []byte
}

func (s sealed) ReadAt(p []byte, off int64) (int, error) {
	n, err := s.Mutant.ReadAt(p, off)
	for end := (off + fixupStride) &^ (fixupStride - 1); end-2 < off+int64(n); end += fixupStride {
		for at := end - 2; at < end; at++ {
			if at >= off && at < off+int64(n) {
				p[at-off] = s.base[at]
			}
		}
	}
	return n, err
}

// FuzzOpen changes bytes of golden images and reads all that is left.
func FuzzOpen(f *testing.F) {
	seeds := []string{"c512", "s4096", "streams", "fragmented", "crowded", "reparse", "wsl", "objects"}
	images := make([][]byte, len(seeds))
	for i, name := range seeds {
		images[i] = testimg.NTFS(f, name)
		f.Add(uint8(i), []byte{})
		f.Add(uint8(i), []byte{0x10, 0x42, 0, 0, 0xFF, 0x38, 8, 1, 0, 0x55})
	}
	f.Fuzz(func(t *testing.T, image uint8, changes []byte) {
		base := images[int(image)%len(images)]
		m := sealed{testimg.Mutate(base, changes), base}
		fsys, err := Open(m, m.Size())
		if err != nil {
			return
		}
		testimg.Exercise(t, fsys)
		fsys.Info()
		fsys.State()
		for _, err := range fsys.Deleted() {
			if err != nil {
				break
			}
		}
	})
}

// FuzzName: every name is shown as a path element, and found by it.
func FuzzName(f *testing.F) {
	f.Add([]byte("a\x00"))
	f.Add([]byte{0x3D, 0xD8, 0, 0xDE, 0, 0xD8, '\\', 0, 'x', 0, '5', 0, 'c', 0})
	f.Add([]byte{'.', 0, '.', 0})
	f.Add([]byte{'/', 0, 0, 0, '\\', 0, 'u', 0, 'D', 0, '8', 0, '0', 0, '0', 0})
	f.Fuzz(func(t *testing.T, raw []byte) {
		raw = raw[:min(len(raw), 2*maxName)&^1]
		if len(raw) == 0 {
			return
		}
		name := shownName(raw)
		units, ok := storedName(name)
		if !ok {
			t.Fatalf("%q of %x is not found", name, raw)
		}
		back := []byte{}
		for _, u := range units {
			back = le.AppendUint16(back, u)
		}
		if !bytes.Equal(raw, back) || name == "." || name == ".." || bytes.ContainsAny([]byte(name), "/\x00") {
			t.Fatalf("%x is shown as %q, and found as %x", raw, name, back)
		}
	})
}

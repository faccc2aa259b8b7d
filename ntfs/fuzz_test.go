package ntfs

import (
	"bytes"
	"testing"
)

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

package testimg

import (
	"encoding/binary"
	"io"
)

// sector is the grain in which a Mutant looks for bytes worth changing.
const sector = 512

// A Mutant is an image with some bytes changed, without a copy of it.
type Mutant struct {
	base    []byte
	changed map[int64]byte
}

// Mutate returns base with the changes that a fuzzer's bytes ask for: five for
// each, of which four choose a byte among the sectors that are not empty, and
// the last is its new value.
func Mutate(base []byte, changes []byte) *Mutant {
	var used []int64
	for at := int64(0); at < int64(len(base)); at += sector {
		for _, c := range base[at:min(at+sector, int64(len(base)))] {
			if c != 0 {
				used = append(used, at)
				break
			}
		}
	}
	m := &Mutant{base, make(map[int64]byte)}
	for ; len(changes) >= 5 && len(used) > 0; changes = changes[5:] {
		n := int64(binary.LittleEndian.Uint32(changes))
		at := used[n/sector%int64(len(used))] + n%sector
		if at < int64(len(base)) {
			m.changed[at] = changes[4]
		}
	}
	return m
}

// Size returns the length of the image.
func (m *Mutant) Size() int64 { return int64(len(m.base)) }

// ReadAt implements io.ReaderAt.
func (m *Mutant) ReadAt(p []byte, off int64) (int, error) {
	if off >= m.Size() {
		return 0, io.EOF
	}
	n := copy(p, m.base[off:])
	for at, c := range m.changed {
		if at >= off && at < off+int64(n) {
			p[at-off] = c
		}
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

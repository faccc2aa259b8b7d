package ntfs

import (
	"cmp"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
)

// maxUpCase is the length of a whole table: an upper-case unit for each of the
// 65,536 UTF-16 units.
const maxUpCase = 2 << 16

// An upCase is the volume's own $UpCase, by which its names are compared. It
// depends on the version of Windows that made the volume.
type upCase struct{ table [1 << 16]uint16 }

// readUpCase reads the table. Units behind its end are their own upper case.
func (f *FS) readUpCase() (*upCase, error) {
	x, err := f.file(recordUpCase)
	if err != nil {
		return nil, err
	}
	content, err := x.open(nil)
	if err != nil {
		return nil, err
	}
	if content.Size() > maxUpCase || content.Size()%2 != 0 {
		return nil, corrupt("$UpCase", noOffset, "%d bytes long, of at most %d", content.Size(), maxUpCase)
	}
	raw, err := ondisk.Read(content, 0, content.Size())
	if err != nil {
		return nil, failed("$UpCase", noOffset, err)
	}
	u := new(upCase)
	for i := range u.table {
		u.table[i] = uint16(i)
		if 2*i < len(raw) {
			u.table[i] = le.Uint16(raw[2*i:])
		}
	}
	// One whose letters are not in order is none.
	for c := 'a'; c <= 'z'; c++ {
		if len(raw) > 0 && u.table[c] != uint16(c)-'a'+'A' {
			return nil, corrupt("$UpCase", noOffset, "the upper case of %q is %#x", c, u.table[c])
		}
	}
	return u, nil
}

// compare orders a name before, with or behind one that is stored, without
// regard to case.
func (u *upCase) compare(name []uint16, stored []byte) int {
	for i, c := range name {
		if 2*i >= len(stored) {
			return 1
		}
		if c := cmp.Compare(u.table[c], u.table[le.Uint16(stored[2*i:])]); c != 0 {
			return c
		}
	}
	return cmp.Compare(2*len(name), len(stored))
}

// equal reports whether a name is the stored one in every unit.
func equal(name []uint16, stored []byte) bool {
	if 2*len(name) != len(stored) {
		return false
	}
	for i, c := range name {
		if c != le.Uint16(stored[2*i:]) {
			return false
		}
	}
	return true
}

package fat

import (
	"encoding/binary"
	"fmt"
)

// tablePiece is how much of the table is read at once. It is a multiple of 3,
// so that no entry of 12 bits lies in two pieces.
const tablePiece = 48 << 10

// Entries of the table, as in FAT32; those of FAT12 and FAT16 are shorter by
// leading digits.
const (
	entryMask = 0x0fffffff // the other four bits are reserved
	entryBad  = 0x0ffffff7
	entryEnd  = 0x0ffffff8 // and above: the last cluster of a chain
)

// A tableReader reads entries of the table in any order. It remembers the
// piece that it read last, and serves one goroutine.
type tableReader struct {
	f     *FS
	piece []byte
	at    int64 // of the piece in the table
}

// entry returns the entry of a cluster, or of one of the two before the first,
// widened to 28 bits.
func (t *tableReader) entry(cluster uint32) (uint32, error) {
	bit := int64(cluster) * int64(t.f.geo.bits)
	off := bit / 8
	if t.piece == nil || off < t.at || off >= t.at+int64(len(t.piece)) {
		if err := t.load(off); err != nil {
			return 0, err
		}
	}
	b := t.piece[off-t.at:]
	switch t.f.geo.bits {
	case 12:
		if len(b) < 2 {
			return 0, corrupt("FAT", t.f.geo.fat+off, "the table ends within the entry of cluster %d", cluster)
		}
		v := uint32(binary.LittleEndian.Uint16(b)) >> (bit % 8) & 0xfff
		return widen(v, 0xff0, 0x0ffff000), nil
	case 16:
		return widen(uint32(binary.LittleEndian.Uint16(b)), 0xfff0, 0x0fff0000), nil
	}
	return binary.LittleEndian.Uint32(b) & entryMask, nil
}

// widen gives an entry with a meaning of its own, from reserved on, the
// leading digits that it has in FAT32.
func widen(v, reserved, digits uint32) uint32 {
	if v >= reserved {
		v |= digits
	}
	return v
}

// load makes the piece of the table that holds the byte at off the one at
// hand.
func (t *tableReader) load(off int64) error {
	start := off - off%tablePiece
	n := min(tablePiece, t.f.geo.fatSize-start)
	piece, err := t.f.cache.Get(t.f.geo.fat+start, int(n))
	if err != nil {
		return failed("FAT", t.f.geo.fat+start, err)
	}
	t.piece, t.at = piece, start
	return nil
}

// next returns the cluster that follows one in its chain; last is set when
// none does.
func (t *tableReader) next(object string, cluster uint32) (next uint32, last bool, err error) {
	v, err := t.entry(cluster)
	switch {
	case err != nil:
		return 0, false, err
	case v >= entryEnd:
		return 0, true, nil
	case t.f.geo.has(v):
		return v, false, nil
	}
	what := fmt.Sprintf("cluster %d of %d", v, t.f.geo.clusters)
	switch {
	case v == 0:
		what = "a free cluster"
	case v == entryBad:
		what = "a bad cluster"
	}
	return 0, false, corrupt(object, t.f.geo.fat+int64(cluster)*int64(t.f.geo.bits)/8, "cluster %d is followed by %s", cluster, what)
}

package iso

import (
	"encoding/binary"
	"io"
	"math"
)

// The two byte orders in which each path table is written.
var (
	littleEndian binary.AppendByteOrder = binary.LittleEndian
	bigEndian    binary.AppendByteOrder = binary.BigEndian
)

// pathTableHeader is the size of a path table record before its identifier
// (ECMA-119 9.4).
const pathTableHeader = 8

// inPathTable reports whether a directory can be listed: the number of its
// parent has 16 bits. What comes behind is found through the directories
// themselves, as most readers find all of them.
func inPathTable(d *node, v view) bool {
	return d.parent == nil || d.parent.dir.place[v].number <= math.MaxUint16
}

// appendTableID appends the identifier of a directory in a path table.
func appendTableID(b []byte, d *node, v view) []byte {
	switch {
	case d.parent == nil:
		return append(b, selfID...)
	case v == joliet:
		return append(b, d.dir.joliet...)
	}
	return d.short.appendID(b, true)
}

// appendTableRecord appends the record of a directory (ECMA-119 9.4).
func appendTableRecord(b []byte, d *node, v view, order binary.AppendByteOrder) []byte {
	start := len(b)
	parent := uint32(1) // the root is its own
	if d.parent != nil {
		parent = d.parent.dir.place[v].number
	}
	b = append(b, 0, 0) // length of the identifier, to come; no extended attribute record
	b = order.AppendUint32(b, d.dir.place[v].start)
	b = order.AppendUint16(b, uint16(parent))
	b = appendTableID(b, d, v)
	n := len(b) - start - pathTableHeader
	b[start] = byte(n)
	if n%2 != 0 {
		b = append(b, 0)
	}
	return b
}

// pathTableSize returns the size of a view's path table in bytes.
func (m *image) pathTableSize(v view) int64 {
	var size int64
	var b []byte
	for _, d := range m.dirs[v] {
		if !inPathTable(d, v) {
			break // the order is that of the parents' numbers
		}
		b = appendTableRecord(b[:0], d, v, littleEndian)
		size += int64(len(b))
	}
	return size
}

// writePathTable writes the path table of a view, padded to whole sectors.
func (m *image) writePathTable(w io.Writer, v view, order binary.AppendByteOrder) error {
	var b []byte
	for _, d := range m.dirs[v] {
		if !inPathTable(d, v) {
			break
		}
		b = appendTableRecord(b[:0], d, v, order)
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	size := int64(m.tables[v].size)
	return writeZeros(w, sectors(size)*sectorSize-size)
}

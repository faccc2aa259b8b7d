package hive

import (
	"encoding/binary"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

// none is the offset of a list that is not there.
const none = 0xFFFFFFFF

// cellHeader is the size in front of a cell's data.
const cellHeader = 4

// A cell is the data of an allocated cell.
type cell struct {
	at   int64 // where it begins in the file
	data []byte
}

func (c cell) u16(at int) uint16 { return binary.LittleEndian.Uint16(c.data[at:]) }
func (c cell) u32(at int) uint32 { return binary.LittleEndian.Uint32(c.data[at:]) }
func (c cell) kind() string      { return string(c.data[:2]) }

// corrupt returns an error about the cell.
func (c cell) corrupt(format string, args ...any) error {
	return failed(layer.ErrCorrupt, c.at, format, args...)
}

// cell returns the cell at an offset among the bins, which must have min bytes
// of data, and of which no more than max are read.
func (h *Hive) cell(offset uint32, minimum, maximum int) (cell, error) {
	c := cell{at: baseSize + int64(offset)}
	if offset%8 != 0 || !ondisk.Within(int64(offset), cellHeader, h.size) {
		return c, c.corrupt("no cell can be there")
	}
	head, err := h.read(int64(offset), cellHeader)
	if err != nil {
		return c, err
	}
	size := -int64(int32(binary.LittleEndian.Uint32(head)))
	if size <= 0 {
		return c, c.corrupt("the cell is not in use")
	}
	if size < cellHeader+int64(minimum) || !ondisk.Within(int64(offset), size, h.size) {
		return c, c.corrupt("a cell of %d bytes", size)
	}
	c.data, err = h.read(int64(offset)+cellHeader, min(size-cellHeader, int64(maximum)))
	return c, err
}

// read returns n bytes of the bins, which lie in them. Cells are small and lie
// close together, so that they are read by pages.
func (h *Hive) read(offset, n int64) ([]byte, error) {
	page := offset &^ (baseSize - 1)
	if offset+n > page+baseSize {
		data := make([]byte, 0, n)
		for n > 0 {
			part := min(n, baseSize-offset&(baseSize-1))
			piece, err := h.read(offset, part)
			if err != nil {
				return nil, err
			}
			data, offset, n = append(data, piece...), offset+part, n-part
		}
		return data, nil
	}
	data, err := h.pages.Get(baseSize+page, int(min(baseSize, h.size-page)))
	if err != nil {
		return nil, err
	}
	return data[offset-page:][:n:n], nil
}

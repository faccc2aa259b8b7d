package ondisk

import (
	"encoding/binary"
	"fmt"
	"io"
)

// A Cursor reads consecutive fields of a record. The first field that does not
// fit makes it fail; from then on every field reads as zero, so that a decoder
// looks at Err once, at its end.
type Cursor struct {
	data  []byte
	pos   int
	order binary.ByteOrder
	err   error
}

// NewCursor returns a cursor at the first byte of data.
func NewCursor(data []byte, order binary.ByteOrder) *Cursor {
	return &Cursor{data: data, order: order}
}

// Bytes returns the next n bytes, which alias the cursor's data, or nil.
func (c *Cursor) Bytes(n int) []byte {
	if c.err != nil {
		return nil
	}
	if n < 0 || n > len(c.data)-c.pos {
		c.err = fmt.Errorf("%d bytes at %d of %d: %w", n, c.pos, len(c.data), io.ErrUnexpectedEOF)
		return nil
	}
	b := c.data[c.pos : c.pos+n : c.pos+n]
	c.pos += n
	return b
}

// Skip passes over n bytes.
func (c *Cursor) Skip(n int) { c.Bytes(n) }

// U8 returns the next byte.
func (c *Cursor) U8() uint8 {
	if b := c.Bytes(1); b != nil {
		return b[0]
	}
	return 0
}

// U16 returns the next two bytes as a number.
func (c *Cursor) U16() uint16 {
	if b := c.Bytes(2); b != nil {
		return c.order.Uint16(b)
	}
	return 0
}

// U32 returns the next four bytes as a number.
func (c *Cursor) U32() uint32 {
	if b := c.Bytes(4); b != nil {
		return c.order.Uint32(b)
	}
	return 0
}

// U64 returns the next eight bytes as a number.
func (c *Cursor) U64() uint64 {
	if b := c.Bytes(8); b != nil {
		return c.order.Uint64(b)
	}
	return 0
}

// Pos returns how many bytes have been read.
func (c *Cursor) Pos() int { return c.pos }

// Len returns how many bytes are left.
func (c *Cursor) Len() int { return len(c.data) - c.pos }

// Err returns the first failure.
func (c *Cursor) Err() error { return c.err }

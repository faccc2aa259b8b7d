// Package xpress decodes LZXPRESS Huffman, as [MS-XCA] 2.2 describes it: one
// block, as the Windows Overlay Filter and WIM files have it.
package xpress

import (
	"encoding/binary"
	"errors"

	"github.com/vmdkfs/vmdkfs/internal/compress/prefixcode"
)

// ErrCorrupt is what damaged data gets.
var ErrCorrupt = errors.New("corrupt XPRESS data")

// MaxSize is the size of a block of output, behind which a new code would
// begin.
const MaxSize = 65536

const (
	symbols    = 512 // 256 literals, then 16 lengths for each of 16 distances
	tableSize  = symbols / 2
	minMatch   = 3
	longLength = 15 // of a match: more of its length follows
)

// A Decoder holds the tables of a decoding. It is used again and again, by one
// goroutine at a time.
type Decoder struct {
	lengths [symbols]uint8
	code    prefixcode.Code
}

// Decode fills dst, of at most MaxSize bytes, from the compressed block in src.
func (d *Decoder) Decode(dst, src []byte) (int, error) {
	if len(src) < tableSize || len(dst) > MaxSize {
		return 0, ErrCorrupt
	}
	for i, b := range src[:tableSize] {
		d.lengths[2*i], d.lengths[2*i+1] = b&15, b>>4
	}
	if !d.code.Build(d.lengths[:]) {
		return 0, ErrCorrupt
	}
	in := bitReader{src: src, pos: tableSize}
	in.fill()
	pos := 0
	for pos < len(dst) {
		symbol, n := d.code.Lookup(in.peek())
		if n == 0 {
			return pos, ErrCorrupt
		}
		in.skip(n)
		if symbol < 256 {
			dst[pos] = byte(symbol)
			pos++
			continue
		}
		length, distanceBits := int(symbol&15), symbol>>4&15
		if length == longLength {
			length = in.longLength()
		}
		distance := 1<<distanceBits + int(in.peek()>>(16-distanceBits))
		in.skip(distanceBits)
		length += minMatch
		if in.short || distance > pos || length > len(dst)-pos {
			return pos, ErrCorrupt
		}
		from := pos - distance
		for end := pos + length; pos < end; {
			pos += copy(dst[pos:end], dst[from:pos])
		}
	}
	if in.short {
		return pos, ErrCorrupt
	}
	return pos, nil
}

// A bitReader reads bits from 16-bit words, and bytes from behind the words
// that it has taken. When bits are taken it always holds 16 more: so the
// encoder knew where the bytes have to be.
type bitReader struct {
	src   []byte
	pos   int
	bits  uint32 // the next count bits, from the top
	count uint
	short bool // bits behind the end were used
	past  uint // how many of the bits are from behind the end
}

// fill takes words until there are at least 16 bits.
func (r *bitReader) fill() {
	for r.count < 16 {
		if len(r.src)-r.pos >= 2 {
			r.bits |= uint32(binary.LittleEndian.Uint16(r.src[r.pos:])) << (16 - r.count)
			r.pos += 2
		} else {
			r.past += 16
		}
		r.count += 16
	}
}

// peek returns the next 16 bits.
func (r *bitReader) peek() uint32 { return r.bits >> 16 }

// skip takes n bits, at most 16.
func (r *bitReader) skip(n uint) {
	r.bits <<= n
	r.count -= n
	if r.count < 16 {
		r.fill()
	}
	if r.count < r.past {
		r.short = true
	}
}

// bytes returns the number in the next n bytes.
func (r *bitReader) bytes(n int) int {
	if n > len(r.src)-r.pos {
		r.short = true
		return 0
	}
	v := 0
	for i := range n {
		v |= int(r.src[r.pos+i]) << (8 * i)
	}
	r.pos += n
	return v
}

// longLength returns a length of longLength and more.
func (r *bitReader) longLength() int {
	if v := r.bytes(1); v < 255 {
		return longLength + v
	}
	v := r.bytes(2)
	if v == 0 {
		v = r.bytes(4)
	}
	if v < longLength {
		r.short = true
	}
	return v
}

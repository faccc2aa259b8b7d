package lzx

import (
	"encoding/binary"
	"math/bits"
)

// A bitReader reads bits from 16-bit words. Behind the end there are zeros;
// short tells whether any of them was used.
type bitReader struct {
	src   []byte
	pos   int
	buf   uint64 // the next count bits, from the top
	count uint
	past  uint // how many of the bits are from behind the end
}

// fill takes words until there are at least 32 bits: enough for a symbol and
// a second one, or for the 13 bits and the symbol of an offset.
func (r *bitReader) fill() {
	if r.count > 32 {
		return
	}
	if len(r.src)-r.pos >= 4 {
		v := bits.RotateLeft32(binary.LittleEndian.Uint32(r.src[r.pos:]), 16)
		r.buf |= uint64(v) << (32 - r.count)
		r.pos += 4
		r.count += 32
		return
	}
	for r.count <= 32 {
		if len(r.src)-r.pos >= 2 {
			r.buf |= uint64(binary.LittleEndian.Uint16(r.src[r.pos:])) << (48 - r.count)
			r.pos += 2
		} else {
			r.past += 16
		}
		r.count += 16
	}
}

// short reports whether more bits were used than there are.
func (r *bitReader) short() bool { return r.count < r.past }

// peek returns the next 16 bits.
func (r *bitReader) peek() uint32 { return uint32(r.buf >> 48) }

// skip takes n bits that are there.
func (r *bitReader) skip(n uint) {
	r.buf <<= n
	r.count -= n
}

// take returns the next n bits, at most 16, that are there.
func (r *bitReader) take(n uint) uint32 {
	v := r.peek() >> (16 - n)
	r.skip(n)
	return v
}

// read returns the next n bits, at most 16.
func (r *bitReader) read(n uint) uint32 {
	r.fill()
	return r.take(n)
}

// align goes to the next word, over a whole one where one ends: so LZX does
// before a block that is stored.
func (r *bitReader) align() {
	r.fill()
	r.skip((r.count-1)%16 + 1)
	if r.past == 0 {
		r.pos -= int(r.count / 8)
	} else {
		r.pos -= max(0, int(r.count)-int(r.past)) / 8
	}
	r.buf, r.count, r.past = 0, 0, 0
}

// uint32 returns the number in the next four bytes; the reader is aligned.
func (r *bitReader) uint32() (uint32, bool) {
	if len(r.src)-r.pos < 4 {
		return 0, false
	}
	r.pos += 4
	return binary.LittleEndian.Uint32(r.src[r.pos-4:]), true
}

// bytes fills dst; the reader is aligned, and stays so.
func (r *bitReader) bytes(dst []byte) bool {
	n := copy(dst, r.src[r.pos:])
	r.pos = min(r.pos+n+n%2, len(r.src))
	return n == len(dst)
}

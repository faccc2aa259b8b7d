// Package lzx decodes LZX with a window of 32 KiB, in the variant of WIM files
// and of the Windows Overlay Filter: each chunk is independent, and calls of
// x86 programs are translated in every one. [MS-PATCH] describes LZX, the
// documentation of wimlib how WIM differs from it.
package lzx

import (
	"errors"

	"github.com/vmdkfs/vmdkfs/internal/compress/prefixcode"
)

// ErrCorrupt is what damaged data gets.
var ErrCorrupt = errors.New("corrupt LZX data")

// MaxSize is the window, and with it the largest chunk of output.
const MaxSize = 32768

const (
	offsetSlots   = 30 // of a window of 32 KiB
	lengthHeaders = 8
	mainSymbols   = 256 + offsetSlots*lengthHeaders
	lengthSymbols = 249
	preSymbols    = 20
	alignSymbols  = 8
	minMatch      = 2
	longHeader    = 7 // a length that continues in a symbol of its own
	recentOffsets = 3
)

// The types of blocks.
const (
	blockVerbatim     = 1
	blockAligned      = 2
	blockUncompressed = 3
)

// slotBase and slotBits are the first offset of each slot, plus 2, and how many
// bits tell the offset in the slot.
var slotBase, slotBits = func() (base, extra [offsetSlots]uint32) {
	for i := range base {
		if i >= 4 {
			extra[i] = uint32(i/2 - 1)
		}
		if i > 0 {
			base[i] = base[i-1] + 1<<extra[i-1]
		}
	}
	return
}()

// A Decoder holds the tables of a decoding. It is used again and again, by one
// goroutine at a time.
type Decoder struct {
	mainLengths   [mainSymbols]uint8
	lengthLengths [lengthSymbols]uint8
	main          prefixcode.Code
	length        prefixcode.Code
	align         prefixcode.Code
	pre           prefixcode.Code
	recent        [recentOffsets]uint32
}

// Decode fills dst, of at most MaxSize bytes, from the compressed chunk in src.
func (d *Decoder) Decode(dst, src []byte) (int, error) {
	if len(dst) > MaxSize {
		return 0, ErrCorrupt
	}
	clear(d.mainLengths[:])
	clear(d.lengthLengths[:])
	d.recent = [recentOffsets]uint32{1, 1, 1}
	in := bitReader{src: src}
	for pos := 0; pos < len(dst); {
		kind, size := in.read(3), MaxSize
		if in.read(1) == 0 {
			size = int(in.read(16))
		}
		if size == 0 || size > len(dst)-pos {
			return pos, ErrCorrupt
		}
		var ok bool
		switch kind {
		case blockVerbatim, blockAligned:
			ok = d.readCodes(&in, kind == blockAligned) && d.block(&in, dst, pos, pos+size, kind == blockAligned)
		case blockUncompressed:
			ok = d.uncompressed(&in, dst[pos:pos+size])
		}
		if !ok || in.short() {
			return pos, ErrCorrupt
		}
		pos += size
	}
	untranslate(dst)
	return len(dst), nil
}

// uncompressed fills dst from a block that is stored as it is.
func (d *Decoder) uncompressed(in *bitReader, dst []byte) bool {
	in.align()
	for i := range d.recent {
		v, ok := in.uint32()
		if !ok || v == 0 {
			return false
		}
		d.recent[i] = v
	}
	return in.bytes(dst)
}

// block decodes the symbols that make dst[pos:end].
func (d *Decoder) block(in *bitReader, dst []byte, pos, end int, aligned bool) bool {
	recent := d.recent
	for pos < end {
		in.fill()
		symbol, n := d.main.Lookup(in.peek())
		if n == 0 {
			return false
		}
		in.skip(n)
		if symbol < 256 {
			dst[pos] = byte(symbol)
			pos++
			continue
		}
		length, slot := symbol&(lengthHeaders-1), (symbol-256)/lengthHeaders
		if length == longHeader {
			more, n := d.length.Lookup(in.peek())
			if n == 0 {
				return false
			}
			in.skip(n)
			length += more
		}
		length += minMatch
		if slot >= offsetSlots {
			return false
		}
		var offset uint32
		if slot < recentOffsets {
			offset = recent[slot]
			recent[slot], recent[0] = recent[0], offset
		} else {
			in.fill()
			extra := uint(slotBits[slot])
			offset = slotBase[slot] - 2
			if aligned && extra >= 3 {
				offset += in.take(extra-3) << 3
				low, n := d.align.Lookup(in.peek())
				if n == 0 {
					return false
				}
				in.skip(n)
				offset += uint32(low)
			} else {
				offset += in.take(extra)
			}
			recent[2], recent[1], recent[0] = recent[1], recent[0], offset
		}
		if uint64(offset) > uint64(pos) || int(length) > end-pos {
			return false
		}
		from := pos - int(offset)
		for to := pos + int(length); pos < to; {
			pos += copy(dst[pos:to], dst[from:pos])
		}
	}
	d.recent = recent
	return true
}

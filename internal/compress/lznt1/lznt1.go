// Package lznt1 decodes LZNT1, with which NTFS compresses files, as [MS-XCA]
// 2.5 describes it.
package lznt1

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

// ChunkSize is how much every chunk but the last decodes to.
const ChunkSize = 4096

// ErrCorrupt is what damaged data gets.
var ErrCorrupt = errors.New("corrupt LZNT1 data")

// The header of a chunk.
const (
	chunkCompressed = 0x8000
	chunkSignature  = 0x7000 // these bits are 3
	chunkLength     = 0x0fff // of what follows the header, less 1
)

// Decode decodes the chunks of src into dst until either ends, and returns how
// much of dst it filled. A chunk that decodes to less than ChunkSize and is not
// the last is padded with zeros. What lies in dst behind that is undefined.
func Decode(dst, src []byte) (int, error) {
	done := 0
	for done < len(dst) && len(src) >= 2 {
		header := int(binary.LittleEndian.Uint16(src))
		if header == 0 {
			break // the end, where the compressed data does not fill its clusters
		}
		length := header&chunkLength + 1
		if header&chunkSignature != 0x3000 || length > len(src)-2 {
			return done, ErrCorrupt
		}
		chunk := src[2 : 2+length]
		src = src[2+length:]
		if pad := -done & (ChunkSize - 1); pad != 0 {
			end := min(done+pad, len(dst))
			clear(dst[done:end])
			done = end
		}
		var n int
		if header&chunkCompressed == 0 {
			n = copy(dst[done:], chunk)
		} else {
			var err error
			if n, err = decodeChunk(dst[done:], chunk); err != nil {
				return done, err
			}
		}
		done += n
	}
	return done, nil
}

// A room is a chunk, packed or not, and what is read and written behind its end
// for nothing, up to 16 bytes at once. Its length is a constant, so that an
// index below ChunkSize needs no further check.
type room [ChunkSize + 16]byte

func (r *room) uint64(at int) uint64 { return binary.LittleEndian.Uint64(r[at&(ChunkSize-1):][:8]) }

func (r *room) putUint64(at int, v uint64) {
	binary.LittleEndian.PutUint64(r[at&(ChunkSize-1):][:8], v)
}

// decodeChunk decodes the tokens of one chunk to the start of dst, and returns
// how many bytes of dst are its own.
func decodeChunk(dst, src []byte) (int, error) {
	var in room
	copy(in[:], src)
	if len(dst) < len(room{}) {
		return decodeShort(dst, &in, len(src))
	}
	return decodeRoom((*room)(dst), &in, len(src), ChunkSize)
}

// decodeShort is decodeChunk where dst has no room behind the chunk.
func decodeShort(dst []byte, in *room, size int) (int, error) {
	var out room
	n, err := decodeRoom(&out, in, size, min(len(dst), ChunkSize))
	copy(dst, out[:n])
	return n, err
}

// decodeRoom decodes size bytes of in to out, until there are limit bytes.
func decodeRoom(out, in *room, size, limit int) (int, error) {
	// The further into the chunk, the more bits of a phrase are the distance's:
	// the length has shift of them up to the position reach.
	shift, reach := uint(12), 16
	at, pos := 0, 0
	for at < size && pos < limit {
		flags := uint32(in[at&(ChunkSize-1)]) | 1<<8
		at++
		for {
			// What is hard to foresee for a processor are branches that depend
			// on the data. So the literals up to the next phrase are copied as
			// eight, and the phrase as sixteen bytes, whatever their number.
			literals := bits.TrailingZeros32(flags)
			out.putUint64(pos, in.uint64(at))
			at, pos, flags = at+literals, pos+literals, flags>>(literals&15)
			if flags == 1 || at >= size || pos >= limit {
				break
			}
			token := int(binary.LittleEndian.Uint16(in[at&(ChunkSize-1):][:2]))
			at, flags = at+2, flags>>1
			for pos > reach {
				shift, reach = shift-1, reach*2
			}
			distance, length := token>>(shift&15)+1, token&(1<<(shift&15)-1)+3
			end := pos + length
			if at > size || distance > pos || end > ChunkSize {
				return 0, ErrCorrupt
			}
			from := pos - distance
			if distance < 8 {
				for ; pos < end; from, pos = from+1, pos+1 {
					out[pos&(ChunkSize-1)] = out[from&(ChunkSize-1)]
				}
			} else {
				a, b := out[pos&(ChunkSize-1):][:16], out[from&(ChunkSize-1):][:16]
				binary.LittleEndian.PutUint64(a, binary.LittleEndian.Uint64(b))
				binary.LittleEndian.PutUint64(a[8:], binary.LittleEndian.Uint64(b[8:]))
				for pos += 16; pos < end; pos += 8 {
					out.putUint64(pos, out.uint64(pos-distance))
				}
			}
			if pos = end; flags == 1 || at >= size || pos >= limit {
				break
			}
		}
	}
	return min(pos-max(0, at-size), limit), nil // literals behind the end are none
}

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

// wild is how many bytes a copy may write behind its end, where dst has them:
// they are overwritten by what follows.
const wild = 16

// decodeChunk decodes the tokens of one chunk to the start of dst, and returns
// how many bytes of dst are its own.
func decodeChunk(dst, src []byte) (int, error) {
	limit := min(len(dst), ChunkSize)
	pos := 0
	for at := 0; at < len(src) && pos < limit; {
		flags := src[at]
		at++
		if flags == 0 && len(src)-at >= 8 && limit-pos >= 8 {
			copy(dst[pos:pos+8], src[at:at+8])
			at, pos = at+8, pos+8
			continue
		}
		for bit := 0; bit < 8 && at < len(src) && pos < limit; bit++ {
			if flags&1 == 0 {
				dst[pos] = src[at]
				at, pos, flags = at+1, pos+1, flags>>1
				continue
			}
			flags >>= 1
			if len(src)-at < 2 || pos == 0 {
				return 0, ErrCorrupt
			}
			token := int(src[at]) | int(src[at+1])<<8
			at += 2
			// The further into the chunk, the more bits are the distance's.
			shift := 12 - max(0, bits.Len(uint(pos-1))-4)
			distance, length := token>>(shift&15)+1, token&(1<<(shift&15)-1)+3
			if distance > pos || length > ChunkSize-pos {
				return 0, ErrCorrupt
			}
			end := pos + length
			if distance >= 8 && end+wild <= len(dst) {
				for from := pos - distance; pos < end; from, pos = from+8, pos+8 {
					v := binary.LittleEndian.Uint64(dst[from:])
					binary.LittleEndian.PutUint64(dst[pos:], v)
				}
				pos = end
				continue
			}
			from := pos - distance
			for end = min(end, limit); pos < end; {
				pos += copy(dst[pos:end], dst[from:pos])
			}
		}
	}
	return pos, nil
}

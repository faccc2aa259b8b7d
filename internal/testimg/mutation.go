package testimg

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
)

// sector is the grain in which places are looked for.
const sector = 512

// A span is a stretch of an image that is worth changing.
type span struct{ off, end int64 }

type spanList []span

// at returns data from a place in one of the spans on.
func (l spanList) at(data []byte, n uint32) []byte {
	s := l[int(n/sector)%len(l)]
	return data[s.off+int64(n%sector)%(s.end-s.off):]
}

// places are where an image is worth changing: metadata are the sectors that a
// walk reads, all are those that are not empty.
type places struct{ metadata, all spanList }

// places looks for those of an image of s, which must be one that opens.
func (s Subject) places(tb testing.TB, name string) places {
	tb.Helper()
	data := s.Images[name]
	r := &recorder{ReaderAt: bytes.NewReader(data)}
	fsys, err := s.Open(name, r, int64(len(data)))
	if err != nil {
		tb.Fatalf("%s: %v", name, err)
	}
	listAll(fsys)
	closeFS(fsys)
	return places{spans(data, r.read), spans(data, nil)}
}

// spans returns the sectors of data which are not empty; those outside of
// within, when there is any, are left out.
func spans(data []byte, within []span) (list spanList) {
	for off := int64(0); off < int64(len(data)); off += sector {
		end := min(off+sector, int64(len(data)))
		used := within == nil
		for _, w := range within {
			if w.off < end && off < w.end {
				used = true
				break
			}
		}
		if used && !isZero(data[off:end]) {
			list = append(list, span{off, end})
		}
	}
	return list
}

func isZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// A recorder remembers what was read of a source.
type recorder struct {
	io.ReaderAt
	mu   sync.Mutex
	read []span
}

func (r *recorder) ReadAt(p []byte, off int64) (int, error) {
	n, err := r.ReaderAt.ReadAt(p, off)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.read = append(r.read, span{off, off + int64(n)})
	return n, err
}

// numbers are those that decoders stumble over.
var numbers = []uint64{0, 1, 2, 3, 7, 8, 63, 64, 127, 128, 255, 256, 1023, 1024, 4095, 4096, 1<<15 - 1, 1 << 15, 1<<16 - 1, 1 << 16,
	1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32, 1<<48 - 1, 1<<62 - 1, 1<<63 - 1, 1 << 63, 1<<64 - 1}

// mutate changes data. It returns how much of it is left: now and then a mutant
// is an image that was copied short.
func (p places) mutate(rng *rand.Rand, data []byte) int64 {
	size := int64(len(data))
	if rng.IntN(20) == 0 {
		size = rng.Int64N(size)
	}
	changes := 1
	for changes < 64 && rng.IntN(4) != 0 {
		changes++
	}
	at := func() []byte {
		list, place := p.metadata, rng.Uint32()
		if len(list) == 0 || rng.IntN(5) == 0 {
			list = p.all
		}
		if rng.IntN(2) == 0 {
			place &^= 3 // where numbers are
		}
		return list.at(data, place)
	}
	for range changes {
		p := at()
		switch rng.IntN(8) {
		case 0, 1:
			p[0] ^= 1 << rng.IntN(8)
		case 2:
			p[0] = byte(rng.Uint32())
		case 3: // a little more, or less
			p[0] += byte(rng.IntN(9)) - 4
		case 4, 5:
			putNumber(p, numbers[rng.IntN(len(numbers))], 1<<rng.IntN(4), rng.IntN(4) == 0)
		case 6: // what is elsewhere in the image
			n := []int{4, 8, 32, 128, 512}[rng.IntN(5)]
			copy(p[:min(n, len(p))], at())
		case 7:
			clear(p[:min(1<<rng.IntN(10), len(p))])
		}
	}
	return size
}

// putNumber stores n in one, two, four or eight bytes of either order.
func putNumber(p []byte, n uint64, width int, big bool) {
	var b [8]byte
	if binary.LittleEndian.PutUint64(b[:], n); big {
		binary.BigEndian.PutUint64(b[:], n<<(64-8*width))
	}
	copy(p[:min(width, len(p))], b[:])
}

package vmdk

import (
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"sync/atomic"
	"testing/fstest"
)

// largeSectors is the capacity of a large, of 2 TiB less one grain of 64 KiB,
// because its tables are in 32-bit sectors.
const largeSectors = 1<<32 - 1<<24

// A large is a directory with one sparse disk, of which nothing is stored
// anywhere: each read works out what it would be. All grains are allocated, in
// their order.
type large struct {
	head  []byte
	rgd   int64 // bytes; the tables follow
	gd    int64
	data  int64 // where the first grain lies
	size  int64
	reads atomic.Int64
}

func newLarge() *large {
	const grains = largeSectors / 128
	const tables = grains / 512
	l := &large{rgd: 64 << 10}
	l.gd = l.rgd + tables*4 + tables*2048
	l.data = l.gd + tables*4 + tables*2048
	l.size = l.data + largeSectors*512
	l.head = make([]byte, 64<<10)
	h := l.head
	copy(h, hostedMagic)
	le := binary.LittleEndian
	le.PutUint32(h[4:], 1)
	le.PutUint32(h[8:], flagNewlines|flagRedundant)
	for i, n := range []int64{largeSectors, 128, 1, 20} {
		le.PutUint64(h[12+8*i:], uint64(n))
	}
	le.PutUint32(h[44:], 512)
	for i, n := range []int64{l.rgd, l.gd, l.data} {
		le.PutUint64(h[48+8*i:], uint64(n)/512)
	}
	copy(h[73:], "\n \r\n")
	copy(h[512:], fmt.Sprintf("# Disk DescriptorFile\nversion=1\nCID=1\nparentCID=ffffffff\ncreateType=\"monolithicSparse\"\nRW %d SPARSE \"large.vmdk\"\n", int64(largeSectors)))
	return l
}

// grain returns how a grain begins.
func (l *large) grain(g int64) string { return fmt.Sprintf("grain %010d", g) }

func (l *large) Open(name string) (fs.File, error) {
	return &largeFile{l: l}, nil
}

type largeFile struct{ l *large }

func (f *largeFile) Close() error             { return nil }
func (f *largeFile) Read([]byte) (int, error) { return 0, fs.ErrInvalid }
func (f *largeFile) Stat() (fs.FileInfo, error) {
	info, err := fs.Stat(fstest.MapFS{"large.vmdk": {}}, "large.vmdk")
	return sized{info, f.l.size}, err
}

type sized struct {
	fs.FileInfo
	size int64
}

func (s sized) Size() int64 { return s.size }

func (f *largeFile) ReadAt(p []byte, off int64) (int, error) {
	f.l.reads.Add(1)
	n := 0
	for n < len(p) && off < f.l.size {
		done := f.l.fill(p[n:], off)
		n, off = n+done, off+int64(done)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// fill sets the first bytes of p, which are those at off, and returns how many.
func (l *large) fill(p []byte, off int64) int {
	const tables = largeSectors / 128 / 512
	le := binary.LittleEndian
	var word [4]byte
	for _, gd := range []int64{l.gd, l.rgd} {
		switch i := (off - gd) / 4; {
		case off < gd:
			continue
		case i < tables:
			le.PutUint32(word[:], uint32((gd+tables*4+i*2048)/512))
			return copy(p, word[off%4:])
		case i < tables+tables*512:
			le.PutUint32(word[:], uint32((l.data+(i-tables)*65536)/512))
			return copy(p, word[off%4:])
		}
		break
	}
	if off < l.rgd {
		return copy(p, l.head[off:])
	}
	g, at := (off-l.data)/65536, (off-l.data)%65536
	if begin := l.grain(g); at < int64(len(begin)) {
		return copy(p, begin[at:])
	}
	n := min(int64(len(p)), 65536-at)
	clear(p[:n])
	return int(n)
}

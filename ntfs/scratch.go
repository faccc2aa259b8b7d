package ntfs

import (
	"sync"

	"github.com/vmdkfs/vmdkfs/internal/compress/lzx"
	"github.com/vmdkfs/vmdkfs/internal/compress/xpress"
)

// A scratch is what decompression needs while it lasts. The files of a volume
// share it, as most are small: what is made for each of them costs as much as
// their bytes.
type scratch struct {
	packed sync.Pool // of *[]byte: compressed bytes
	lzx    sync.Pool // of *lzx.Decoder
	xpress sync.Pool // of *xpress.Decoder
}

// borrow returns n bytes, and what gives them back.
func (s *scratch) borrow(n int64) ([]byte, func()) {
	buf, _ := s.packed.Get().(*[]byte)
	if buf == nil || int64(cap(*buf)) < n {
		b := make([]byte, max(n, minPacked))
		buf = &b
	}
	return (*buf)[:n], func() { s.packed.Put(buf) }
}

// minPacked is the least that a buffer has, so that the next file finds room in
// that of the one before: a unit of the usual 64 KiB.
const minPacked = 64 << 10

// decode decodes a chunk of the Windows Overlay Filter.
func (s *scratch) decode(algorithm uint32, dst, src []byte) error {
	if algorithm == wofLZX {
		d, _ := s.lzx.Get().(*lzx.Decoder)
		if d == nil {
			d = new(lzx.Decoder)
		}
		defer s.lzx.Put(d)
		_, err := d.Decode(dst, src)
		return err
	}
	d, _ := s.xpress.Get().(*xpress.Decoder)
	if d == nil {
		d = new(xpress.Decoder)
	}
	defer s.xpress.Put(d)
	_, err := d.Decode(dst, src)
	return err
}

// Package ondisk decodes on-disk structures: reads that are whole or fail, a
// checked cursor for records of variable length, and arithmetic that cannot
// overflow unnoticed.
package ondisk

import (
	"errors"
	"io"
	"math/bits"
)

// chunk is how much Read allocates before the source has shown that it holds
// as much.
const chunk = 4 << 20

// ReadFull fills p from r at off. A source that ends before p is full is
// io.ErrUnexpectedEOF.
func ReadFull(r io.ReaderAt, p []byte, off int64) error {
	if off < 0 {
		return io.ErrUnexpectedEOF
	}
	n, err := r.ReadAt(p, off)
	switch {
	case n == len(p):
		return nil
	case err == nil || errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF
	}
	return err
}

// Read returns n bytes of r at off. It allocates as it reads, so that a length
// which the source does not hold costs no memory.
func Read(r io.ReaderAt, off, n int64) ([]byte, error) {
	if n < 0 || off < 0 || off+n < off {
		return nil, io.ErrUnexpectedEOF
	}
	buf := make([]byte, min(n, chunk))
	if err := ReadFull(r, buf, off); err != nil {
		return nil, err
	}
	for done := int64(len(buf)); done < n; done = int64(len(buf)) {
		buf = append(buf, make([]byte, min(n-done, done))...)
		if err := ReadFull(r, buf[done:], off+done); err != nil {
			return nil, err
		}
	}
	return buf, nil
}

// Mul returns a*b, and whether the product is a valid offset or length: it
// fits an int64.
func Mul(a, b uint64) (int64, bool) {
	hi, lo := bits.Mul64(a, b)
	return int64(lo), hi == 0 && lo <= 1<<63-1
}

// Within reports whether the n bytes at off lie in the first size bytes.
func Within(off, n, size int64) bool {
	return off >= 0 && n >= 0 && off <= size && n <= size-off
}

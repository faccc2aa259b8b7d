// Package ahead reads a file in pieces, while the pieces before are used: a
// copy takes as long as the slower of reading and writing, not as both.
package ahead

import (
	"errors"
	"io"
	"iter"
	"sync"

	"github.com/vmdkfs/vmdkfs/layer"
)

// pieces is how many are in memory at once: one that is read, one that is used
// and one that waits in between.
const pieces = 3

// A piece is a stretch of the file that was read, or why there are no more.
type piece struct {
	data []byte
	off  int64
	err  error
}

// Read reads what the extents of a file cover, in their order, in pieces of at
// most size bytes, and calls use with each and with its offset in the file. The
// bytes of a piece are use's until it returns. The error is that of use, of the
// extents, or of a read, before which use was given all that could be read; a
// file that ends inside an extent is io.ErrUnexpectedEOF. When Read returns, it
// reads no longer.
func Read(r io.ReaderAt, extents iter.Seq2[layer.Extent, error], size int, use func(p []byte, off int64) error) error {
	full, free, stop := make(chan piece, pieces), make(chan []byte, pieces), make(chan struct{})
	for range pieces {
		free <- nil
	}
	go func() {
		defer close(full)
		if err := fill(r, extents, size, full, free, stop); err != nil {
			full <- piece{err: err}
		}
	}()
	var err error
	for p := range full {
		if err != nil {
			continue // until the other goroutine has ended
		}
		if err = p.err; err == nil {
			err = use(p.data, p.off)
		}
		if err != nil {
			close(stop)
			continue
		}
		free <- p.data
	}
	keep(free)
	return err
}

// buffers are those of files that were read before, as *[]byte: many have few
// pieces, and a new buffer for each would cost as much as to read it.
var buffers sync.Pool

// buffer returns n bytes.
func buffer(n int) []byte {
	if b, _ := buffers.Get().(*[]byte); b != nil && cap(*b) >= n {
		return (*b)[:n]
	}
	return make([]byte, n)
}

// keep keeps the buffers that are free.
func keep(free <-chan []byte) {
	for {
		select {
		case b := <-free:
			if b != nil {
				buffers.Put(&b)
			}
		default:
			return
		}
	}
}

// fill reads until all is read, a read fails, or stop is closed.
func fill(r io.ReaderAt, extents iter.Seq2[layer.Extent, error], size int, full chan<- piece, free <-chan []byte, stop <-chan struct{}) error {
	for e, err := range extents {
		if err != nil {
			return err
		}
		for done := int64(0); done < e.Length; {
			var buf []byte
			select {
			case buf = <-free:
			case <-stop:
				return nil
			}
			n := int(min(int64(size), e.Length-done))
			if cap(buf) < n {
				buf = buffer(n)
			}
			got, err := readFull(r, buf[:n], e.Offset+done)
			if got > 0 {
				full <- piece{data: buf[:got], off: e.Offset + done} // it has room for all
			}
			if err != nil {
				return err
			}
			done += int64(n)
		}
	}
	return nil
}

// readFull reads as io.ReaderAt does, but an end of the file is an error.
func readFull(r io.ReaderAt, p []byte, off int64) (int, error) {
	n, err := r.ReadAt(p, off)
	if n == len(p) {
		return n, nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// Part is Read of the bytes from off to end. What is one piece costs no
// goroutine.
func Part(r io.ReaderAt, off, end int64, size int, use func(p []byte, off int64) error) error {
	length := end - off
	if length > int64(size) {
		return Read(r, func(yield func(layer.Extent, error) bool) {
			yield(layer.Extent{Offset: off, Length: length}, nil)
		}, size, use)
	}
	if length <= 0 {
		return nil
	}
	buf := make([]byte, length)
	n, err := readFull(r, buf, off)
	if n > 0 {
		if err := use(buf[:n], off); err != nil {
			return err
		}
	}
	return err
}

package main

import (
	"bytes"
	"io"
	"os"

	"github.com/vmdkfs/vmdkfs/internal/ahead"
	"github.com/vmdkfs/vmdkfs/layer"
)

const (
	// sparseBlock is how many zeros are left out where data has them: what
	// file systems allocate at once.
	sparseBlock = 4096

	// sparseCopy is how much is read at once.
	sparseCopy = 512 << 10
)

var zeroBlock [sparseBlock]byte

// A sparseOutput is a regular file that is written from its end on, with holes
// where there is nothing but zeros.
type sparseOutput struct {
	*output
	file *os.File
	end  int64 // of the file, where it is written
	hole int64 // bytes that follow on the end and are not there yet
}

// sparse returns o, which writes to w, as an output with holes, or nil where w
// cannot have them: it is no file, or one that is written in the middle.
func (o *output) sparse(w io.Writer) *sparseOutput {
	f, ok := w.(*os.File)
	if !ok {
		return nil
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	at, err := f.Seek(0, io.SeekCurrent)
	if err != nil || at != info.Size() {
		return nil
	}
	return &sparseOutput{output: o, file: f, end: at}
}

// copy writes what f holds. What f says is a hole is not read either.
func (s *sparseOutput) copy(f layer.File) error {
	done := int64(0)
	err := ahead.Read(f, f.Extents(), sparseCopy, func(p []byte, off int64) error {
		s.hole += off - done
		done = off + int64(len(p))
		return s.data(p)
	})
	if err == nil {
		s.hole += f.Size() - done
	}
	if s.err != nil {
		return err
	}
	if failed := s.punch(); failed != nil {
		return failed
	}
	return err
}

// data writes p, without its blocks of zeros.
func (s *sparseOutput) data(p []byte) error {
	for len(p) > 0 {
		n := zeros(p)
		s.hole += int64(n)
		p = p[n:]
		n = 0
		for n < len(p) && zeros(p[n:min(n+sparseBlock, len(p))]) == 0 {
			n = min(n+sparseBlock, len(p))
		}
		if n == 0 {
			continue
		}
		if err := s.punch(); err != nil {
			return err
		}
		m, err := s.Write(p[:n])
		s.end += int64(m)
		if err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

// zeros returns how many bytes p begins with that are blocks of zeros, of which
// the last may be shorter.
func zeros(p []byte) int {
	n := 0
	for n < len(p) {
		block := p[n:min(n+sparseBlock, len(p))]
		if !bytes.Equal(block, zeroBlock[:len(block)]) {
			break
		}
		n += len(block)
	}
	return n
}

// punch makes the hole that is due, by making the file longer. Only then is it
// there too where the file was opened to be appended to.
func (s *sparseOutput) punch() error {
	if s.err = s.ctx.Err(); s.err != nil || s.hole == 0 {
		return s.err
	}
	s.end += s.hole
	s.progress.add(s.hole)
	s.hole = 0
	if s.err = s.file.Truncate(s.end); s.err == nil {
		_, s.err = s.file.Seek(s.end, io.SeekStart)
	}
	return s.err
}

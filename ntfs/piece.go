package ntfs

import (
	"io"
	"io/fs"
	"sync"
)

// A lastPiece keeps the piece of a stream that was decompressed last, for
// readers that ask for less than that at once.
type lastPiece struct {
	mu   sync.Mutex
	off  int64
	data []byte // never changed
}

// read copies what the piece has of off to the start of p, and returns how much.
func (l *lastPiece) read(p []byte, off int64) int {
	l.mu.Lock()
	start, data := l.off, l.data
	l.mu.Unlock()
	if off < start || off >= start+int64(len(data)) {
		return 0
	}
	return copy(p, data[off-start:])
}

// keep remembers a piece.
func (l *lastPiece) keep(data []byte, off int64) {
	l.mu.Lock()
	l.off, l.data = off, data
	l.mu.Unlock()
}

// clip returns the part of p that a file of the given size has at off, and the
// error of a ReadAt that fills it: io.EOF where p goes beyond the end.
func clip(p []byte, off, size int64) ([]byte, error) {
	switch {
	case off < 0:
		return nil, fs.ErrInvalid
	case off >= size:
		return nil, io.EOF
	case int64(len(p)) > size-off:
		return p[:size-off], io.EOF
	}
	return p, nil
}

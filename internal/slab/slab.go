// Package slab makes many small things in one piece of memory, where making
// each on its own would cost more than all else that is done with it. A piece
// is freed when nothing in it is used any more.
package slab

import "strings"

const (
	firstThings = 8  // of the first piece, as most directories are small
	mostThings  = 64 // of the largest, as one thing in use keeps it all
	firstBytes  = 128
	mostBytes   = 2 << 10
)

// An Of makes things of one type. It is used by one goroutine.
type Of[T any] struct{ piece []T }

// New returns a new thing.
func (s *Of[T]) New() *T {
	if len(s.piece) == cap(s.piece) {
		s.piece = make([]T, 0, min(max(2*cap(s.piece), firstThings), mostThings))
	}
	s.piece = s.piece[:len(s.piece)+1]
	return &s.piece[len(s.piece)-1]
}

// Strings makes strings. It is used by one goroutine.
type Strings struct {
	piece strings.Builder
	size  int
}

// Of returns b as a string.
func (s *Strings) Of(b []byte) string {
	start := s.room(len(b))
	s.piece.Write(b)
	return s.piece.String()[start:]
}

// Join returns parts one behind the other.
func (s *Strings) Join(parts ...string) string {
	n := 0
	for _, part := range parts {
		n += len(part)
	}
	start := s.room(n)
	for _, part := range parts {
		s.piece.WriteString(part)
	}
	return s.piece.String()[start:]
}

// room makes room for n bytes, which do not move once they are written, and
// returns where they will begin.
func (s *Strings) room(n int) (start int) {
	if n > s.piece.Cap()-s.piece.Len() {
		s.size = min(max(2*s.size, firstBytes), mostBytes)
		s.piece = strings.Builder{}
		s.piece.Grow(max(n, s.size))
	}
	return s.piece.Len()
}

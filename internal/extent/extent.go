// Package extent maps the bytes of a file to the bytes of the sources that
// hold them, and reads through such a map.
package extent

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Hole as a Run's Source says that the run reads as zeros.
const Hole = -1

// A Run is a stretch of a file that lies together in one source. All numbers
// are bytes.
type Run struct {
	Offset   int64 // in the file
	Length   int64
	Source   int   // index of the source, or Hole
	Physical int64 // in the source
}

// end returns the offset of the first byte behind the run.
func (r Run) end() int64 { return r.Offset + r.Length }

// continues reports whether r carries on where p ends, in the file and in the
// source, so that both are one read.
func (r Run) continues(p Run) bool {
	return r.Offset == p.end() && r.Source == p.Source && (r.Source == Hole || r.Physical == p.Physical+p.Length)
}

// check returns what is wrong with a run of a source of the given size.
func (r Run) check(sourceSize int64) error {
	switch {
	case r.Length <= 0:
		return fmt.Errorf("run at %d has length %d", r.Offset, r.Length)
	case r.Offset < 0 || r.Offset > math.MaxInt64-r.Length:
		return fmt.Errorf("run of %d bytes at %d overflows", r.Length, r.Offset)
	case r.Source == Hole:
		return nil
	case r.Physical < 0 || r.Physical > sourceSize-r.Length:
		return fmt.Errorf("run of %d bytes at %d lies at %d, outside the %d bytes of its source", r.Length, r.Offset, r.Physical, sourceSize)
	}
	return nil
}

// A Mapper tells where the bytes of a file lie. It must be safe for any number
// of goroutines.
type Mapper interface {
	// Map returns the run that holds the byte at off. A run that is longer
	// than what follows at off is welcome: it saves calls.
	Map(off int64) (Run, error)
}

// A List is a Mapper over runs that were checked once: ordered, disjoint,
// inside their sources. What no run covers is a hole.
type List struct {
	runs []Run
}

// errOverlap is wrapped in what NewList says of runs that are not disjoint.
var errOverlap = errors.New("runs overlap")

// NewList checks runs against the sizes of their sources, puts them in order
// and joins those that continue one another. It keeps the slice.
func NewList(runs []Run, sourceSizes ...int64) (List, error) {
	slices.SortStableFunc(runs, func(a, b Run) int { return cmp.Compare(a.Offset, b.Offset) })
	out := runs[:0]
	for _, r := range runs {
		size := int64(0)
		if r.Source != Hole {
			if r.Source < 0 || r.Source >= len(sourceSizes) {
				return List{}, fmt.Errorf("run at %d names source %d of %d", r.Offset, r.Source, len(sourceSizes))
			}
			size = sourceSizes[r.Source]
		}
		if err := r.check(size); err != nil {
			return List{}, err
		}
		if len(out) > 0 {
			last := &out[len(out)-1]
			if r.Offset < last.end() {
				return List{}, fmt.Errorf("%w: %d begins before %d", errOverlap, r.Offset, last.end())
			}
			if r.continues(*last) {
				last.Length += r.Length
				continue
			}
		}
		out = append(out, r)
	}
	return List{runs: slices.Clip(out)}, nil
}

// Map implements Mapper by binary search.
func (l List) Map(off int64) (Run, error) {
	i, found := slices.BinarySearchFunc(l.runs, off, func(r Run, off int64) int { return cmp.Compare(r.Offset, off) })
	if found {
		return l.runs[i], nil
	}
	start, end := int64(0), int64(math.MaxInt64)
	if i > 0 {
		if r := l.runs[i-1]; off < r.end() {
			return r, nil
		}
		start = l.runs[i-1].end()
	}
	if i < len(l.runs) {
		end = l.runs[i].Offset
	}
	return Run{Offset: start, Length: end - start, Source: Hole}, nil
}

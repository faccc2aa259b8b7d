package extent

import (
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A Derived source is one whose bytes are worked out from those of other
// sources: decompressed, or rebuilt from parity. It reads as any source does;
// its extents are told as lying in no place.
type Derived struct {
	io.ReaderAt
	Source int // the layer's source that most of it comes from
}

// A Reader reads a file of a given size through a Mapper. It is immutable, and
// its methods may be called from any number of goroutines.
type Reader struct {
	mapper  Mapper
	size    int64
	sources []io.ReaderAt
}

// NewReader returns a reader of the size bytes that m maps to sources.
func NewReader(m Mapper, size int64, sources ...io.ReaderAt) *Reader {
	return &Reader{mapper: m, size: size, sources: sources}
}

// Size returns the length in bytes.
func (r *Reader) Size() int64 { return r.size }

// errNegative is what a negative offset gets, as from every io.ReaderAt.
var errNegative = errors.New("negative offset")

// ReadAt implements io.ReaderAt. Holes are cleared without a read; runs that
// continue one another in the same source are one read of it. A source that
// ends inside a run is io.ErrUnexpectedEOF, never zeros.
func (r *Reader) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errNegative
	}
	if off >= r.size {
		return 0, io.EOF
	}
	var eof error
	if int64(len(p)) > r.size-off {
		p, eof = p[:r.size-off], io.EOF
	}
	for done := 0; done < len(p); {
		run, err := r.joined(off+int64(done), int64(len(p)-done))
		if err != nil {
			return done, err
		}
		part := p[done:][:run.Length]
		if run.Source == Hole {
			clear(part)
		} else if err := ondisk.ReadFull(r.sources[run.Source], part, run.Physical); err != nil {
			return done, err
		}
		done += len(part)
	}
	return len(p), eof
}

// joined returns the run that begins at off, joined with those that continue
// it, cut to at most want bytes.
func (r *Reader) joined(off, want int64) (Run, error) {
	run, err := r.at(off)
	if err != nil {
		return Run{}, err
	}
	for run.Length < want {
		next, err := r.at(run.end())
		if err != nil || !next.continues(run) {
			break // the error, if it is one, is met again when its turn comes
		}
		run.Length += next.Length
	}
	run.Length = min(run.Length, want)
	return run, nil
}

// at returns the part of off's run that begins at off and ends with the file.
// A mapper's answer that does not hold off is refused, so that every loop over
// runs makes progress.
func (r *Reader) at(off int64) (Run, error) {
	if off >= r.size {
		return Run{Offset: off, Source: Hole}, io.EOF
	}
	run, err := r.mapper.Map(off)
	if err != nil {
		return Run{}, err
	}
	skip := off - run.Offset
	if skip < 0 || skip >= run.Length || run.Source < Hole || run.Source >= len(r.sources) {
		return Run{}, fmt.Errorf("run of %d bytes at %d in source %d does not hold %d", run.Length, run.Offset, run.Source, off)
	}
	run.Offset = off
	run.Physical += skip
	run.Length = min(run.Length-skip, r.size-off)
	return run, nil
}

// Extents yields the runs that are not holes, joined, then at most one error.
func (r *Reader) Extents() iter.Seq2[layer.Extent, error] {
	return func(yield func(layer.Extent, error) bool) {
		for off := int64(0); off < r.size; {
			run, err := r.joined(off, r.size-off)
			if err != nil {
				yield(layer.Extent{}, err)
				return
			}
			off = run.end()
			if run.Source == Hole {
				continue
			}
			x := layer.Extent{Offset: run.Offset, Length: run.Length, Source: run.Source, Physical: run.Physical}
			if d, ok := r.sources[run.Source].(Derived); ok {
				x.Source, x.Physical = d.Source, -1
			}
			if !yield(x, nil) {
				return
			}
		}
	}
}

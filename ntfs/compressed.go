package ntfs

import (
	"io"
	"iter"

	"github.com/vmdkfs/vmdkfs/internal/compress/lznt1"
	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

// maxPacked is how many compressed bytes are read at once, unless one unit has
// more: as much as a copy asks for.
const maxPacked = 512 << 10

// A compressed stream is cut into units of so many clusters. What is stored of
// a unit tells how: all its clusters are its bytes as they are, none are zeros,
// fewer hold LZNT1 at its start. Source: "Compression" under "Data Attribute"
// in the documentation of the Linux-NTFS project.
type compressed struct {
	clusters    extent.Mapper
	source      io.ReaderAt
	unit        int64
	size        int64
	initialized int64
	object      string

	scratch *scratch
	last    lastPiece
}

// newCompressed returns the content of an LZNT1 stream. clusters maps the bytes
// of its clusters to source; unit is the size of a unit in bytes.
func newCompressed(clusters extent.Mapper, source io.ReaderAt, unit int64, size, initialized int64, object string, s *scratch) vnode.Content {
	return &compressed{scratch: s, clusters: clusters, source: source, unit: unit, size: size, initialized: min(size, max(0, initialized)), object: object}
}

// Size returns the length in bytes.
func (c *compressed) Size() int64 { return c.size }

// A storage is how a unit is stored.
type storage int

const (
	storedHole storage = iota
	storedRaw
	storedPacked
)

// A unit is one unit's storage and what it occupies in the source, in at most
// as many runs as it has clusters.
type unit struct {
	off     int64
	storage storage
	stored  int64 // bytes
}

// describe returns the unit at off, and its runs in the source appended to
// runs.
func (c *compressed) describe(off int64, runs []extent.Run) (unit, []extent.Run, error) {
	u := unit{off: off}
	end := off + c.unit
	holeAt := end
	for at := off; at < end; {
		run, err := c.clusters.Map(at)
		if err != nil {
			return u, runs, err
		}
		skip := at - run.Offset
		n := min(run.Length-skip, end-at)
		if skip < 0 || n <= 0 {
			return u, runs, corrupt(c.object, noOffset, "no run holds byte %d of its clusters", at)
		}
		if run.Source == extent.Hole {
			holeAt = min(holeAt, at)
		} else {
			if holeAt < at {
				return u, runs, corrupt(c.object, run.Physical+skip, "clusters behind a hole in the compression unit at %d", off)
			}
			u.stored += n
			runs = appendRun(runs, extent.Run{Offset: at, Length: n, Source: run.Source, Physical: run.Physical + skip})
		}
		at += n
	}
	switch u.stored {
	case 0:
		u.storage = storedHole
	case c.unit:
		u.storage = storedRaw
	default:
		u.storage = storedPacked
	}
	return u, runs, nil
}

// appendRun appends a run, joined with the last one if it continues that in the
// source.
func appendRun(runs []extent.Run, r extent.Run) []extent.Run {
	if len(runs) > 0 {
		if last := &runs[len(runs)-1]; last.Source == r.Source && last.Physical+last.Length == r.Physical {
			last.Length += r.Length
			return runs
		}
	}
	return append(runs, r)
}

// ReadAt implements io.ReaderAt. Neighbouring units that are stored alike are
// read together.
func (c *compressed) ReadAt(p []byte, off int64) (int, error) {
	p, err := clip(p, off, c.size)
	if err != nil && err != io.EOF {
		return 0, err
	}
	data := p[:max(0, min(int64(len(p)), c.initialized-off))]
	clear(p[len(data):])
	for done := 0; done < len(data); {
		n, gerr := c.readGroup(data[done:], off+int64(done))
		if gerr != nil {
			return done, gerr
		}
		done += n
	}
	return len(p), err
}

// readGroup fills the start of p from the unit at off and those behind it that
// are stored in the same way, and returns how much that is.
func (c *compressed) readGroup(p []byte, off int64) (int, error) {
	if n := c.last.read(p, off); n > 0 {
		return n, nil
	}
	end := off + int64(len(p))
	first, runs, err := c.describe(off-off%c.unit, nil)
	if err != nil {
		return 0, err
	}
	units, stored := []unit{first}, first.stored
	for at := first.off + c.unit; at < end; at += c.unit {
		next, more, err := c.describe(at, runs)
		if err != nil || next.storage != first.storage || (next.storage == storedPacked && stored+next.stored > maxPacked) {
			// An error is met again when its turn comes. A run may have grown by
			// what belongs to this unit: that lies behind all that is read.
			break
		}
		units, runs, stored = append(units, next), more, stored+next.stored
	}
	n := int(min(end, units[len(units)-1].off+c.unit) - off)
	switch first.storage {
	case storedHole:
		clear(p[:n])
	case storedRaw:
		err = c.readRuns(p[:n], runs, off-first.off)
	default:
		err = c.unpack(p[:n], off, units, runs, stored)
	}
	if err != nil {
		return 0, err
	}
	return n, nil
}

// readRuns fills p from what lies in runs behind their first skip bytes.
func (c *compressed) readRuns(p []byte, runs []extent.Run, skip int64) error {
	for _, r := range runs {
		if skip >= r.Length {
			skip -= r.Length
			continue
		}
		part := p[:min(int64(len(p)), r.Length-skip)]
		if err := ondisk.ReadFull(c.source, part, r.Physical+skip); err != nil {
			return failed(c.object, r.Physical+skip, err)
		}
		p, skip = p[len(part):], 0
	}
	return nil
}

// unpack fills p, which begins at off, from units that are compressed.
func (c *compressed) unpack(p []byte, off int64, units []unit, runs []extent.Run, stored int64) error {
	packed, release := c.scratch.borrow(stored)
	defer release()
	if err := c.readRuns(packed, runs, 0); err != nil {
		return err
	}
	for _, u := range units {
		src := packed[:u.stored]
		packed = packed[u.stored:]
		want := min(c.unit, c.initialized-u.off)
		if u.off >= off && want <= off+int64(len(p))-u.off {
			if err := c.decode(p[u.off-off:][:want], src, u.off); err != nil {
				return err
			}
			continue
		}
		whole := make([]byte, want)
		if err := c.decode(whole, src, u.off); err != nil {
			return err
		}
		c.last.keep(whole, u.off)
		from := max(off, u.off)
		copy(p[from-off:], whole[from-u.off:])
	}
	return nil
}

// decode fills dst from a compressed unit. One whose chunks end before has zeros
// behind them, as all drivers read it; one without a chunk is damaged, as the
// file would have a hole in its place.
func (c *compressed) decode(dst, src []byte, off int64) error {
	n, err := lznt1.Decode(dst, src)
	if err == nil && n == 0 {
		return corrupt(c.object, noOffset, "the compression unit at %d has no chunk", off)
	}
	if err != nil {
		return corrupt(c.object, noOffset, "the compression unit at %d: %v", off, err)
	}
	clear(dst[n:])
	return nil
}

// Extents yields units that are stored as they are with their place, compressed
// ones without.
func (c *compressed) Extents() iter.Seq2[layer.Extent, error] {
	return func(yield func(layer.Extent, error) bool) {
		var x layer.Extent // not yet yielded, if it has a length
		var runs []extent.Run
		for off := int64(0); off < c.initialized; {
			if run, err := c.clusters.Map(off); err == nil && run.Source == extent.Hole && run.Offset <= off {
				if skip := (run.Offset + run.Length - off) / c.unit * c.unit; skip > 0 {
					off += min(skip, c.size-off)
					continue
				}
			}
			u, list, err := c.describe(off, runs[:0])
			if err != nil {
				yield(layer.Extent{}, err)
				return
			}
			runs = list
			if u.storage == storedPacked {
				runs = append(runs[:0], extent.Run{Offset: off, Length: c.unit, Physical: -1})
			}
			for _, r := range runs {
				next := layer.Extent{Offset: r.Offset, Length: min(r.Length, c.initialized-r.Offset), Source: r.Source, Physical: r.Physical}
				if next.Length <= 0 {
					break
				}
				if joins(x, next) {
					x.Length += next.Length
					continue
				}
				if x.Length > 0 && !yield(x, nil) {
					return
				}
				x = next
			}
			off += c.unit
		}
		if x.Length > 0 {
			yield(x, nil)
		}
	}
}

// joins reports whether b carries on where a ends.
func joins(a, b layer.Extent) bool {
	if a.Length == 0 || a.Offset+a.Length != b.Offset || a.Source != b.Source {
		return false
	}
	if a.Physical < 0 || b.Physical < 0 {
		return a.Physical < 0 && b.Physical < 0
	}
	return a.Physical+a.Length == b.Physical
}

package lvm

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/vmdkfs/vmdkfs/internal/extent"
)

// A layout is the extent.Mapper of a volume: the targets of its segments, one
// behind the other from byte 0 on. A target maps the bytes of its segment,
// counted from the segment's start; a run of its that goes further than the
// segment is cut.
type layout struct {
	object string // the volume, for errors
	parts  []part
	hollow bool // some of it lies on no PV
}

// A part is a stretch of a volume, with the target that maps it.
type part struct {
	start, end int64 // in bytes of the volume
	target     extent.Mapper
}

// size returns how many bytes the layout has.
func (l *layout) size() int64 {
	if len(l.parts) == 0 {
		return 0
	}
	return l.parts[len(l.parts)-1].end
}

// Map finds the segment by binary search, and asks its target.
func (l *layout) Map(off int64) (extent.Run, error) {
	i, found := slices.BinarySearchFunc(l.parts, off, func(p part, off int64) int { return cmp.Compare(p.start, off) })
	if !found {
		i--
	}
	if i < 0 || off >= l.parts[i].end {
		return extent.Run{}, fmt.Errorf("no segment holds byte %d", off)
	}
	p := &l.parts[i]
	run, err := p.target.Map(off - p.start)
	if err != nil {
		return extent.Run{}, failure(err, l.object, -1, "segment at byte %d", p.start)
	}
	return within(run, 0, p.end-p.start, p.start), nil
}

// within returns the part of a run that lies in [low, high), moved by shift.
func within(r extent.Run, low, high, shift int64) extent.Run {
	if cut := low - r.Offset; cut > 0 {
		r.Offset += cut
		r.Physical += cut
		r.Length -= cut
	}
	r.Length = min(r.Length, high-r.Offset)
	r.Offset += shift
	return r
}

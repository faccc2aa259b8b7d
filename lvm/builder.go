package lvm

import (
	"errors"
	"math"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A buildState tells how far a volume has come, so that one that lies on
// itself is found.
type buildState int

const (
	untouched buildState = iota
	building
	built
)

// A builder makes the targets of a group's volumes.
type builder struct {
	group   *Group
	set     *pvSet
	pvs     map[string]*PhysicalVolume
	volumes map[string]*volumeText
	order   []*volumeText
	current *volumeText // the one being built
	depth   int         // how many are being built, each for the one before
	pools   map[string]*thinPool
	merges  map[string]*segmentText // by origin: the thin snapshot that it becomes
}

// build builds all volumes.
func (b *builder) build() {
	for _, v := range b.order {
		for i := range v.segments {
			b.overlay(v, &v.segments[i])
			b.merge(v, &v.segments[i])
		}
	}
	for _, v := range b.order {
		b.volume(v)
	}
}

// volume builds the targets of one volume, after those of the volumes that it
// lies on.
func (b *builder) volume(v *volumeText) {
	if v.state != untouched {
		return
	}
	v.state = building
	current := b.current
	b.current = v
	b.depth++
	v.Segments = make([]Segment, 0, len(v.segments))
	v.height = 1
	l := &layout{object: v.object(), parts: make([]part, 0, len(v.segments))}
	for i := range v.segments {
		s := &v.segments[i]
		target, err := b.target(s)
		if err != nil && v.Err == nil {
			v.Err = err
		}
		v.Segments = append(v.Segments, s.Segment)
		l.parts = append(l.parts, part{s.Start, s.Start + s.Length, target})
		l.hollow = l.hollow || hollow(target)
	}
	if v.Err == nil {
		v.base = l
		v.layout, v.Err = b.shown(v, l)
	}
	b.depth--
	b.current = current
	v.state = built
}

// lower builds the volume of that name, which segment s of the current one
// lies on, and counts it as such. Its layout is there when the error is nil.
func (b *builder) lower(s *segmentText, name string) (*volumeText, error) {
	fail := func(kind error, format string, args ...any) (*volumeText, error) {
		return nil, failure(kind, b.current.object(), -1, s.key+": "+format, args...)
	}
	v := b.volumes[name]
	if v == nil {
		return fail(layer.ErrCorrupt, "lies on %q, which the group does not have", name)
	}
	if b.depth < maxStack { // bounds our own stack; height bounds that of Map, in whatever order they are built
		b.volume(v)
	}
	switch {
	case v.state == untouched || v.height == maxStack:
		return fail(layer.ErrUnsupported, "more than %d volumes lie on each other", maxStack)
	case v.state == building:
		return fail(layer.ErrCorrupt, "lies on %q, which lies on it", name)
	case v.Err != nil:
		var e *layer.Error
		errors.As(v.Err, &e)
		return fail(e.Err, "lies on %s: %s", e.Object, e.Detail)
	}
	b.current.height = max(b.current.height, v.height+1)
	return v, nil
}

// reader returns a reader of a volume that is built.
func (b *builder) reader(v *volumeText) *extent.Reader {
	return extent.NewReader(v.layout, v.Size, b.set.sources...)
}

// area returns what maps the bytes of a part of a segment, extents long, that
// lies on a PV or on another volume.
func (b *builder) area(s *segmentText, stripe *Stripe, at stripeText, extents uint64) (extent.Mapper, error) {
	fail := func(kind error, format string, args ...any) (extent.Mapper, error) {
		return nil, failure(kind, b.current.object(), -1, s.key+": "+format, args...)
	}
	start, ok := ondisk.Mul(at.extent, uint64(b.group.ExtentSize))
	length, ok2 := ondisk.Mul(extents, uint64(b.group.ExtentSize))
	if !ok || !ok2 {
		return fail(layer.ErrCorrupt, "%d extents from %d of %q", extents, at.extent, at.volume)
	}
	*stripe = Stripe{at.volume, start}
	if b.volumes[at.volume] != nil {
		v, err := b.lower(s, at.volume)
		if err != nil {
			return nil, err
		}
		if !ondisk.Within(start, length, v.Size) {
			return fail(layer.ErrCorrupt, "lies on %d extents from %d of %q, beyond its end", extents, at.extent, at.volume)
		}
		return onVolume{v.layout, start, length}, nil
	}

	pv := b.pvs[at.volume]
	if pv == nil {
		return fail(layer.ErrCorrupt, "lies on %q, which the group does not have", at.volume)
	}
	if at.extent > uint64(pv.Extents) || extents > uint64(pv.Extents)-at.extent {
		return fail(layer.ErrCorrupt, "lies on %d extents from %d of %q, which has %d", extents, at.extent, pv.Name, pv.Extents)
	}
	if pv.Start > math.MaxInt64-start || pv.Start+start > math.MaxInt64-length {
		return fail(layer.ErrCorrupt, "lies on %d extents from %d of %q, which overflows", extents, at.extent, pv.Name)
	}
	stripe.Offset += pv.Start
	if pv.Missing {
		return fail(layer.ErrIncomplete, "PV %s is missing, last seen as %q", pv.UUID, pv.Device)
	}
	if source := b.set.pvs[pv.source]; !ondisk.Within(stripe.Offset, length, source.Size) {
		return fail(layer.ErrIncomplete, "PV %s ends at byte %d of at least %d", source.Name, source.Size, stripe.Offset+length)
	}
	return onPV{extent.Run{Length: length, Source: pv.source, Physical: stripe.Offset}}, nil
}

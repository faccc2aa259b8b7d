package lvm

import (
	"slices"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

// onPV is a part of a segment that lies on a PV in one piece.
type onPV struct{ run extent.Run }

func (a onPV) Map(int64) (extent.Run, error) { return a.run, nil }

// onVolume is a part of a segment that lies on another volume.
type onVolume struct {
	volume        *layout
	start, length int64 // in bytes of that volume
}

func (a onVolume) Map(off int64) (extent.Run, error) {
	run, err := a.volume.Map(a.start + off)
	if err != nil {
		return extent.Run{}, err
	}
	return within(run, a.start, a.start+a.length, -a.start), nil
}

// stripes is the target of a segment that is dealt out to its areas, chunk by
// chunk, as by dm-stripe.
type stripes struct {
	areas []extent.Mapper
	chunk int64 // bytes
}

func (s *stripes) Map(off int64) (extent.Run, error) {
	n := int64(len(s.areas))
	index := off / s.chunk
	row := index / n
	start := row * s.chunk // of the chunk in its area
	run, err := s.areas[index%n].Map(start + off%s.chunk)
	if err != nil {
		return extent.Run{}, err
	}
	return within(run, start, start+s.chunk, (index-row)*s.chunk), nil
}

// hollow reports whether some of a target's bytes lie on no PV. Stripes over
// such a target are refused: LVM makes none, and a walk over chunks that are
// holes is not bounded by what the PVs hold.
func hollow(target extent.Mapper) bool {
	switch t := target.(type) {
	case zero:
		return true
	case onVolume:
		return t.volume.hollow
	case interface{ hollow() bool }:
		return t.hollow()
	}
	return false
}

// striped reads the entries of a striped segment: stripe_count, stripes, and
// where there are several stripe_size in sectors.
func (b *builder) striped(s *segmentText) (extent.Mapper, error) {
	d := decode(s.text)
	places := d.stripes("stripes")
	count := d.count("stripe_count")
	if d.err == nil && (count != uint64(len(places)) || count == 0) {
		d.fail("%d stripes, of which %d are there", count, len(places))
	}
	if d.err == nil && s.extents%count != 0 {
		d.fail("%d extents in %d stripes", s.extents, count)
	}
	if d.err == nil && count > 1 {
		length := s.Length / int64(count) // of a stripe
		size, ok := ondisk.Mul(d.count("stripe_size"), sectorSize)
		if s.StripeSize = size; d.err == nil && (!ok || size == 0 || length%size != 0) {
			d.fail("stripe size of %d sectors", d.count("stripe_size"))
		}
	}
	if d.err != nil {
		return nil, failure(layer.ErrCorrupt, b.current.object(), -1, "%s: %v", s.key, d.err)
	}
	s.Stripes = make([]Stripe, count)
	areas := make([]extent.Mapper, count)
	var failed error
	for i, place := range places {
		area, err := b.area(s, &s.Stripes[i], place, s.extents/count)
		if err != nil && failed == nil {
			failed = err
		}
		areas[i] = area
	}
	if failed != nil || count == 1 {
		return areas[0], failed
	}
	if slices.ContainsFunc(areas, hollow) {
		return nil, failure(layer.ErrUnsupported, b.current.object(), -1, `%s: stripes over a segment of type "zero"`, s.key)
	}
	return &stripes{areas, s.StripeSize}, nil
}

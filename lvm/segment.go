package lvm

import (
	"fmt"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A Segment is a part of a volume that is stored in one way.
type Segment struct {
	Start      int64  // in bytes of the volume
	Length     int64  // in bytes
	Type       string // as the metadata calls it: "striped", which one stripe makes linear, "raid1", "thin"
	StripeSize int64  // in bytes; 0 where there is one stripe
	Stripes    []Stripe
}

// A Stripe is a place that a segment lies on.
type Stripe struct {
	Volume string // Name of a PhysicalVolume of the group, or of a Volume
	Offset int64  // in bytes of that volume
}

// A segmentText is a segment that is being built.
type segmentText struct {
	Segment
	key     string   // "segment1"
	text    *section // the entries that belong to the type
	extents uint64   // its length
}

// target returns what maps the segment's bytes, from 0 on, to those of the
// PVs, and fills in the segment's stripes. These are the types of segment that
// can be read; data that lies elsewhere than a type's own mapping says is
// refused before, by builder.overlay.
func (b *builder) target(s *segmentText) (extent.Mapper, error) {
	switch s.Type {
	case "striped", "linear": // LVM writes the first, with one stripe
		return b.striped(s)
	case "mirror":
		return b.mirror(s)
	case "cache":
		return b.cached(s)
	case "writecache":
		return b.writecached(s)
	case "integrity":
		return b.integrity(s)
	case "thin":
		return b.thin(s)
	case "thin-pool":
		return nil, failure(layer.ErrUnsupported, b.current.object(), -1, `%s: segment type "thin-pool": its volumes have files, it has none`, s.key)
	case "zero":
		return zero(s.Length), nil
	case "error":
		return lost{}, nil
	}
	if _, ok := raidTypes[s.Type]; ok {
		return b.raid(s)
	}
	return nil, failure(layer.ErrUnsupported, b.current.object(), -1, "%s: segment type %q", s.key, s.Type)
}

// zero is the target of a segment that reads as zeros.
type zero int64

func (z zero) Map(int64) (extent.Run, error) {
	return extent.Run{Length: int64(z), Source: extent.Hole}, nil
}

// lost is the target of a segment whose reading is an error. LVM puts it in
// the place of data that was lost with its PV.
type lost struct{}

var errLost = fmt.Errorf(`segment type "error": %w`, layer.ErrIncomplete)

func (lost) Map(int64) (extent.Run, error) {
	return extent.Run{}, errLost
}

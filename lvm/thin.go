package lvm

import (
	"errors"
	"math"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A thinVolume is the target of a thin volume: chunks of its pool's data
// volume, found in the pool's metadata as they are asked for.
type thinVolume struct {
	pool    *thinPool
	mapping *btree      // by chunk of the volume: chunk of the data volume
	origin  *volumeText // what chunks that are not mapped show; nil: zeros
}

// hollow reports that most of a thin volume may lie nowhere.
func (t *thinVolume) hollow() bool { return true }

// Map returns chunks that follow one another in the data volume as one run.
func (t *thinVolume) Map(off int64) (extent.Run, error) {
	size := t.pool.chunk
	index := uint64(off / size)
	p, err := t.mapping.seek(index)
	if err != nil {
		return extent.Run{}, err
	}
	entries := p.leaf.entries()
	if p.i == 0 || p.leaf.key(p.i-1) != index {
		first, end := p.low, p.high
		if p.i > 0 {
			first = p.leaf.key(p.i-1) + 1
		}
		if p.i < entries {
			end = p.leaf.key(p.i)
		}
		return t.unmapped(off, int64(first)*size, int64(min(end, uint64(math.MaxInt64/size)))*size)
	}
	chunk := p.leaf.number(p.i-1) >> thinTimeBits
	count := uint64(1)
	for i := p.i; i < entries && p.leaf.key(i) == index+count && p.leaf.number(i)>>thinTimeBits == chunk+count; i++ {
		count++
	}
	if chunk >= t.pool.chunks {
		return extent.Run{}, failure(layer.ErrCorrupt, t.pool.object, -1, "chunk %d lies in chunk %d of %d of the thin pool", index, chunk, t.pool.chunks)
	}
	count = min(count, t.pool.chunks-chunk)
	start := int64(chunk) * size
	run, err := t.pool.data.Map(start + off%size)
	if err != nil {
		return extent.Run{}, err
	}
	return within(run, start, start+int64(count)*size, int64(index)*size-start), nil
}

// unmapped returns the run that holds off, of the bytes from start to end,
// which no chunk is mapped to.
func (t *thinVolume) unmapped(off, start, end int64) (extent.Run, error) {
	if t.origin != nil {
		if off < t.origin.Size {
			run, err := t.origin.layout.Map(off)
			if err != nil {
				return extent.Run{}, err
			}
			return within(run, start, min(end, t.origin.Size), 0), nil
		}
		start = max(start, t.origin.Size) // an origin that is shorter ends in zeros
	}
	return extent.Run{Offset: start, Length: end - start, Source: extent.Hole}, nil
}

// merge looks at a thin volume's segment for what it says of others, "merge"
// among them, which names the volume that a thin snapshot becomes when it is
// next activated.
func (b *builder) merge(v *volumeText, s *segmentText) {
	if s.Type != "thin" {
		return
	}
	d := decode(s.text)
	v.Pool, v.Origin = d.optionalText("thin_pool"), d.optionalText("origin")
	if external := d.optionalText("external_origin"); external != "" {
		v.Origin = external
	}
	if origin := d.optionalText("merge"); origin != "" {
		b.merges[origin] = s
		v.Visible = false
		if o := b.volumes[origin]; o != nil {
			o.Merging = v.Name
		}
	}
}

// thin reads the entries of a thin volume's segment: thin_pool, device_id,
// transaction_id, and external_origin where one exists.
func (b *builder) thin(s *segmentText) (extent.Mapper, error) {
	if merging := b.merges[b.current.Name]; merging != nil {
		s.text = merging.text // the volume becomes what its snapshot is, by taking over its device
	}
	d := decode(s.text)
	name, device, created := d.text("thin_pool"), d.count("device_id"), d.count("transaction_id")
	if d.err == nil && s.Start != 0 {
		d.fail("behind other segments")
	}
	if d.err != nil {
		return nil, failure(layer.ErrCorrupt, b.current.object(), -1, "%s: %v", s.key, d.err)
	}
	s.Stripes = []Stripe{{name, 0}}
	pool, err := b.thinPool(s, name)
	if err != nil {
		return nil, err
	}
	t := &thinVolume{pool: pool}
	if t.mapping, err = pool.mapping(device, created); err != nil {
		var e *layer.Error
		errors.As(err, &e)
		return nil, failure(e.Err, b.current.object(), -1, "%s: %s: %s", s.key, e.Object, e.Detail)
	}
	if origin := d.optionalText("external_origin"); origin != "" {
		if t.origin, err = b.lower(s, origin); err != nil {
			return nil, err
		}
	}
	return t, nil
}

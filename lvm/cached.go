package lvm

import (
	"errors"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

const (
	minCacheChunk = 32 << 10 // DATA_DEV_BLOCK_SIZE_MIN_SECTORS; each size is a multiple of it
	maxCacheChunk = 1 << 30
)

// A cachePlace is where a cache lies, and how it is used.
type cachePlace struct {
	mode           string
	chunk          int64
	data, metadata string // names of volumes
	// Where they lie in the volumes; the lengths are 0 where they are the
	// whole of it.
	dataStart, dataLength, metadataStart, metadataLength int64
}

// decodeCache reads where the cache of a segment lies: in a pool, whose own
// segment has the names of two volumes, or in one volume, whose parts the
// cached volume's segment tells.
func (b *builder) decodeCache(d *decoder) cachePlace {
	name := d.text("cache_pool")
	p := cachePlace{data: name, metadata: name}
	of := d
	if d.get("metadata_start") == nil {
		v := b.volumes[name]
		if v == nil || len(v.segments) != 1 || v.segments[0].Type != "cache-pool" {
			d.fail("%q is no cache pool", name)
			return p
		}
		of = decode(v.segments[0].text)
		p.data, p.metadata = of.text("data"), of.text("metadata")
	}
	sectors := func(key string) int64 {
		n, ok := ondisk.Mul(of.count(key), sectorSize)
		if !ok {
			of.fail("%s overflows", key)
		}
		return n
	}
	if of == d {
		p.metadataStart, p.metadataLength = sectors("metadata_start"), sectors("metadata_len")
		p.dataStart, p.dataLength = sectors("data_start"), sectors("data_len")
		if d.err == nil && (p.metadataLength == 0 || p.dataLength == 0) {
			d.fail("a cache of %d bytes, its metadata of %d", p.dataLength, p.metadataLength)
		}
	}
	p.chunk = sectors("chunk_size")
	p.mode = of.optionalText("cache_mode")
	if p.mode == "" {
		p.mode = d.optionalText("cache_mode")
	}
	if of.err == nil && (p.chunk < minCacheChunk || p.chunk > maxCacheChunk || p.chunk%minCacheChunk != 0) {
		of.fail("cache chunks of %d bytes", p.chunk)
	}
	if of != d && of.err != nil {
		d.fail("cache pool %q: %w", name, of.err)
	}
	return p
}

// cached reads the entries of a cached volume's segment: origin, cache_pool,
// and what decodeCache reads. Chunks that are the same in both are read from
// the origin.
func (b *builder) cached(s *segmentText) (extent.Mapper, error) {
	d := decode(s.text)
	fail := func(kind error, format string, args ...any) (extent.Mapper, error) {
		return nil, failure(kind, b.current.object(), -1, s.key+": "+format, args...)
	}
	place, name := b.decodeCache(d), d.text("origin")
	if d.err == nil && s.Start != 0 {
		d.fail("behind other segments")
	}
	if d.err != nil {
		return fail(layer.ErrCorrupt, "%v", d.err)
	}
	s.Stripes = []Stripe{{name, 0}, {place.data, place.dataStart}}
	origin, err := b.lower(s, name)
	if err != nil {
		return nil, err
	}
	if origin.Size < s.Length {
		return fail(layer.ErrCorrupt, "%d bytes on an origin of %d", s.Length, origin.Size)
	}
	through := false
	switch place.mode {
	case "writethrough", "passthrough":
		through = true
	case "writeback":
	default:
		return fail(layer.ErrUnsupported, "cache mode %q", place.mode)
	}
	data, metadata, err := b.cacheVolumes(s, place)
	if through && errors.Is(err, layer.ErrIncomplete) {
		b.set.notify(layer.ErrIncomplete, b.current.object(), "its cache is not there; the origin is read, which mode %q keeps up to date", place.mode)
		return onVolume{origin.layout, 0, origin.Size}, nil
	}
	if err != nil {
		return nil, err
	}
	m, err := b.blocksIn(metadata, place.metadataStart, place.metadataLength)
	if err == nil {
		var c *cacheMetadata
		if c, err = openCache(m, place.chunk); err == nil {
			if place.mode == "passthrough" {
				return onVolume{origin.layout, 0, origin.Size}, nil // the kernel refuses this mode as long as a chunk is dirty
			}
			return b.overCache(s, place, c, origin, data)
		}
	}
	var e *layer.Error
	errors.As(err, &e)
	return fail(e.Err, "cache: %s: %s", e.Object, e.Detail)
}

// cacheVolumes returns the volumes that a cache lies on.
func (b *builder) cacheVolumes(s *segmentText, p cachePlace) (data, metadata *volumeText, err error) {
	if data, err = b.lower(s, p.data); err != nil {
		return nil, nil, err
	}
	if metadata, err = b.lower(s, p.metadata); err != nil {
		return nil, nil, err
	}
	if !ondisk.Within(p.dataStart, p.dataLength, data.Size) || !ondisk.Within(p.metadataStart, p.metadataLength, metadata.Size) {
		return nil, nil, failure(layer.ErrCorrupt, b.current.object(), -1, "%s: the cache ends behind %q", s.key, p.data)
	}
	return data, metadata, nil
}

// overCache returns the target of a volume with a cache that is there.
func (b *builder) overCache(s *segmentText, p cachePlace, c *cacheMetadata, origin, data *volumeText) (extent.Mapper, error) {
	if c.super.flags()&cacheNeedsCheck != 0 {
		b.set.notify(nil, b.current.object(), "the kernel has met errors in the metadata of the cache and asks for cache_check")
	}
	length := p.dataLength
	if length == 0 {
		length = data.Size
	}
	if int64(c.super.cacheBlocks()) > length/p.chunk {
		return nil, failure(layer.ErrCorrupt, b.current.object(), -1, "%s: cache of %d chunks in %d bytes", s.key, c.super.cacheBlocks(), length)
	}
	chunks := uint64((s.Length-1)/p.chunk) + 1
	return &overlaid{
		origin: origin.layout,
		cache:  data.layout,
		start:  p.dataStart,
		size:   p.chunk,
		load:   func() ([]overlay, error) { return c.dirty(chunks) },
	}, nil
}

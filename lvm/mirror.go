package lvm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/internal/raid"
	"github.com/vmdkfs/vmdkfs/layer"
)

// mirror returns what maps a mirror segment: mirror_count, mirrors, the places
// of its legs, and mirror_log, the volume that tells which regions of
// region_size sectors are in sync (lib/mirror/mirrored.c). The first leg is
// always right. A segment that pvmove works on has no log, and extents_moved,
// which is its whole length once it has been moved.
func (b *builder) mirror(s *segmentText) (extent.Mapper, error) {
	d := decode(s.text)
	places := d.stripes("mirrors")
	if count := d.count("mirror_count"); d.err == nil && (count != uint64(len(places)) || count == 0) {
		d.fail("%d legs, of which %d are there", count, len(places))
	}
	moved := d.optionalCount("extents_moved")
	if d.err != nil {
		return nil, failure(layer.ErrCorrupt, b.current.object(), -1, "%s: %v", s.key, d.err)
	}
	s.Stripes = make([]Stripe, len(places))
	legs := make([]raid.Member, len(places))
	for i, place := range places {
		leg := &legs[i]
		leg.Name = place.volume
		area, err := b.area(s, &s.Stripes[i], place, s.extents)
		switch {
		case errors.Is(err, layer.ErrIncomplete):
			leg.Name = detail(err)
			continue
		case err != nil:
			return nil, err
		case b.lost(place.volume):
			continue
		case hollow(area):
			return nil, failure(layer.ErrUnsupported, b.current.object(), -1, `%s: mirror over a segment of type "zero"`, s.key)
		}
		leg.Mapper, leg.Size = area, s.Length
	}
	first := 0
	if moved == s.extents && d.get("extents_moved") != nil && len(legs) > 1 {
		first = 1
	}
	legs[first].Synced = legs[first].Size
	if legs[first].Mapper == nil && d.get("extents_moved") == nil {
		if err := b.otherLegs(s, d, legs); err != nil {
			return nil, err
		}
	}
	array, err := raid.New(raid.Config{Level: raid.RAID1, Size: s.Length, Members: legs})
	if err != nil {
		return nil, failure(err, b.current.object(), -1, "%s: mirror", s.key)
	}
	return array, nil
}

// otherLegs lets those of a mirror whose first leg is missing be read where
// the log says that they are in sync. Without a log nobody knows.
func (b *builder) otherLegs(s *segmentText, d *decoder, legs []raid.Member) error {
	name := d.optionalText("mirror_log")
	if name == "" {
		return nil
	}
	v, err := b.lower(s, name)
	if errors.Is(err, layer.ErrIncomplete) || err == nil && b.lost(name) {
		return nil
	}
	if err != nil {
		return err
	}
	region, ok := ondisk.Mul(d.count("region_size"), sectorSize)
	if d.err != nil || !ok || region == 0 {
		return failure(layer.ErrCorrupt, b.current.object(), -1, "%s: mirror without a region size", s.key)
	}
	bad, err := readMirrorLog(b.reader(v), v.Size, s.Length, region)
	if err != nil {
		return failure(err, b.current.object(), -1, "%s: mirror log %q", s.key, name)
	}
	for i := range legs {
		legs[i].Synced, legs[i].Bad = legs[i].Size, bad
	}
	return nil
}

const (
	mirrorLogMagic   = 0x4d695272 // "rRiM"
	mirrorLogVersion = 2
	mirrorLogBits    = 1024 // where the bits begin (LOG_OFFSET in drivers/md/dm-log.c)

	// maxBad bounds the parts of a mirror that are out of date, one behind the
	// other when it is being made.
	maxBad = 1 << 20
)

// readMirrorLog reads the log of a mirror that is length bytes long: a header,
// log_header_disk in drivers/md/dm-log.c, and a bit for each region, set where
// all legs are equal. It returns the others.
func readMirrorLog(r io.ReaderAt, size, length, region int64) ([]raid.Range, error) {
	var h [16]byte
	if err := ondisk.ReadFull(r, h[:], 0); err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	if magic, version := le.Uint32(h[:]), le.Uint32(h[4:]); magic != mirrorLogMagic || version != mirrorLogVersion {
		return nil, fmt.Errorf("magic %#08x, version %d: %w", magic, version, layer.ErrCorrupt)
	}
	regions := (length-1)/region + 1
	if n := (regions + 7) / 8; !ondisk.Within(mirrorLogBits, n, size) {
		return nil, fmt.Errorf("%d bytes for %d regions: %w", size, regions, layer.ErrCorrupt)
	}
	if regions > raid.MaxRegions {
		return nil, fmt.Errorf("log of %d regions, more than %d: %w", regions, raid.MaxRegions, layer.ErrUnsupported)
	}
	bits, err := ondisk.Read(r, mirrorLogBits, (regions+7)/8)
	if err != nil {
		return nil, err
	}
	var bad []raid.Range
	for i := range regions {
		if uint64(i) < le.Uint64(h[8:]) && bits[i/8]>>(i%8)&1 != 0 {
			continue
		}
		if last := len(bad) - 1; last >= 0 && bad[last].Offset+bad[last].Length == i*region {
			bad[last].Length += region
			continue
		}
		if len(bad) == maxBad {
			return nil, fmt.Errorf("more than %d parts of the mirror are out of date: %w", maxBad, layer.ErrUnsupported)
		}
		bad = append(bad, raid.Range{Offset: i * region, Length: region})
	}
	return slices.Clip(bad), nil
}

package ldm

import (
	"cmp"
	"errors"
	"io"
	"slices"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/internal/raid"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A Volume is a volume of a disk group.
type Volume struct {
	Name string // "Volume1"
	GUID string // in lower case
	Type string // "simple", "spanned", "striped", "mirrored" or "RAID-5"
	Size int64  // in bytes
	Hint string // the drive letter that it should have, "E:"; may be empty

	reader *extent.Reader
	err    error
}

// Open returns the volume's bytes. The sources of its extents are the disks
// that the Set was opened with. A volume that cannot be read as a whole gives
// the error instead: layer.ErrIncomplete names the disks that are missing.
func (v *Volume) Open() (*extent.Reader, error) {
	if v.err != nil {
		return nil, v.err
	}
	return v.reader, nil
}

// A builder makes the volumes of one group.
type builder struct {
	*objects
	disks   map[uint64]*member // by the number of the disk object
	sources []io.ReaderAt
	sizes   []int64
	sector  uint64
}

// volume makes a volume of its components.
func (b *builder) volume(o *volumeObject) *Volume {
	v := &Volume{Name: o.name, GUID: o.guid, Hint: o.hint}
	var ok bool
	if v.Size, ok = ondisk.Mul(o.size, b.sector); !ok {
		v.err = corrupt("volume "+v.Name, noOffset, "%d sectors", o.size)
		v.Size = 0
		return v
	}
	sources := slices.Clone(b.sources)
	m, err := b.mapper(v, o, &sources)
	if err != nil {
		v.err = kindOf("volume "+v.Name, err)
		return v
	}
	v.reader = extent.NewReader(m, v.Size, sources...)
	return v
}

// mapper maps a volume. RAID-5 adds to sources one that works out what a missing
// disk held.
func (b *builder) mapper(v *Volume, o *volumeObject, sources *[]io.ReaderAt) (extent.Mapper, error) {
	var components []*componentObject
	for _, c := range b.components {
		if c.parent == o.id {
			components = append(components, c)
		}
	}
	if uint64(len(components)) != o.children || len(components) == 0 {
		return nil, corrupt("", noOffset, "%d components, and there should be %d", len(components), o.children)
	}
	c := components[0]
	switch {
	case len(components) > 1 && o.kind == volumeGeneric:
		v.Type = "mirrored"
		return b.mirror(v, components)
	case o.kind == volumeGeneric && c.kind == componentSpanned:
		parts, err := b.parts(c)
		if err != nil {
			return nil, err
		}
		if v.Type = "simple"; len(parts) > 1 {
			v.Type = "spanned"
		}
		return b.span(c, parts, v.Size)
	case o.kind == volumeGeneric && c.kind == componentStriped:
		v.Type = "striped"
		return b.array(c, raid.RAID0, 0, v.Size, sources)
	case o.kind == volumeRAID5 && c.kind == componentRAID && len(components) == 1:
		v.Type = "RAID-5"
		return b.array(c, raid.RAID5, raid.LeftSymmetric, v.Size, sources)
	}
	return nil, unsupported("", "a volume of kind %d with %d components of kind %d", o.kind, len(components), c.kind)
}

// parts returns the partitions of a component.
func (b *builder) parts(c *componentObject) ([]*partitionObject, error) {
	var list []*partitionObject
	for _, p := range b.partitions {
		if p.parent == c.id {
			list = append(list, p)
		}
	}
	if uint64(len(list)) != c.children || len(list) == 0 {
		return nil, corrupt("", noOffset, "%d partitions, and there should be %d", len(list), c.children)
	}
	return list, nil
}

// A piece is a partition as a part of a component.
type piece struct {
	extent.Run
	present int64 // bytes of it that the disk has
	err     error // why it cannot be read; nil if it can
}

// pieces are the parts of a component, one behind the other. They implement
// extent.Mapper.
type pieces []piece

func (p pieces) Map(off int64) (extent.Run, error) {
	i, found := slices.BinarySearchFunc(p, off, func(p piece, off int64) int { return cmp.Compare(p.Offset, off) })
	if !found {
		i--
	}
	part := p[i]
	switch {
	case part.err != nil:
		return extent.Run{}, part.err
	case off-part.Offset >= part.present:
		return extent.Run{}, layer.Errorf(layer.ErrIncomplete, layerName, "", noOffset, "the disk ends before byte %d of the volume", off)
	}
	part.Run.Length = part.present
	return part.Run, nil
}

// missing returns the first error of pieces.
func (p pieces) missing() error {
	for _, part := range p {
		if part.err != nil {
			return part.err
		}
	}
	return nil
}

// piece maps a partition, to byte off of its component.
func (b *builder) piece(p *partitionObject, off int64) (piece, error) {
	start, ok1 := ondisk.Mul(p.start, b.sector)
	size, ok2 := ondisk.Mul(p.size, b.sector)
	if !ok1 || !ok2 || size == 0 {
		return piece{}, corrupt("", noOffset, "partition %s has %d sectors at %d", p.name, p.size, p.start)
	}
	part := piece{Run: extent.Run{Offset: off, Length: size}}
	object := b.objects.disks[p.disk]
	if object == nil {
		return piece{}, corrupt("", noOffset, "partition %s lies on disk %d, which is not in the group", p.name, p.disk)
	}
	m := b.disks[p.disk]
	if m == nil {
		part.err = layer.Errorf(layer.ErrIncomplete, layerName, "", noOffset, "disk %s (%s) is missing", object.name, object.guid)
		return part, nil
	}
	if !ondisk.Within(start, size, m.dataSize) {
		return piece{}, corrupt("", noOffset, "partition %s has %d sectors at %d, outside the disk's data", p.name, p.size, p.start)
	}
	part.Source, part.Physical = m.index, m.dataStart+start
	part.present = max(0, min(size, m.Size-part.Physical))
	return part, nil
}

// span maps a component whose partitions follow one another. What is missing
// is an error where it would be read.
func (b *builder) span(c *componentObject, parts []*partitionObject, size int64) (pieces, error) {
	slices.SortStableFunc(parts, func(a, b *partitionObject) int { return cmp.Compare(a.offset, b.offset) })
	var list pieces
	at := int64(0)
	for _, p := range parts {
		if off, ok := ondisk.Mul(p.offset, b.sector); !ok || off != at {
			return nil, corrupt("", noOffset, "partition %s lies at sector %d of the volume, and byte %d should follow", p.name, p.offset, at)
		}
		part, err := b.piece(p, at)
		if err != nil {
			return nil, err
		}
		if at += part.Length; at < 0 {
			return nil, corrupt("", noOffset, "too many sectors")
		}
		list = append(list, part)
	}
	if at < size {
		return nil, corrupt("", noOffset, "its partitions have %d bytes of %d", at, size)
	}
	return list, nil
}

// memberOf returns pieces as a member of an array. One that is missing, or
// whose disk or component is not up to date, is never read.
func (b *builder) memberOf(list pieces, name string, size int64, reason error) raid.Member {
	if reason == nil {
		reason = list.missing()
	}
	if reason != nil {
		var le *layer.Error
		if errors.As(reason, &le) {
			name += ": " + le.Detail
		}
		return raid.Member{Name: name}
	}
	return raid.Member{Name: name, Mapper: list, Reader: extent.NewReader(list, size, b.sources...), Size: size, Synced: size}
}

// active is the state of a component that may be read.
const active = "ACTIVE"

// mirror maps a volume whose components are copies of it.
func (b *builder) mirror(v *Volume, components []*componentObject) (extent.Mapper, error) {
	config := raid.Config{Level: raid.RAID1, Size: v.Size}
	for _, c := range components {
		if c.kind != componentSpanned {
			return nil, unsupported("", "a mirror of components of kind %d", c.kind)
		}
		parts, err := b.parts(c)
		if err != nil {
			return nil, err
		}
		list, err := b.span(c, parts, v.Size)
		if err != nil {
			return nil, err
		}
		config.Members = append(config.Members, b.memberOf(list, "partition "+parts[0].name, v.Size, b.stale(c, parts)))
	}
	return raid.New(config)
}

// stale returns why a copy is not up to date, or nil.
func (b *builder) stale(c *componentObject, parts []*partitionObject) error {
	if c != nil && c.state != "" && c.state != active {
		return layer.Errorf(layer.ErrIncomplete, layerName, "", noOffset, "its state is %q", c.state)
	}
	for _, p := range parts {
		if m := b.disks[p.disk]; m != nil && m.stale {
			return layer.Errorf(layer.ErrIncomplete, layerName, "", noOffset, "its disk was not there when the group last changed")
		}
	}
	return nil
}

// array maps a volume whose data goes round its partitions.
func (b *builder) array(c *componentObject, level raid.Level, layout raid.Layout, size int64, sources *[]io.ReaderAt) (extent.Mapper, error) {
	parts, err := b.parts(c)
	if err != nil {
		return nil, err
	}
	if c.columns != uint64(len(parts)) {
		return nil, unsupported("", "%d columns of %d partitions", c.columns, len(parts))
	}
	slices.SortStableFunc(parts, func(a, b *partitionObject) int { return cmp.Compare(a.index, b.index) })
	chunk, ok := ondisk.Mul(c.chunk, b.sector)
	columns := int64(len(parts))
	if level == raid.RAID5 {
		columns--
	}
	if !ok || chunk == 0 || columns < 1 || size%(chunk*columns) != 0 {
		return nil, corrupt("", noOffset, "%d bytes in chunks of %d sectors on %d partitions", size, c.chunk, len(parts))
	}
	each := size / columns
	config := raid.Config{Level: level, Layout: layout, Chunk: chunk}
	if level == raid.RAID5 {
		config.Size = each
		config.Derive = func(r io.ReaderAt) int {
			*sources = append(*sources, r)
			return len(*sources) - 1
		}
	}
	for i, p := range parts {
		if p.index != uint64(i) {
			return nil, corrupt("", noOffset, "no partition is column %d", i)
		}
		part, err := b.piece(p, 0)
		if err != nil {
			return nil, err
		}
		if part.Length < each {
			return nil, corrupt("", noOffset, "partition %s has %d bytes of %d", p.name, part.Length, each)
		}
		list := pieces{part}
		var reason error
		if level == raid.RAID5 {
			reason = b.stale(nil, parts[i:i+1])
		} else if reason = list.missing(); reason != nil {
			return nil, reason
		}
		config.Members = append(config.Members, b.memberOf(list, "partition "+p.name, each, reason))
	}
	return raid.New(config)
}

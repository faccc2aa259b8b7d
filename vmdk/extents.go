package vmdk

import (
	"cmp"
	"io/fs"
	"math"
	"slices"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A part is a stretch of a disk that one extent holds.
type part struct {
	start, end int64         // in bytes of the disk
	extent     extent.Mapper // of the bytes from start on
}

// openExtents opens the files of the extents of d, which was found in f, and
// returns the parts that they make up, with the size of the disk in bytes.
func (s *files) openExtents(f *file, d *Descriptor, embedded *hostedHeader) ([]part, int64, error) {
	var parts []part
	size := int64(0)
	for _, e := range d.Extents {
		length, ok := ondisk.Mul(uint64(e.Sectors), sectorSize)
		if !ok || length > math.MaxInt64-size {
			return nil, 0, layer.Errorf(layer.ErrCorrupt, "vmdk", d.name, -1, "an extent of %d sectors makes the disk larger than any file", e.Sectors)
		}
		p := part{start: size, end: size + length}
		var err error
		switch {
		case e.Access == NoAccess:
			p.extent = denied{}
		case e.Type == Zero:
			p.extent = fixed{Length: length, Source: extent.Hole}
		case embedded != nil && embedded.holdsData() && len(d.Extents) == 1 && e.Type == Sparse:
			s.use(f)
			p.extent, err = mapper(s.openHosted(f, embedded, length))
		default:
			p.extent, err = s.openExtent(f, d, e, length)
		}
		if err != nil {
			return nil, 0, err
		}
		parts = append(parts, p)
		size = p.end
	}
	return parts, size, nil
}

// openExtent opens the extent of length bytes in the file that e names.
func (s *files) openExtent(beside *file, d *Descriptor, e Extent, length int64) (extent.Mapper, error) {
	p, reason := beside.beside(e.File, &s.options)
	switch {
	case reason != "" && isDevice(e.File):
		return nil, layer.Errorf(layer.ErrIncomplete, "vmdk", d.name, -1, "an extent lies on the device %s of the host that made the disk", quote(e.File))
	case reason != "":
		return nil, layer.Errorf(layer.ErrUnsupported, "vmdk", d.name, -1,
			"the extent file %q is not opened, because %s; it must lie in the descriptor's directory or below", e.File, reason)
	}
	f, err := s.openPart("extent", p)
	if err != nil {
		return nil, err
	}
	s.use(f)
	if e.Type != Flat && e.Type != VMFS {
		return s.openSparse(f, e, length)
	}
	offset, ok := ondisk.Mul(uint64(e.Offset), sectorSize)
	if !ok || length > math.MaxInt64-offset {
		return nil, layer.Errorf(layer.ErrCorrupt, "vmdk", "extent "+f.path, -1, "no file has the sectors from %d on", e.Offset)
	}
	run := fixed{Length: min(length, f.size-offset), Source: f.source, Physical: offset}
	if run.Length == length {
		return run, nil
	}
	missing := layer.Errorf(layer.ErrIncomplete, "vmdk", "extent "+f.path, -1, "the descriptor promises %d bytes, and the file has %d", offset+length, f.size)
	if run.Length <= 0 {
		return nil, missing
	}
	s.warnings.add(missing)
	return cutShort{run, missing}, nil
}

// openSparse opens the sparse extent of length bytes in f, by its own header.
func (s *files) openSparse(f *file, e Extent, length int64) (extent.Mapper, error) {
	if e.Offset != 0 {
		return nil, layer.Errorf(layer.ErrCorrupt, "vmdk", "extent "+f.path, -1, "a sparse extent at sector %d of its file", e.Offset)
	}
	if f.size < sectorSize {
		return nil, layer.Errorf(layer.ErrIncomplete, "vmdk", "extent "+f.path, -1, "a file of %d bytes has not even a header", f.size)
	}
	var head [sectorSize]byte
	if err := ondisk.ReadFull(f, head[:], 0); err != nil {
		return nil, err
	}
	switch {
	case string(head[:4]) == hostedMagic:
		return mapper(s.openHosted(f, (*hostedHeader)(&head), length))
	case string(head[:4]) == cowdMagic:
		return mapper(s.openCOWD(f, (*cowdHeader)(&head), length))
	case string(head[:8]) == seMagic:
		return mapper(s.openSE(f, (*seHeader)(&head), length))
	}
	return nil, layer.Errorf(layer.ErrCorrupt, "vmdk", "extent "+f.path, 0, "it does not begin as a sparse extent does")
}

// mapper returns a sparse extent as an extent.Mapper.
func mapper(s *sparse, err error) (extent.Mapper, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

// A fixed is an extent that lies in one piece.
type fixed extent.Run

func (r fixed) Map(int64) (extent.Run, error) { return extent.Run(r), nil }

// A cutShort is an extent whose file ends before it does.
type cutShort struct {
	fixed       // as far as it is there
	err   error // of what is not
}

func (c cutShort) Map(off int64) (extent.Run, error) {
	if off >= c.Length {
		return extent.Run{}, c.err
	}
	return c.fixed.Map(off)
}

// A denied is an extent that the descriptor says nobody may read.
type denied struct{}

func (denied) Map(off int64) (extent.Run, error) {
	return extent.Run{}, layer.Errorf(fs.ErrPermission, "vmdk", diskName, -1, "the descriptor says NOACCESS of this extent")
}

// findPart returns the part that holds off, which must be in one.
func findPart(parts []part, off int64) part {
	i, found := slices.BinarySearchFunc(parts, off, func(p part, off int64) int { return cmp.Compare(p.start, off) })
	if !found {
		i--
	}
	return parts[i]
}

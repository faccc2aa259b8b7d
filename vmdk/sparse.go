package vmdk

import (
	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

// fromParent as a Run's Source says that the run is what the parent holds, or
// zeros where there is no parent.
const fromParent = extent.Hole - 1

// A sparse is an extent that is stored in grains, each of which may be absent.
// It is an extent.Mapper over the bytes of the extent.
type sparse struct {
	tables
	grain  int64 // bytes
	length int64 // of the extent, in bytes
	source int   // of what is stored
	packed *packed
}

// Map implements extent.Mapper. The run begins with the grain of off and goes
// on as long as what is known at once is of one kind and lies together.
func (s *sparse) Map(off int64) (extent.Run, error) {
	w, err := s.window(off / s.grain)
	if err != nil {
		return extent.Run{}, err
	}
	e := w.at(0)
	if e.state == damaged {
		return extent.Run{}, w.damage(0)
	}
	n := int64(1)
	if w.none {
		n = w.n
	} else {
		for last := min(w.n, maxScan); n < last && s.follows(e, n, w.at(n)); n++ {
		}
	}
	run := extent.Run{Offset: w.first * s.grain, Source: fromParent}
	run.Length = min(n*s.grain, s.length-run.Offset)
	switch {
	case e.state == zeroed:
		run.Source = extent.Hole
	case e.state == stored && s.packed != nil:
		run.Source, run.Physical = s.source, run.Offset
	case e.state == stored:
		run.Source, run.Physical = s.source, e.physical
		if left := s.file.size - run.Physical; left < run.Length {
			if off-run.Offset >= left {
				return extent.Run{}, s.corrupt(run.Physical, "grain %d goes on behind the end of the file, which has %d bytes", off/s.grain, s.file.size)
			}
			run.Length = left
		}
	}
	return run, nil
}

// follows reports whether e, n grains behind first, is a part of first's run.
func (s *sparse) follows(first entry, n int64, e entry) bool {
	if e.state != first.state || e.state == damaged {
		return false
	}
	return e.state != stored || s.packed != nil || e.physical == first.physical+n*s.grain
}

// maxPerTable bounds the entries of a grain table, of which hosted sparse
// extents have 512, and those of ESXi 4096. It bounds how many grains an entry
// of the directory can stand for, too.
const maxPerTable = 4096

// maxGrain is the largest grain that is read, of 1 GiB, as in QEMU. VMware
// makes none larger than 1 MiB.
const maxGrain = 1 << 30

// A geometry is what a header says of the sizes of an extent, in sectors.
type geometry struct{ capacity, grain, perTable uint64 }

// newSparse returns the extent of length bytes that a file with g holds.
func (s *files) newSparse(f *file, g geometry, length int64, format tableFormat, directory, redundant uint64) (*sparse, error) {
	fail := func(kind error, format string, args ...any) (*sparse, error) {
		return nil, layer.Errorf(kind, "vmdk", f.path, 0, format, args...)
	}
	capacity, ok := ondisk.Mul(g.capacity, sectorSize)
	grain, grainOK := ondisk.Mul(g.grain, sectorSize)
	gd, gdOK := ondisk.Mul(directory, sectorSize)
	rgd, rgdOK := ondisk.Mul(redundant, sectorSize)
	switch {
	case f.size >= maxFileSize:
		return fail(layer.ErrUnsupported, "a file of %d bytes, more than %d", f.size, int64(maxFileSize-1))
	case !ok:
		return fail(layer.ErrCorrupt, "a capacity of %d sectors", g.capacity)
	case length > capacity:
		return fail(layer.ErrCorrupt, "the descriptor promises %d bytes, and the extent has %d", length, capacity)
	case !grainOK || grain == 0 || grain > maxGrain:
		return fail(layer.ErrCorrupt, "grains of %d sectors, of at most %d bytes", g.grain, maxGrain)
	case g.perTable == 0 || g.perTable > maxPerTable:
		return fail(layer.ErrCorrupt, "%d entries in a grain table, of at most %d", g.perTable, maxPerTable)
	case !gdOK || !rgdOK || gd == 0 || gd >= maxFileSize || rgd >= maxFileSize:
		return fail(layer.ErrCorrupt, "its grain directory is put at sector %d, the redundant one at %d", directory, redundant)
	}
	return &sparse{
		tables: tables{
			metadata:  metadata{f, s.tables},
			format:    format,
			directory: gd,
			redundant: rgd,
			perTable:  int64(g.perTable),
			grains:    (length + grain - 1) / grain,
			warnings:  &s.warnings,
		},
		grain:  grain,
		length: length,
		source: f.source,
	}, nil
}

package iso

import (
	"fmt"
	"io"
	"iter"
	"math"
	"slices"

	"github.com/vmdkfs/vmdkfs/layer"
)

// A view is one of the trees of directories that an image has over the same
// data.
type view uint8

const (
	primary view = iota // 8.3 names, with Rock Ridge
	joliet
	views
)

// maxSection is how many bytes of a file one directory record holds: whole
// sectors, and as many as a 32-bit length allows.
const maxSection = math.MaxUint32 &^ (sectorSize - 1)

// An image is what is to be written, and where.
type image struct {
	root       *node
	label      string
	date       instant
	jolietMax  int   // characters of a Joliet name
	maxSection int64 // bytes of a file in one record
	dirs       [views][]*node
	tables     [views]struct {
		size           uint32 // bytes
		startL, startM uint32 // sectors
	}
	hasUDF    bool
	udf       udfLayout
	maxExtent int64     // bytes of a file in one allocation descriptor of UDF
	serials   uint32    // how many files there are, each counted once
	front     []section // before the data, in the order in which they are written
	back      []section // behind it
	sectors   uint32
	data      int64 // bytes of files, without padding

	manifest *manifest // nil without one
}

// A section is a part of the image that is written on its own.
type section struct {
	name  string
	end   int64 // sector
	write func(io.Writer) error
}

// entry is a directory's entry in one view.
type entry struct {
	id   []byte // as in the record, valid until the next entry
	node *node
}

// entries yields what a view shows of a directory, in the order of the view's
// identifiers (ECMA-119 9.3), then at most one error.
func (m *image) entries(v view, dir *node) iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		var id []byte
		if v == primary {
			for i := range dir.dir.children {
				n := &dir.dir.children[i]
				id = n.short.appendID(id[:0], n.isDir())
				if !yield(entry{id, n}, nil) {
					return
				}
			}
			return
		}
		names, err := jolietNames(dir.dir.children, m.jolietMax)
		if err != nil {
			yield(entry{}, &pathError{dir, err})
			return
		}
		for _, name := range names {
			id = append(id[:0], name.id...)
			if !name.node.isDir() {
				id = append(id, jolietVersion...)
			}
			if !yield(entry{id, name.node}, nil) {
				return
			}
		}
	}
}

// errTooLarge is what a tree gets that does not fit in the sectors which 32
// bits can count.
var errTooLarge = layer.Errorf(layer.ErrUnsupported, layerName, "", -1, "an image of 8 TiB or more")

// lay gives everything its place. Nothing is written yet.
func (m *image) lay() error {
	// The data comes first: a file that is too large has too many records.
	var data, allocations int64
	for n := range m.root.contents() {
		if data += sectors(n.size); data > math.MaxUint32 {
			return errTooLarge
		}
		m.data += n.size
		allocations += m.extents(n).allocations()
	}
	if m.manifest != nil {
		if err := m.measureManifest(); err != nil {
			return err
		}
	}
	for v := range views {
		if err := m.measure(v); err != nil {
			return err
		}
	}
	if m.hasUDF {
		if err := m.measureUDF(); err != nil {
			return err
		}
	}
	front := plan{}
	m.layVolume(&front)
	for v := range views {
		front.add("directories", m.layDirectories(&front, v), func(w io.Writer) error { return m.writeDirectories(w, v, false) })
	}
	if m.hasUDF {
		m.layUDF(&front, allocations)
	}
	next := front.next
	for n := range m.root.contents() {
		n.start = uint32(next) // the whole is checked below, before it is used
		next += sectors(n.size)
	}
	back := plan{next: next}
	if m.manifest != nil {
		m.layManifest(&back)
	}
	if m.hasUDF {
		m.udf.end = uint32(back.next)
		back.add("UDF anchor", 1, func(w io.Writer) error { return writeAnchor(w, m.sectors-1) })
	}
	if back.next > math.MaxUint32 {
		return errTooLarge
	}
	m.front, m.back, m.sectors = front.sections, back.sections, uint32(back.next)
	return nil
}

// A plan lays sections one behind the other.
type plan struct {
	sections []section
	next     int64 // sector
}

// add lays a section of so many sectors, and returns where.
func (p *plan) add(name string, size int64, write func(io.Writer) error) uint32 {
	start := p.next
	p.next += size
	p.sections = append(p.sections, section{name, p.next, write})
	return uint32(start)
}

// gap leaves the sectors before start empty.
func (p *plan) gap(start int64) {
	n := start - p.next
	p.add("gap", n, func(w io.Writer) error { return writeZeros(w, n*sectorSize) })
}

// layVolume lays what describes the volume.
func (m *image) layVolume(p *plan) {
	p.gap(systemSectors)
	p.add("volume descriptors", int64(views)+1, m.writeDescriptors)
	if m.hasUDF {
		p.add("recognition sequence", int64(len(recognition)), m.writeRecognition)
		p.gap(mainSequence)
		for range 2 {
			at := uint32(p.next)
			p.add("volume descriptor sequence", sequenceSize, func(w io.Writer) error { return m.writeSequence(w, at) })
		}
		p.add("integrity sequence", 2, m.writeIntegrity)
		p.gap(anchorStart)
		p.add("UDF anchor", 1, func(w io.Writer) error { return writeAnchor(w, anchorStart) })
		p.add("file set", fileSetSize, m.writeFileSet)
	}
	for v := range views {
		size := sectors(int64(m.tables[v].size))
		m.tables[v].startL = p.add("path table", size, func(w io.Writer) error { return m.writePathTable(w, v, littleEndian) })
		m.tables[v].startM = p.add("path table", size, func(w io.Writer) error { return m.writePathTable(w, v, bigEndian) })
	}
}

// layDirectories gives the directories of a view their places from the end of
// the plan on, and returns how many sectors they take. That of the manifest,
// whose size is not known until the data was read, lies behind the data.
func (m *image) layDirectories(p *plan, v view) int64 {
	next := p.next
	for _, d := range m.dirs[v] {
		if !d.dir.manifest {
			d.dir.place[v].start = uint32(next)
			next += d.dir.sectors(v)
		}
	}
	return next - p.next
}

// layUDF lays the directories and file entries of UDF.
func (m *image) layUDF(p *plan, allocations int64) {
	next := p.next
	for _, d := range m.dirs[primary] {
		d.dir.udf.start = uint32(next)
		next += sectors(int64(d.dir.udf.size))
		allocations += m.extents(d).allocations()
	}
	entries := int64(m.serials)
	if m.manifest != nil {
		entries-- // its own lies behind the data
	}
	p.add("UDF directories", next-p.next, m.writeUDFDirectories)
	m.udf.entries = p.add("UDF file entries", entries, m.writeEntries)
	m.udf.allocations = p.add("UDF allocation descriptors", allocations, m.writeAllocations)
	m.udf.files = m.serials - m.udf.dirs
	m.udf.uniqueID = firstUniqueID + uint64(m.serials) + 1
}

// measure lists the directories of a view in the order of its path table
// (ECMA-119 6.9.1): by level, then by parent, then by identifier; and
// finds the size of each of them.
func (m *image) measure(v view) error {
	m.dirs[v] = []*node{m.root}
	m.root.dir.place[v].number = 1
	for i := 0; i < len(m.dirs[v]); i++ {
		d := m.dirs[v][i]
		w := newDirWriter(m, v, d, io.Discard, io.Discard)
		for e, err := range m.entries(v, d) {
			if err != nil {
				return err
			}
			if err := w.add(e); err != nil {
				return err
			}
			if e.node.isDir() {
				m.dirs[v] = append(m.dirs[v], e.node)
				e.node.dir.place[v].number = uint32(len(m.dirs[v]))
				if v == joliet {
					e.node.dir.joliet = string(e.id)
				}
			}
		}
		if max(w.size, w.areas.size) > math.MaxUint32-sectorSize {
			return &pathError{d, layer.Errorf(layer.ErrUnsupported, layerName, "", -1, "a directory of more than 4 GiB")}
		}
		d.dir.place[v].size = uint32(sectors(w.size) * sectorSize)
		if v == primary {
			d.dir.areas = uint32(w.areas.size)
		}
	}
	m.dirs[v] = slices.Clip(m.dirs[v])
	m.tables[v].size = uint32(m.pathTableSize(v)) // at most 264 bytes for each child of 65,535 directories
	return nil
}

// A pathError is what is wrong with a node.
type pathError struct {
	node *node
	err  error
}

func (e *pathError) Error() string { return fmt.Sprintf("write %s: %v", e.node.path(), e.err) }
func (e *pathError) Unwrap() error { return e.err }

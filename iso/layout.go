package iso

import (
	"fmt"
	"io"
	"iter"
	"math"
	"slices"
	"time"

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
	date       time.Time
	jolietMax  int   // characters of a Joliet name
	maxSection int64 // bytes of a file in one record
	dirs       [views][]*node
	tables     [views]struct {
		size           uint32 // bytes
		startL, startM uint32 // sectors
	}
	sections []section // in the order in which they are written
	sectors  uint32
	data     int64 // bytes of files, without padding
}

// A section is a part of the image that is written on its own.
type section struct {
	name  string
	size  int64 // sectors
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
	var data int64
	for n := range m.root.contents() {
		if data += sectors(n.size); data > math.MaxUint32 {
			return errTooLarge
		}
		m.data += n.size
	}
	for v := range views {
		if err := m.measure(v); err != nil {
			return err
		}
	}
	var next int64
	add := func(name string, size int64, write func(io.Writer) error) uint32 {
		m.sections = append(m.sections, section{name, size, write})
		start := next
		next += size
		return uint32(start) // the whole is checked below, before it is used
	}
	add("system area", systemSectors, func(w io.Writer) error { return writeZeros(w, systemSectors*sectorSize) })
	add("volume descriptors", int64(views)+1, m.writeDescriptors)
	for v := range views {
		size := sectors(int64(m.tables[v].size))
		m.tables[v].startL = add("path table", size, func(w io.Writer) error { return m.writePathTable(w, v, littleEndian) })
		m.tables[v].startM = add("path table", size, func(w io.Writer) error { return m.writePathTable(w, v, bigEndian) })
	}
	for v := range views {
		for _, d := range m.dirs[v] {
			size := sectors(int64(d.dir.place[v].size))
			if v == primary {
				size += sectors(int64(d.dir.areas))
			}
			d.dir.place[v].start = uint32(next)
			next += size
		}
		size := next - m.end()
		m.sections = append(m.sections, section{"directories", size, func(w io.Writer) error { return m.writeDirectories(w, v) }})
	}
	if next+data > math.MaxUint32 {
		return errTooLarge
	}
	for n := range m.root.contents() {
		n.start = uint32(next)
		next += sectors(n.size)
	}
	m.sectors = uint32(next)
	return nil
}

// end returns the sector behind the last section.
func (m *image) end() int64 {
	var sum int64
	for _, s := range m.sections {
		sum += s.size
	}
	return sum
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

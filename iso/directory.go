package iso

import (
	"io"
)

// A dirWriter writes the records of one directory in one view, and their
// continuation areas. The same code measures, writing to io.Discard, so that
// a size cannot differ from what is written.
type dirWriter struct {
	image   *image
	view    view
	records io.Writer
	areas   continuationWriter
	size    int64 // bytes of records so far

	fields, system, record []byte // scratch
	err                    error
}

// newDirWriter begins a directory with the records of itself and its parent.
func newDirWriter(m *image, v view, dir *node, records, areas io.Writer) *dirWriter {
	w := &dirWriter{image: m, view: v, records: records}
	w.areas.out = areas
	w.areas.start = dir.dir.place[v].start + uint32(sectors(int64(dir.dir.place[v].size)))
	parent := dir.parent
	if parent == nil {
		parent = dir
	}
	if v == primary {
		w.fields = appendAttributes(w.fields[:0], dir)
		if dir.parent == nil {
			w.fields = appendRootFields(w.fields[:0], dir)
		}
	}
	w.put(selfID, dir, w.place(dir))
	if v == primary {
		w.fields = appendAttributes(w.fields[:0], parent)
	}
	w.put(parentID, parent, w.place(parent))
	return w
}

// place returns a record's fields for a directory.
func (w *dirWriter) place(dir *node) recordFields {
	p := &dir.dir.place[w.view]
	return recordFields{start: p.start, size: p.size, flags: flagDirectory}
}

// add writes the records of an entry: one, or for a large file as many as it
// has sections.
func (w *dirWriter) add(e entry) error {
	n := e.node
	if w.view == primary {
		w.fields = appendFields(w.fields[:0], n)
	}
	if n.isDir() {
		return w.put(e.id, n, w.place(n))
	}
	f := recordFields{}
	if n.size > 0 {
		f.start = n.owner().start
	}
	for left := n.size; ; {
		f.size, f.flags = uint32(left), 0
		if left > w.image.maxSection {
			f.size, f.flags = uint32(w.image.maxSection), flagMultiExtent
		}
		if err := w.put(e.id, n, f); err != nil || f.flags == 0 {
			return err
		}
		left -= w.image.maxSection
		f.start += uint32(w.image.maxSection / sectorSize)
	}
}

// put writes one record with w.fields. Records do not cross sectors (ECMA-119
// 6.8.1.1).
func (w *dirWriter) put(id []byte, n *node, f recordFields) error {
	if w.err != nil {
		return w.err
	}
	f.date = n.mtime
	if w.system, w.err = w.areas.pack(w.system[:0], w.fields, systemRoom(len(id))); w.err != nil {
		return w.err
	}
	w.record = appendRecord(w.record[:0], f, id, w.system)
	if room := sectorSize - w.size%sectorSize; int64(len(w.record)) > room {
		if w.err = writeZeros(w.records, room); w.err != nil {
			return w.err
		}
		w.size += room
	}
	w.size += int64(len(w.record))
	_, w.err = w.records.Write(w.record)
	return w.err
}

// writeDirectories writes the directories of a view, each with its continuation
// areas behind it: that of the manifest, or all others.
func (m *image) writeDirectories(out io.Writer, v view, manifest bool) error {
	for _, d := range m.dirs[v] {
		if d.dir.manifest != manifest {
			continue
		}
		size, err := m.writeRecords(d, v, out, io.Discard)
		if err == nil {
			err = writeZeros(out, int64(d.dir.place[v].size)-size.records)
		}
		if err == nil && v == primary && d.dir.areas > 0 {
			// A second pass over the entries rather than a buffer.
			if size, err = m.writeRecords(d, v, io.Discard, out); err == nil {
				err = writeZeros(out, sectors(size.areas)*sectorSize-size.areas)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// dirSize is how many bytes a directory took.
type dirSize struct{ records, areas int64 }

func (m *image) writeRecords(d *node, v view, records, areas io.Writer) (dirSize, error) {
	w := newDirWriter(m, v, d, records, areas)
	for e, err := range m.entries(v, d) {
		if err != nil {
			return dirSize{}, err
		}
		if err := w.add(e); err != nil {
			return dirSize{}, err
		}
	}
	return dirSize{w.size, w.areas.size}, w.err
}

var zeros [32 << 10]byte

// writeZeros writes n zeros.
func writeZeros(w io.Writer, n int64) error {
	for n > 0 {
		part := zeros[:min(n, int64(len(zeros)))]
		if _, err := w.Write(part); err != nil {
			return err
		}
		n -= int64(len(part))
	}
	return nil
}

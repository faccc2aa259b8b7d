package lvm

import (
	"io"
	"io/fs"
	"iter"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
)

// nameDirs chooses the groups' directories. Groups of one name all get the
// first characters of their UUID: which of them is the real one is nothing
// that their order could say.
func nameDirs(groups []*Group) {
	names, dirs := make(map[string]int), make(map[string]int)
	for _, g := range groups {
		names[g.Name]++
	}
	for _, g := range groups {
		g.Dir = g.Name
		if names[g.Name] > 1 {
			g.Dir += "~" + g.UUID[:uuidShortLen]
		}
		dirs[g.Dir]++
	}
	for _, g := range groups {
		if dirs[g.Dir] > 1 { // made to collide
			g.Dir = g.Name + "~" + g.UUID
		}
	}
}

// A pvReader reads a PV, and names it in errors.
type pvReader struct{ pv PV }

func (r pvReader) ReadAt(p []byte, off int64) (int, error) {
	if err := ondisk.ReadFull(r.pv.Reader, p, off); err != nil {
		return 0, failure(err, r.pv.Name, off, "reading %d bytes", len(p))
	}
	return len(p), nil
}

// sources returns the PVs as their groups' volumes read them.
func (s *pvSet) sources() []io.ReaderAt {
	list := make([]io.ReaderAt, len(s.pvs))
	for i, pv := range s.pvs {
		list[i] = pvReader{pv}
	}
	return list
}

// A dir is the root, or a group's directory.
type dir struct {
	group   *Group // nil in the root
	entries []vnode.Entry
	byName  map[string]vnode.Node
}

func (d *dir) Mode() fs.FileMode { return fs.ModeDir | 0o555 }
func (d *dir) Size() int64       { return 0 }

func (d *dir) ModTime() time.Time {
	if d.group == nil {
		return time.Time{}
	}
	return d.group.Created
}

func (d *dir) Sys() any {
	if d.group == nil {
		return nil
	}
	return d.group
}

func (d *dir) Lookup(name string) (vnode.Node, error) {
	if node := d.byName[name]; node != nil {
		return node, nil
	}
	return nil, fs.ErrNotExist
}

func (d *dir) Entries() iter.Seq2[vnode.Entry, error] {
	return func(yield func(vnode.Entry, error) bool) {
		for _, e := range d.entries {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func (d *dir) add(name string, node vnode.Node) {
	d.entries = append(d.entries, entryNode{name, node})
	d.byName[name] = node
}

// An entryNode is a name with its node.
type entryNode struct {
	name string
	node vnode.Node
}

func (e entryNode) Name() string              { return e.name }
func (e entryNode) Type() fs.FileMode         { return e.node.Mode().Type() }
func (e entryNode) Node() (vnode.Node, error) { return e.node, nil }

// A file is a volume's.
type file struct {
	volume  *Volume
	sources []io.ReaderAt
}

func (f *file) Mode() fs.FileMode  { return 0o444 }
func (f *file) Size() int64        { return f.volume.Size }
func (f *file) ModTime() time.Time { return f.volume.Created }
func (f *file) Sys() any           { return f.volume }

func (f *file) Open() (vnode.Content, error) {
	if f.volume.Err != nil {
		return nil, f.volume.Err
	}
	return extent.NewReader(f.volume.layout, f.volume.Size, f.sources...), nil
}

// newRoot returns the directory of the groups.
func newRoot(groups []*Group, sources []io.ReaderAt) vnode.Dir {
	root := &dir{byName: make(map[string]vnode.Node)}
	for _, g := range groups {
		d := &dir{group: g, byName: make(map[string]vnode.Node)}
		for _, v := range g.Volumes {
			if v.Visible {
				d.add(v.Name, &file{v, sources})
			}
		}
		root.add(g.Dir, d)
	}
	return root
}

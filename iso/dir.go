package iso

import (
	"errors"
	"io/fs"
	"iter"

	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

const (
	// maxDepth is how deep directories may be. A path of Linux has at most
	// 4096 bytes, and an element at least two of them.
	maxDepth = 2048

	// maxFlaws is how many flaws of one directory its listing tells of.
	maxFlaws = 16
)

// A directory is an inode that lists others.
type directory struct {
	inode
	block  uint32 // where it lies
	start  int64  // the same in bytes
	parent *directory
	depth  int  // 0 for the root
	moved  bool // it lies where a CL field said
}

var _ vnode.Dir = (*directory)(nil)

// A dirEntry is an entry of a directory.
type dirEntry struct {
	name string
	typ  fs.FileMode
	node vnode.Node // nil when it is at block child
	dir  *directory
	rec  relocation
}

// A relocation is a directory that lies elsewhere than where it belongs.
type relocation struct {
	block uint32
	off   int64 // of the record that tells so
	name  []byte
}

func (e *dirEntry) Name() string      { return e.name }
func (e *dirEntry) Type() fs.FileMode { return e.typ }

// Node returns the entry's inode. Only that of a relocated directory has to
// be read.
func (e *dirEntry) Node() (vnode.Node, error) {
	if e.node != nil {
		return e.node, nil
	}
	return e.dir.relocated(e.rec)
}

// Lookup returns the entry of that name. It reads through the directory:
// Rock Ridge names are in no order.
func (d *directory) Lookup(name string) (vnode.Node, error) {
	for e, err := range d.list() {
		if err != nil {
			return nil, err
		}
		if e.name == name {
			return e.Node()
		}
	}
	return nil, fs.ErrNotExist
}

// Entries yields the entries in the order of their records.
func (d *directory) Entries() iter.Seq2[vnode.Entry, error] {
	return func(yield func(vnode.Entry, error) bool) {
		for e, err := range d.list() {
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

// list yields the entries that can be read, then at most one error: all flaws
// that were found.
func (d *directory) list() iter.Seq2[*dirEntry, error] {
	return func(yield func(*dirEntry, error) bool) {
		var flaws []error
		flaw := func(err error) {
			if len(flaws) < maxFlaws {
				flaws = append(flaws, err)
			}
		}
		var file fileRecords
		seen := make(map[uint32]bool) // directories
		for r, err := range d.records() {
			if err != nil {
				flaw(err)
				continue
			}
			whole, err := file.add(r, d)
			if err != nil {
				flaw(err)
			}
			if !whole {
				continue
			}
			e, err := d.entry(&file, seen)
			file = fileRecords{}
			if err != nil {
				flaw(err)
			} else if e != nil && !yield(e, nil) {
				return
			}
		}
		if file.first.data != nil {
			flaw(d.corrupt(file.first.off, "a file's last section is missing"))
		}
		if len(flaws) > 0 {
			yield(nil, errors.Join(flaws...))
		}
	}
}

// entry makes an entry of a file's records. It returns nil for what is not
// shown here. seen holds the directories that were listed before it.
func (d *directory) entry(f *fileRecords, seen map[uint32]bool) (*dirEntry, error) {
	r, off := f.first.data, f.first.off
	if r.isAssociated() {
		return nil, nil // the resource fork of the file that has the same identifier
	}
	var a *attributes
	raw, name := plainName(r.id(), d.fs.tree == Joliet)
	if d.fs.tree == RockRidge {
		var err error
		if a, err = d.fs.attributes(r, off); err != nil {
			return nil, err
		}
		if a.relocated {
			return nil, nil
		}
		if a.name != nil {
			raw, name = a.name, vnode.Escape(a.name)
		}
	}
	raw = append([]byte(nil), raw...) // it lies in the cache
	if !vnode.Valid([]byte(name)) {
		return nil, d.corrupt(off, "invalid name %q", name)
	}
	e := &dirEntry{name: name, dir: d}
	if a != nil && a.child != 0 {
		e.typ, e.rec = fs.ModeDir, relocation{a.child, off, raw}
		return e, once(seen, a.child, d, off)
	}
	var err error
	if e.node, err = d.node(f, a, raw); err != nil {
		return nil, err
	}
	e.typ = e.node.Mode().Type()
	if sub, ok := e.node.(*directory); ok && sub.size > 0 {
		return e, once(seen, sub.block, d, off)
	}
	return e, nil
}

// once fails when a directory is listed for the second time.
func once(seen map[uint32]bool, block uint32, d *directory, off int64) error {
	if seen[block] {
		return d.corrupt(off, "the directory at block %d is listed twice", block)
	}
	seen[block] = true
	return nil
}

// node makes a node of a file's records and attributes.
func (d *directory) node(f *fileRecords, a *attributes, name []byte) (vnode.Node, error) {
	r, off := f.first.data, f.first.off
	n := d.fs.base(r, off, a, name)
	if r.isDir() != n.mode.IsDir() {
		return nil, d.corrupt(off, "the record and its PX field do not agree on what a directory is")
	}
	switch n.mode.Type() {
	case fs.ModeDir:
		if f.size != n.size {
			return nil, layer.Errorf(layer.ErrUnsupported, layerName, "directory record", off, "a directory in several sections")
		}
		return d.child(n, r.block(), d.fs.address(r), false)
	case fs.ModeSymlink:
		if !a.hasTarget {
			return nil, d.corrupt(off, "a symbolic link without a target")
		}
		target := a.target.string()
		n.size = int64(len(a.target.text))
		return &symlink{n, target, a.target.foreign}, nil
	case 0:
		n.size = f.size
		err := f.err
		if a != nil && a.zisofs {
			n.size = int64(a.size)
			err = layer.Errorf(layer.ErrUnsupported, layerName, "file", off, "compressed with zisofs")
		}
		return &regularFile{n, f.runs, err}, nil
	}
	n.size = 0
	return &n, nil
}

// child returns the directory with inode n at a block, which begins at start.
func (d *directory) child(n inode, block uint32, start int64, moved bool) (*directory, error) {
	if d.depth == maxDepth {
		return nil, d.corrupt(n.sys.Record, "more than %d directories deep", maxDepth)
	}
	for up := d; up != nil && n.size > 0; up = up.parent {
		if up.block == block {
			return nil, d.corrupt(n.sys.Record, "a directory below itself")
		}
	}
	return &directory{inode: n, block: block, start: start, parent: d, depth: d.depth + 1, moved: moved}, nil
}

// relocated returns the directory that a CL field tells of (RRIP 4.1.5.1). Its
// attributes are those of its own record ".".
func (d *directory) relocated(to relocation) (vnode.Node, error) {
	off := int64(to.block) * d.fs.blockSize
	r, err := d.fs.self(off)
	if err != nil {
		return nil, err
	}
	a, err := d.fs.attributes(r, off)
	if err != nil {
		return nil, err
	}
	n := d.fs.base(r, off, a, to.name)
	n.sys.Record = to.off
	if !n.mode.IsDir() {
		return nil, d.corrupt(off, "the PX field of a directory says that it is none")
	}
	return d.child(n, to.block, off, true)
}

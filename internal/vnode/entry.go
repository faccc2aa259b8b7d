package vnode

import (
	"io/fs"
	"slices"
	"strings"

	"github.com/vmdkfs/vmdkfs/internal/slab"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A DirEntry is an Entry as io/fs wants it, and a [layer.DirEntry].
type DirEntry struct {
	Entry
	name string // of the Entry
	dir  string // path of the directory, for errors
}

var _ layer.DirEntry = (*DirEntry)(nil)

// EntryOf returns what an entry of ReadDir was made of, if that is an E or wraps
// one.
func EntryOf[E Entry](e fs.DirEntry) (entry E, ok bool) {
	d, known := e.(*DirEntry)
	if !known {
		return entry, false
	}
	made := d.Entry
	if w, wraps := made.(Wrapped); wraps {
		made = w.Unwrap()
	}
	entry, ok = made.(E)
	return entry, ok
}

// Name returns the entry's name.
func (d *DirEntry) Name() string { return d.name }

// IsDir reports whether the entry is a directory.
func (d *DirEntry) IsDir() bool {
	if e, ok := d.Entry.(interface{ IsDir() bool }); ok { // one that can tell for less than its Type costs
		return e.IsDir()
	}
	return d.Type().IsDir()
}

// Info describes the file itself; a link is not followed.
func (d *DirEntry) Info() (fs.FileInfo, error) {
	node, err := d.node()
	if err != nil {
		return nil, d.fail("lstat", err)
	}
	return info{node, d.name}, nil
}

// Open opens the file itself. A link is not followed, and fails with
// fs.ErrInvalid.
func (d *DirEntry) Open() (fs.File, error) {
	node, err := d.node()
	if err != nil {
		return nil, d.fail("open", err)
	}
	if _, ok := node.(Link); ok {
		return nil, d.fail("open", fs.ErrInvalid)
	}
	return openNode(node, d.path())
}

// ReadDir returns what lies in the directory that the entry is, as
// [FS.ReadDir] does.
func (d *DirEntry) ReadDir() ([]fs.DirEntry, error) {
	node, err := d.node()
	if err != nil {
		return nil, d.fail("readdir", err)
	}
	dir, ok := node.(Dir)
	if !ok {
		return nil, d.fail("readdir", errNotDir)
	}
	return readDir(dir, d.path())
}

// List is Info and ReadDir in one, which decodes the directory once.
func (d *DirEntry) List() (fs.FileInfo, []fs.DirEntry, error) {
	node, err := d.node()
	if err != nil {
		return nil, nil, d.fail("readdir", err)
	}
	dir, ok := node.(Dir)
	if !ok {
		return nil, nil, d.fail("readdir", errNotDir)
	}
	entries, err := readDir(dir, d.path())
	return info{node, d.name}, entries, err
}

// ReadLink returns the target of the symbolic link that the entry is.
func (d *DirEntry) ReadLink() (string, error) {
	node, err := d.node()
	if err != nil {
		return "", d.fail("readlink", err)
	}
	link, ok := node.(Link)
	if !ok {
		return "", d.fail("readlink", fs.ErrInvalid)
	}
	target, err := link.Target()
	if err != nil {
		return "", d.fail("readlink", err)
	}
	return target, nil
}

func (d *DirEntry) String() string { return fs.FormatDirEntry(d) }

// node returns the entry's node, the mounted root for a mount.
func (d *DirEntry) node() (Node, error) {
	node, err := d.Node()
	if err != nil {
		return nil, err
	}
	if !d.IsDir() {
		return node, nil // a mount is a directory
	}
	return mounted(node)
}

// path returns where the entry is in its file system. Its directory's path is
// clean and its name is one element, so that nothing is left for path.Join.
func (d *DirEntry) path() string {
	if d.dir == "." {
		return d.name
	}
	return d.dir + "/" + d.name
}

func (d *DirEntry) fail(op string, err error) error {
	return &fs.PathError{Op: op, Path: d.path(), Err: err}
}

// readDir returns the entries of dir, sorted by name, and its error.
func readDir(dir Dir, name string) ([]fs.DirEntry, error) {
	list, err := collect(dir, name)
	slices.SortFunc(list, func(a, b fs.DirEntry) int {
		return strings.Compare(a.(*DirEntry).name, b.(*DirEntry).name)
	})
	return list, err
}

// collect returns the entries of dir in its own order, and its error.
func collect(dir Dir, name string) (list []fs.DirEntry, err error) {
	var made slab.Of[DirEntry]
	for e, failed := range dir.Entries() {
		if failed != nil {
			return list, &fs.PathError{Op: "readdir", Path: name, Err: failed}
		}
		d := made.New()
		*d = DirEntry{e, e.Name(), name}
		list = append(list, d)
	}
	return list, nil
}

package vnode

import (
	"io/fs"
	"path"

	"github.com/vmdkfs/vmdkfs/layer"
)

// A DirEntry is an Entry as io/fs wants it, and a [layer.DirEntry].
type DirEntry struct {
	Entry
	dir string // path of the directory, for errors
}

var _ layer.DirEntry = (*DirEntry)(nil)

// IsDir reports whether the entry is a directory.
func (d *DirEntry) IsDir() bool { return d.Type().IsDir() }

// Info describes the file itself; a link is not followed.
func (d *DirEntry) Info() (fs.FileInfo, error) {
	node, err := d.node()
	if err != nil {
		return nil, d.fail("lstat", err)
	}
	return info{node, d.Name()}, nil
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
	return openNode(node, path.Join(d.dir, d.Name()))
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
	return readDir(dir, path.Join(d.dir, d.Name()))
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
	return mounted(node)
}

func (d *DirEntry) fail(op string, err error) error {
	return &fs.PathError{Op: op, Path: path.Join(d.dir, d.Name()), Err: err}
}

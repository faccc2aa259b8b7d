package vmdkfs

import (
	"errors"
	"io/fs"
	"iter"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/vnode"
)

// dirMode is what the directories of the volume tree have in common. They lie
// in no file system, and have neither times nor owners.
type dirMode struct{}

func (dirMode) Mode() fs.FileMode  { return fs.ModeDir | 0o555 }
func (dirMode) Size() int64        { return 0 }
func (dirMode) ModTime() time.Time { return time.Time{} }
func (dirMode) Sys() any           { return nil }

// A dirNode is a directory of the volume tree. Its fixed entries are known
// from the partition tables; those of more come from further metadata, which
// is read only when it is needed.
type dirNode struct {
	dirMode
	fixed  []namedNode
	more   func() ([]namedNode, error) // nil for none
	broken error                       // why there may be entries that are not known
}

// Lookup implements vnode.Dir. When there may be entries that are not known,
// it does not claim that one does not exist.
func (d *dirNode) Lookup(name string) (vnode.Node, error) {
	for _, e := range d.fixed {
		if e.name == name {
			return e.Node()
		}
	}
	rest, err := d.rest()
	for _, e := range rest {
		if e.name == name {
			return e.Node()
		}
	}
	if err != nil {
		return nil, err
	}
	return nil, fs.ErrNotExist
}

// Entries implements vnode.Dir.
func (d *dirNode) Entries() iter.Seq2[vnode.Entry, error] {
	return func(yield func(vnode.Entry, error) bool) {
		for _, e := range d.fixed {
			if !yield(e, nil) {
				return
			}
		}
		rest, err := d.rest()
		for _, e := range rest {
			if !yield(e, nil) {
				return
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

// rest returns the entries beside the fixed ones.
func (d *dirNode) rest() ([]namedNode, error) {
	if d.more == nil {
		return nil, d.broken
	}
	more, err := d.more()
	switch {
	case d.broken != nil && err != nil:
		err = errors.Join(d.broken, err)
	case d.broken != nil:
		err = d.broken
	}
	return more, err
}

// A namedNode is an entry of a dirNode: a directory, or a volume, which is a
// directory or a file by what it holds.
type namedNode struct {
	name   string
	dir    *dirNode
	volume *Volume
	file   bool // whatever the volume holds
}

// Name implements vnode.Entry.
func (e namedNode) Name() string { return e.name }

// Type implements vnode.Entry.
func (e namedNode) Type() fs.FileMode {
	if e.dir != nil || !e.file && e.volume.isDir() {
		return fs.ModeDir
	}
	return 0
}

// Node implements vnode.Entry.
func (e namedNode) Node() (vnode.Node, error) {
	switch {
	case e.dir != nil:
		return e.dir, nil
	case !e.file && e.volume.isDir():
		return mountNode{volume: e.volume}, nil
	}
	return fileNode{e.volume}, nil
}

// A fileNode is a volume without a file system that can be read, as a file
// with its bytes.
type fileNode struct{ volume *Volume }

func (fileNode) Mode() fs.FileMode              { return 0o444 }
func (n fileNode) Size() int64                  { return n.volume.Size }
func (fileNode) ModTime() time.Time             { return time.Time{} }
func (fileNode) Sys() any                       { return nil }
func (n fileNode) Open() (vnode.Content, error) { return n.volume.Open() }

package vmdkfs

import (
	"io/fs"
	"iter"

	"github.com/vmdkfs/vmdkfs/ext3"
	"github.com/vmdkfs/vmdkfs/internal/fat"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/iso"
	"github.com/vmdkfs/vmdkfs/layer"
	"github.com/vmdkfs/vmdkfs/ntfs"
)

// A fileSystem is an opened file system, in both of its forms.
type fileSystem struct {
	fs.FS           // the layer's own: *ext3.FS
	tree  *vnode.FS // the same, to be mounted
}

func openExt(f layer.File, o *options) (fileSystem, error) {
	x, err := ext3.Open(f, f.Size(), o.ext...)
	if err != nil {
		return fileSystem{}, err
	}
	return fileSystem{x, x.FS}, nil
}

func openISO(f layer.File, _ *options) (fileSystem, error) {
	x, err := iso.Open(f, f.Size())
	if err != nil {
		return fileSystem{}, err
	}
	return fileSystem{x, x.FS}, nil
}

func openFAT(f layer.File, _ *options) (fileSystem, error) {
	x, err := fat.Open(f, f.Size())
	if err != nil {
		return fileSystem{}, err
	}
	return fileSystem{x, x.FS}, nil
}

func openNTFS(f layer.File, o *options) (fileSystem, error) {
	x, err := ntfs.Open(f, f.Size(), o.ntfs...)
	if err != nil {
		return fileSystem{}, err
	}
	return fileSystem{x, x.FS}, nil
}

// A mountNode is a volume with a file system, as a directory.
type mountNode struct {
	dirMode
	volume *Volume
}

// Mounted implements vnode.Mount. A file system that cannot be opened is
// replaced by a directory that tells why.
func (n mountNode) Mounted() (*vnode.FS, error) {
	sys, err := n.volume.mounted()
	if err != nil {
		return vnode.New(failedDir{err: err}), nil
	}
	return sys.tree, nil
}

// A failedDir is the root of a file system that could not be opened.
type failedDir struct {
	dirMode
	err error
}

func (d failedDir) Lookup(string) (vnode.Node, error) { return nil, d.err }

func (d failedDir) Entries() iter.Seq2[vnode.Entry, error] {
	return func(yield func(vnode.Entry, error) bool) { yield(nil, d.err) }
}

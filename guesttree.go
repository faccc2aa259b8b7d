package vmdkfs

import (
	"io/fs"
	"iter"

	"github.com/vmdkfs/vmdkfs/internal/vnode"
)

// A mountPoint is a directory of a guest's tree that a volume is mounted on,
// or below which one is.
type mountPoint struct {
	volume *Volume   // nil when the directory is that of the volume above
	bound  vnode.Dir // another directory of the tree that is shown here; or nil
	below  map[string]*mountPoint
}

// child returns the mountPoint of an entry, which it makes if need be.
func (p *mountPoint) child(name string) *mountPoint {
	if p.below == nil {
		p.below = make(map[string]*mountPoint)
	}
	if p.below[name] == nil {
		p.below[name] = new(mountPoint)
	}
	return p.below[name]
}

// A mountedDir is a directory of a guest's tree with mounts on or below its
// entries. All other directories are those of the file systems themselves.
type mountedDir struct {
	vnode.Dir
	at *mountPoint
}

// Lookup implements vnode.Dir.
func (d mountedDir) Lookup(name string) (vnode.Node, error) {
	at := d.at.below[name]
	if at != nil && (at.volume != nil || at.bound != nil) {
		return at.root()
	}
	node, err := d.Dir.Lookup(name)
	if dir, ok := node.(vnode.Dir); ok && at != nil && err == nil {
		return mountedDir{dir, at}, nil
	}
	return node, err
}

// root returns the root of the volume that is mounted here. One that cannot be
// opened is a directory that tells why.
func (p *mountPoint) root() (vnode.Node, error) {
	if p.bound != nil {
		return mountedDir{p.bound, p}, nil
	}
	sys, err := p.volume.mounted()
	if err != nil {
		return failedDir{err: err}, nil
	}
	return mountedDir{sys.tree.Root(), p}, nil
}

// Entries implements vnode.Dir.
func (d mountedDir) Entries() iter.Seq2[vnode.Entry, error] {
	return func(yield func(vnode.Entry, error) bool) {
		for e, err := range d.Dir.Entries() {
			if err == nil && d.at.below[e.Name()] != nil {
				e = mountedEntry{e, d}
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// A mountedEntry is the entry of a directory with a mount on or below it.
type mountedEntry struct {
	vnode.Entry
	in mountedDir
}

func (e mountedEntry) Type() fs.FileMode         { return fs.ModeDir }
func (e mountedEntry) Node() (vnode.Node, error) { return e.in.Lookup(e.Name()) }

// Package twin is what ext3 and ntfs share to find out what is the same in two
// versions of a volume, by their tables of inodes and the blocks of their
// directories, without a walk through the trees.
package twin

import (
	"io/fs"

	"github.com/vmdkfs/vmdkfs/internal/vnode"
)

// A Tree is what two versions of a volume are found to have in common. Files go
// by their numbers. First all files are added, then all entries of the
// directories among them are noted, then Settle is called.
type Tree struct {
	same  Set // files of which all is the same that their own inode tells
	clean Set // directories in which all is the same, as far as is known
	dirty map[uint32]struct{}
	// parents has the directories that were found in another one, and that one.
	parents map[uint32]uint32
}

// New returns a tree in which nothing is the same yet.
func New() *Tree {
	return &Tree{dirty: make(map[uint32]struct{}), parents: make(map[uint32]uint32)}
}

// AddFile adds what is not a directory, and the same in both versions.
func (t *Tree) AddFile(number uint32) { t.same.Add(number) }

// AddDir adds a directory. What is not the same in it is told by MarkDirty.
func (t *Tree) AddDir(number uint32) {
	t.same.Add(number)
	t.clean.Add(number)
}

// IsDir reports whether a file was added as a directory.
func (t *Tree) IsDir(number uint32) bool { return t.clean.Has(number) }

// MarkDirty tells that something in a directory is not the same.
func (t *Tree) MarkDirty(dir uint32) { t.dirty[dir] = struct{}{} }

// Note notes that a directory of both versions names a file, and reports
// whether that is the same as far as is known.
func (t *Tree) Note(dir, number uint32) bool {
	if !t.same.Has(number) {
		return false
	}
	if !t.clean.Has(number) {
		return true
	}
	if other, twice := t.parents[number]; twice { // as in no sound file system
		t.MarkDirty(other)
		return false
	}
	t.parents[number] = dir
	return true
}

// Settle makes of what differs in a directory a difference in all that it lies
// in.
func (t *Tree) Settle() {
	for number := range t.dirty {
		for t.clean.Has(number) {
			t.clean.Remove(number)
			parent, found := t.parents[number]
			if !found {
				break
			}
			number = parent
		}
	}
	t.dirty, t.parents = nil, nil
}

// Same reports whether a file is the same in both versions, and if it goes for a
// directory, all that lies in it as well.
func (t *Tree) Same(number uint32, isDir bool) bool {
	return t.same.Has(number) && (!isDir || t.clean.Has(number))
}

// Entries returns what a volume's Same returns: a function that reports for two
// entries of one name, one from a directory of each version, whether they and
// all that lies in them are the same, and for nil and nil so of the roots.
// number returns the number that both entries name, if they agree on one.
func Entries[E vnode.Entry](t *Tree, root uint32, number func(x, y E) (n uint32, ok bool)) func(a, b fs.DirEntry) bool {
	return func(a, b fs.DirEntry) bool {
		if a == nil && b == nil {
			return t.Same(root, true)
		}
		x, ok := vnode.EntryOf[E](a)
		if !ok {
			return false
		}
		y, ok := vnode.EntryOf[E](b)
		if !ok {
			return false
		}
		n, ok := number(x, y)
		return ok && a.IsDir() == b.IsDir() && t.Same(n, a.IsDir())
	}
}

// Package diff tells two trees apart: two versions of a volume, of a guest, or
// of any two file systems.
//
// Files are compared by their paths. What a path stands for in one tree only
// was added or removed; of these, a pair that is one file by its inode was
// renamed. What lies in a renamed directory is compared with what lay in it.
package diff

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"slices"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/walk"
)

// A Kind is what became of a file.
type Kind string

// The kinds of a Change.
const (
	Added   Kind = "added"
	Removed Kind = "removed"
	Changed Kind = "changed"
	Renamed Kind = "renamed" // and perhaps changed too
)

// An Aspect is in what the two states of a file differ.
type Aspect string

// The aspects: the type, the content (of a link its target, of a device its
// number), and the parts of the metadata.
const (
	Type       Aspect = "type"
	Content    Aspect = "content"
	Mode       Aspect = "mode"
	Owner      Aspect = "owner"
	Mtime      Aspect = "mtime" // but not that of a directory, which is about its names
	Xattrs     Aspect = "xattrs"
	Attributes Aspect = "attributes" // flags, as chattr's; those of NTFS, and its security descriptor
)

// A Change is one difference.
type Change struct {
	Kind    Kind
	Path    string   // in the second tree; of what was removed, in the first
	From    string   // the path in the first tree, where it is another
	Aspects []Aspect // in which a file that was changed or renamed differs
	Before  *State   // nil for what was added
	After   *State   // nil for what was removed
}

// A State is what a file was in one of the trees.
type State struct {
	Mode    fs.FileMode
	Size    int64 // bytes
	ModTime time.Time
}

// A Tree is a file system and the file in it that a comparison begins at.
type Tree struct {
	walk.FS
	Name string
}

// Options change how Trees compares.
type Options struct {
	// Checksum compares the content of every pair of files. Without it, a file
	// with the same inode, size and times is taken to be the same, and content is
	// read where they differ and the size does not.
	Checksum bool
	// Slow walks through all of both trees, also where they are volumes that can
	// tell faster what is the same.
	Slow bool
	// Fail is called for what cannot be read, with the path in the first tree or
	// in the second. What lies there is not among the changes.
	Fail func(second bool, path string, err error)
	// Note is called for what was not compared, though it could be read.
	Note func(path string, err error)
}

// errKinds is what two starts get that cannot be compared.
var errKinds = errors.New("a directory in one of the two, a file in the other")

// Trees returns the differences between two trees, ordered by path. Fail and
// Note are called by one goroutine at a time. The error is about the start, or
// that of the context.
func Trees(ctx context.Context, first, second Tree, o Options) ([]Change, error) {
	a, err := walk.Find(first.FS, first.Name)
	if err != nil {
		return nil, err
	}
	b, err := walk.Find(second.FS, second.Name)
	if err != nil {
		return nil, err
	}
	if a.IsDir() != b.IsDir() {
		return nil, &fs.PathError{Op: "diff", Path: second.Name, Err: errKinds}
	}
	c := newComparison(ctx, first, second, o)
	c.match(pair{a, b})
	err = c.run()
	slices.SortFunc(c.changes, func(x, y Change) int { return cmp.Or(cmp.Compare(x.Path, y.Path), cmp.Compare(x.Kind, y.Kind)) })
	return c.changes, err
}

package diff

import (
	"context"
	"io/fs"

	"github.com/vmdkfs/vmdkfs/internal/vnode"
)

// A volume is a file system that can tell what is the same in another version
// of it without going through both trees: ext3 by its inode tables, ntfs by its
// file records.
type volume interface {
	Root() vnode.Dir
	// Same compares the volume with another version of it. The function that it
	// returns reports for a file, by the number of its inode, whether its inode
	// and attributes are the same in both, and for a directory also whether all
	// is that lies in it. It is nil when other is no version of the volume.
	Same(ctx context.Context, other any) (func(inode uint64) (file, tree bool), error)
}

// A volumePair is what is known of two volumes at the same place of the trees.
// A nil volumePair knows nothing.
type volumePair struct {
	same func(inode uint64) (file, tree bool)
}

// volumePair returns what is known of the volumes that two directories lie in.
// They are asked when their roots are met: of a directory further down it would
// be cheaper to go through it.
func (c *comparison) volumePair(infoA, infoB fs.FileInfo) *volumePair {
	a, ok := unixOf(infoA)
	if !ok {
		return nil
	}
	b, ok := unixOf(infoB)
	if !ok {
		return nil
	}
	key := [2]any{a.Volume, b.Volume}
	if v, known := c.volumes[key]; known {
		return v
	}
	if c.twin[b.Volume] == nil {
		c.twin[b.Volume] = a.Volume
	}
	v := new(volumePair)
	c.volumes[key] = v
	first, ok := a.Volume.(volume)
	if !ok || c.options.Slow || c.options.Checksum {
		return v
	}
	if root, ok := unixOf(rootInfo{first.Root()}); !ok || root.Inode != a.Inode || root.Inode != b.Inode {
		return v
	}
	same, err := first.Same(c.ctx, b.Volume)
	if err == nil { // else the walk will meet what cannot be read
		v.same = same
	}
	return v
}

// rootInfo is a root directory as a FileInfo, of which Sys is asked.
type rootInfo struct{ vnode.Dir }

func (rootInfo) Name() string { return "." }
func (rootInfo) IsDir() bool  { return true }

// tree reports whether two directories, and all that lies in them, are known to
// be the same.
func (v *volumePair) tree(infoA, infoB fs.FileInfo) bool {
	if v == nil || v.same == nil {
		return false
	}
	a, _ := unixOf(infoA)
	b, _ := unixOf(infoB)
	if a.Inode != b.Inode {
		return false
	}
	_, tree := v.same(a.Inode)
	return tree
}

// entry reports whether two entries of such directories, with all that lies in
// them, are known to be the same.
func (v *volumePair) entry(a, b fs.DirEntry) bool {
	if v == nil || v.same == nil {
		return false
	}
	x, ok := numberOf(a)
	if !ok {
		return false
	}
	y, ok := numberOf(b)
	if !ok || x != y {
		return false
	}
	file, tree := v.same(x)
	return tree || file && !a.IsDir() && !b.IsDir()
}

// numberOf returns the inode of an entry that lies in the volume of its
// directory, where it can be told without reading it.
func numberOf(e fs.DirEntry) (uint64, bool) {
	if n, ok := e.(interface{ Inode() (uint64, bool) }); ok {
		return n.Inode()
	}
	return 0, false
}

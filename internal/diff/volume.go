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
	// returns reports for two entries of one name, one from a directory of each,
	// whether they and all that lies in them are the same; for nil and nil it does
	// so for the roots. It is nil when other is no version of the volume.
	Same(ctx context.Context, other any) (func(a, b fs.DirEntry) bool, error)
}

// A volumePair is what is known of two volumes at the same place of the trees.
// A nil volumePair knows nothing.
type volumePair struct {
	root uint64 // inode
	same func(a, b fs.DirEntry) bool
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
	root, ok := unixOf(rootInfo{first.Root()})
	if !ok || root.Inode != a.Inode || root.Inode != b.Inode {
		return v
	}
	same, err := first.Same(c.ctx, b.Volume)
	if err == nil { // else the walk will meet what cannot be read
		v.root, v.same = root.Inode, same
	}
	return v
}

// rootInfo is a root directory as a FileInfo, of which Sys is asked.
type rootInfo struct{ vnode.Dir }

func (rootInfo) Name() string { return "." }
func (rootInfo) IsDir() bool  { return true }

// tree reports whether two directories are the roots, and all that lies in them
// is known to be the same. Of others their entries have told.
func (v *volumePair) tree(infoA, infoB fs.FileInfo) bool {
	if v == nil || v.same == nil {
		return false
	}
	a, _ := unixOf(infoA)
	b, _ := unixOf(infoB)
	return a.Inode == v.root && b.Inode == v.root && v.same(nil, nil)
}

// entry reports whether two entries of such directories, with all that lies in
// them, are known to be the same.
func (v *volumePair) entry(a, b fs.DirEntry) bool { return v != nil && v.same != nil && v.same(a, b) }

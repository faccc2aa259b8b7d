package lvm

import "github.com/vmdkfs/vmdkfs/internal/vnode"

// Hidden returns the same groups with a file for every volume, those as well
// that LVM makes others of and does not show: the legs of a raid, their
// superblocks, logs, pools, what a move works on. A leg is shown as it lies,
// in sync or not.
func (f *FS) Hidden() *FS {
	return &FS{vnode.New(newRoot(f.groups, f.set.sources, true)), f.groups, f.set}
}

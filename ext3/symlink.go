package ext3

import (
	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
)

// maxTarget is the longest target that Linux lets a link have, without its
// NUL: PATH_MAX is 4096, and a block can be smaller.
const maxTarget = 4095

// Target returns the path that the link names. A target shorter than 60 bytes
// is kept in place of the block map, unless a block was allocated for it.
func (n linkNode) Target() (string, error) {
	i := n.inode
	name := inodeName(i.Number)
	if i.Flags&flagEncrypt != 0 {
		return "", unsupported(name, "its target is encrypted")
	}
	if i.Length == 0 || i.Length > maxTarget || i.Length > i.fsys.geo.blockSize {
		return "", corrupt(name, noOffset, "a link of %d bytes", i.Length)
	}
	var target []byte
	if i.isFastLink() {
		target = i.block[:i.Length]
	} else {
		content, err := i.content()
		if err != nil {
			return "", err
		}
		if target, err = ondisk.Read(content, 0, i.Length); err != nil {
			return "", failed(name, noOffset, err)
		}
	}
	target = cString(target)
	if len(target) == 0 {
		return "", corrupt(name, noOffset, "a link with an empty target")
	}
	return vnode.Escape(target), nil
}

// isFastLink reports whether the target lies in the inode: the link has no
// block, or only one of attributes.
func (i *Inode) isFastLink() bool {
	if i.Flags&(flagExtents|flagInlineData) != 0 || i.Length >= int64(len(i.block)) {
		return false
	}
	attributes := uint64(0)
	if i.xattrAt != 0 {
		attributes = uint64(i.fsys.geo.clusterSize / 512)
	}
	return i.Sectors <= attributes
}

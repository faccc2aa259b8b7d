package ext3

import (
	"fmt"
	"iter"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
)

// Extended attributes lie behind the fields of a large inode, and in one block
// that files with the same attributes share. Source: the kernel's
// documentation, "Extended Attributes".
const (
	xattrMagic       = 0xEA020000
	xattrBlockHeader = 32
	xattrEntryHeader = 16
	// maxXattrValue is EXT4_XATTR_SIZE_MAX, of values in an inode of their own.
	maxXattrValue = 1 << 24
)

// The prefixes of names by e_name_index. The indexes of ACLs stand for the
// whole name.
const (
	xattrACLAccess  = 2
	xattrACLDefault = 3
	xattrSystem     = 7
	xattrEncryption = 9
)

var xattrPrefixes = map[uint8]string{
	1:               "user.",
	xattrACLAccess:  "system.posix_acl_access",
	xattrACLDefault: "system.posix_acl_default",
	4:               "trusted.",
	6:               "security.",
	xattrSystem:     "system.",
	8:               "system.richacl",
}

// An xattrEntry is one attribute as it lies on the disk.
type xattrEntry struct {
	index uint8
	name  []byte
	value []byte // nil when it lies in an inode of its own
	inum  uint32 // of that inode, or 0
	size  int64  // of the value there, in bytes
}

// isInlineData reports whether the attribute is not one to anyone above: it is
// the part of the inode's content that did not fit into i_block.
func (e *xattrEntry) isInlineData() bool { return e.index == xattrSystem && string(e.name) == "data" }

// fullName returns the name with its prefix.
func (e *xattrEntry) fullName() string {
	prefix, known := xattrPrefixes[e.index]
	if !known {
		prefix = fmt.Sprintf("index%d.", e.index)
	}
	return prefix + vnode.Escape(e.name)
}

// Xattrs implements [layer.Sys]. Where an attribute lies in the inode and in
// the block, the inode's counts.
func (i *Inode) Xattrs() (map[string][]byte, error) {
	if i.xattrAt == 0 && i.xattrBody == 0 {
		return nil, nil
	}
	var list map[string][]byte // most files have none
	for _, entries := range []iter.Seq2[xattrEntry, error]{i.blockXattrs(), i.bodyXattrs()} {
		for e, err := range entries {
			if err != nil {
				return nil, err
			}
			if e.index == xattrEncryption || e.isInlineData() {
				continue
			}
			value, err := i.xattrValue(&e)
			if err != nil {
				return nil, err
			}
			if list == nil {
				list = make(map[string][]byte)
			}
			list[e.fullName()] = value
		}
	}
	return list, nil
}

// xattrValue returns an attribute's value as getxattr does.
func (i *Inode) xattrValue(e *xattrEntry) ([]byte, error) {
	value := e.value
	if e.inum != 0 {
		var err error
		if value, err = i.eaInode(e.inum, e.size); err != nil {
			return nil, err
		}
	}
	if e.index != xattrACLAccess && e.index != xattrACLDefault {
		return append([]byte{}, value...), nil
	}
	acl, err := decodeACL(value)
	if err != nil {
		return nil, corrupt(i.xattrObject(), noOffset, "%s: %v", e.fullName(), err)
	}
	return acl, nil
}

// eaInode returns the value of an attribute that lies in an inode of its own.
// In place of a time of access that inode has a checksum of the value; those
// that Lustre made have the number of the file that they belong to in place of
// the other, and no checksum.
func (i *Inode) eaInode(number uint32, size int64) ([]byte, error) {
	f := i.fsys
	inode, err := f.inode(number)
	if err != nil {
		return nil, err
	}
	object := "attribute value in " + inodeName(number)
	switch {
	case inode.Flags&flagEAInode == 0:
		return nil, corrupt(object, noOffset, "the inode is not one for values")
	case size > maxXattrValue:
		return nil, corrupt(object, noOffset, "%d bytes, more than %d", size, maxXattrValue)
	case inode.Length != size:
		return nil, corrupt(object, noOffset, "%d bytes in an inode of %d", size, inode.Length)
	}
	content, err := inode.content()
	if err != nil {
		return nil, err
	}
	value, err := ondisk.Read(content, 0, size)
	if err != nil {
		return nil, failed(object, noOffset, err)
	}
	if uint32(inode.Modify.Unix()) == i.Number && inode.Generation == i.Generation {
		return value, nil
	}
	_, at, err := f.rawInode(number)
	if err != nil {
		return nil, err
	}
	err = f.mismatch(func() string { return object }, at+inodeAccessAt, uint32(inode.Access.Unix()), crc32c(f.seed, value))
	return value, err
}

func (i *Inode) xattrObject() string { return "attributes of " + inodeName(i.Number) }

// xattrFailure is a sequence of nothing but an error.
func xattrFailure(err error) iter.Seq2[xattrEntry, error] {
	return func(yield func(xattrEntry, error) bool) { yield(xattrEntry{}, err) }
}

// blockXattrs yields the attributes of the block.
func (i *Inode) blockXattrs() iter.Seq2[xattrEntry, error] {
	if i.xattrAt == 0 {
		return func(func(xattrEntry, error) bool) {}
	}
	object := i.xattrObject()
	if !i.fsys.geo.holds(i.xattrAt, 1) {
		return xattrFailure(corrupt(object, noOffset, "block %d of %d", i.xattrAt, i.fsys.geo.blocks))
	}
	block, err := i.fsys.block(i.xattrAt)
	if err != nil {
		return xattrFailure(failed(object, i.fsys.offset(i.xattrAt), err))
	}
	if magic := le.Uint32(block); magic != xattrMagic {
		return xattrFailure(corrupt(object, i.fsys.offset(i.xattrAt), "magic is %#08x, not %#08x", magic, uint32(xattrMagic)))
	}
	if err := i.fsys.checkXattrBlock(i.xattrObject, i.xattrAt, block); err != nil {
		return xattrFailure(err)
	}
	// Offsets of values count from the start of the block.
	return i.xattrEntries(block, xattrBlockHeader, i.fsys.offset(i.xattrAt))
}

// bodyXattrs yields the attributes in the inode.
func (i *Inode) bodyXattrs() iter.Seq2[xattrEntry, error] {
	if i.xattrBody == 0 {
		return func(func(xattrEntry, error) bool) {}
	}
	raw, at, err := i.fsys.rawInode(i.Number)
	if err != nil {
		return xattrFailure(err)
	}
	// Offsets of values count from the first entry here.
	return i.xattrEntries(raw[i.xattrBody:], 0, at+int64(i.xattrBody))
}

// xattrEntries yields the attributes whose entries begin at start of area and
// whose values lie in area, then at most one error. Four zero bytes end them.
func (i *Inode) xattrEntries(area []byte, start int, at int64) iter.Seq2[xattrEntry, error] {
	return func(yield func(xattrEntry, error) bool) {
		for pos := start; ; {
			bad := func(format string, args ...any) {
				yield(xattrEntry{}, corrupt(i.xattrObject(), at+int64(pos), format, args...))
			}
			if len(area)-pos < 4 {
				bad("the entries have no end")
				return
			}
			raw := area[pos:]
			if le.Uint32(raw) == 0 {
				return
			}
			nameLen := int(raw[0])
			if len(raw) < xattrEntryHeader+nameLen {
				bad("an entry reaches over the end")
				return
			}
			e := xattrEntry{index: raw[1], name: raw[xattrEntryHeader:][:nameLen], inum: le.Uint32(raw[4:8]), size: int64(le.Uint32(raw[8:12]))}
			if valueAt := int64(le.Uint16(raw[2:4])); e.inum == 0 && e.size > 0 {
				if valueAt+e.size > int64(len(area)) {
					bad("the value of %s is outside", e.fullName())
					return
				}
				e.value = area[valueAt : valueAt+e.size]
			}
			if !yield(e, nil) {
				return
			}
			pos += (xattrEntryHeader + nameLen + 3) &^ 3
		}
	}
}

package ext3

import (
	"fmt"

	"github.com/vmdkfs/vmdkfs/internal/vnode"
)

// Extended attributes lie behind the fields of a large inode, and in one block
// that files with the same attributes share. Source: the kernel's
// documentation, "Extended Attributes".
const (
	xattrMagic       = 0xEA020000
	xattrBlockHeader = 32
	xattrEntryHeader = 16
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

// Xattrs implements [layer.Sys]. Where an attribute lies in the inode and in
// the block, the inode's counts.
func (i *Inode) Xattrs() (map[string][]byte, error) {
	list := make(map[string][]byte)
	if i.xattrAt != 0 {
		if err := i.blockXattrs(list); err != nil {
			return nil, err
		}
	}
	if i.xattrBody != 0 {
		raw, at, err := i.fsys.rawInode(i.Number)
		if err != nil {
			return nil, err
		}
		area := raw[i.xattrBody:]
		if len(area) >= 4 && le.Uint32(area) == xattrMagic {
			// Offsets of values count from the first entry here.
			if err := i.xattrEntries(list, area[4:], 0, at+int64(i.xattrBody)+4); err != nil {
				return nil, err
			}
		}
	}
	return list, nil
}

// blockXattrs adds the attributes of the block.
func (i *Inode) blockXattrs(list map[string][]byte) error {
	object := "attributes of " + inodeName(i.Number)
	if !i.fsys.geo.holds(i.xattrAt, 1) {
		return corrupt(object, noOffset, "block %d of %d", i.xattrAt, i.fsys.geo.blocks)
	}
	block, err := i.fsys.block(i.xattrAt)
	if err != nil {
		return failed(object, i.fsys.offset(i.xattrAt), err)
	}
	if magic := le.Uint32(block); magic != xattrMagic {
		return corrupt(object, i.fsys.offset(i.xattrAt), "magic is %#08x, not %#08x", magic, uint32(xattrMagic))
	}
	// Offsets of values count from the start of the block.
	return i.xattrEntries(list, block, xattrBlockHeader, i.fsys.offset(i.xattrAt))
}

// xattrEntries adds the attributes whose entries begin at start of area and
// whose values lie in area. Four zero bytes end the entries.
func (i *Inode) xattrEntries(list map[string][]byte, area []byte, start int, at int64) error {
	object := "attributes of " + inodeName(i.Number)
	for pos := start; ; {
		bad := func(format string, args ...any) error {
			return corrupt(object, at+int64(pos), format, args...)
		}
		if len(area)-pos < 4 {
			return bad("the entries have no end")
		}
		e := area[pos:]
		if le.Uint32(e) == 0 {
			return nil
		}
		nameLen := int(e[0])
		if len(e) < xattrEntryHeader+nameLen {
			return bad("an entry reaches over the end")
		}
		rawName := e[xattrEntryHeader:][:nameLen]
		index, valueAt, inum, size := e[1], int64(le.Uint16(e[2:4])), le.Uint32(e[4:8]), int64(le.Uint32(e[8:12]))
		pos += (xattrEntryHeader + nameLen + 3) &^ 3
		if index == xattrEncryption || (index == xattrSystem && string(rawName) == "data") {
			continue // the context of an encrypted file, and inline data: not attributes to anyone above
		}
		prefix, known := xattrPrefixes[index]
		if !known {
			prefix = fmt.Sprintf("index%d.", index)
		}
		name := prefix + vnode.Escape(rawName)
		if inum != 0 {
			return unsupported(object, "the value of %s is in inode %d (ea_inode)", name, inum)
		}
		var value []byte
		if size > 0 {
			if valueAt+size > int64(len(area)) {
				return bad("the value of %s is outside", name)
			}
			value = area[valueAt : valueAt+size]
		}
		decoded := append([]byte{}, value...)
		if index == xattrACLAccess || index == xattrACLDefault {
			var err error
			if decoded, err = decodeACL(value); err != nil {
				return bad("%s: %v", name, err)
			}
		}
		list[name] = decoded
	}
}

package ext3

import (
	"encoding/binary"
	"fmt"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
)

// POSIX ACLs are kept in a form of their own (struct ext4_acl_header, version
// 1, entries of 4 or 8 bytes) and shown in that of include/uapi/linux/
// posix_acl_xattr.h (version 2, entries of 8 bytes).
const (
	aclDiskVersion  = 1
	aclXattrVersion = 2
	aclUser         = 0x02
	aclGroup        = 0x08
	aclNoID         = 0xFFFFFFFF
)

// aclTags are the tags of an entry: owner, user, owning group, group, mask,
// others.
var aclTags = map[uint16]bool{0x01: true, aclUser: true, 0x04: true, aclGroup: true, 0x10: true, 0x20: true}

// decodeACL returns an ACL as getxattr does.
func decodeACL(disk []byte) ([]byte, error) {
	c := ondisk.NewCursor(disk, le)
	if version := c.U32(); c.Err() == nil && version != aclDiskVersion {
		return nil, fmt.Errorf("version %d", version)
	}
	out := binary.LittleEndian.AppendUint32(nil, aclXattrVersion)
	for c.Err() == nil && c.Len() > 0 {
		tag, perm, id := c.U16(), c.U16(), uint32(aclNoID)
		if tag == aclUser || tag == aclGroup {
			id = c.U32()
		}
		if c.Err() == nil && !aclTags[tag] {
			return nil, fmt.Errorf("tag %#x", tag)
		}
		out = binary.LittleEndian.AppendUint16(out, tag)
		out = binary.LittleEndian.AppendUint16(out, perm)
		out = binary.LittleEndian.AppendUint32(out, id)
	}
	return out, c.Err()
}

package export

import (
	"encoding/binary"
	"strconv"
	"strings"
)

// The tags of a POSIX ACL's entries in an extended attribute
// (include/uapi/linux/posix_acl.h).
const (
	aclVersion  = 2
	aclUserObj  = 0x01
	aclUser     = 0x02
	aclGroupObj = 0x04
	aclGroup    = 0x08
	aclMask     = 0x10
	aclOther    = 0x20
)

// aclText returns the ACL in value, the extended attribute that Linux has it
// in, as text with numbers for users and groups: "user::rw-,user:1000:r--".
func aclText(value []byte) (text string, ok bool) {
	if len(value) < 4 || len(value)%8 != 4 || binary.LittleEndian.Uint32(value) != aclVersion {
		return "", false
	}
	var b strings.Builder
	for e := value[4:]; len(e) > 0; e = e[8:] {
		tag, perm, id := binary.LittleEndian.Uint16(e), binary.LittleEndian.Uint16(e[2:]), binary.LittleEndian.Uint32(e[4:])
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		who := strconv.FormatUint(uint64(id), 10)
		switch tag {
		case aclUserObj:
			b.WriteString("user::")
		case aclUser:
			b.WriteString("user:" + who + ":")
		case aclGroupObj:
			b.WriteString("group::")
		case aclGroup:
			b.WriteString("group:" + who + ":")
		case aclMask:
			b.WriteString("mask::")
		case aclOther:
			b.WriteString("other::")
		default:
			return "", false
		}
		if perm > 7 {
			return "", false
		}
		for i, c := range []byte("rwx") {
			if perm&(4>>i) == 0 {
				c = '-'
			}
			b.WriteByte(c)
		}
	}
	return b.String(), true
}

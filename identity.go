package vmdkfs

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf16"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
)

// An identity is where a format keeps its UUID and its label.
type identity struct {
	uuid  int // offset of 16 bytes, as text has them
	label int // offset of the label
	size  int // of the label in bytes
}

// identities are as libblkid reads them.
var identities = map[Kind]identity{
	Ext:   {1024 + 104, 1024 + 120, 16},
	XFS:   {32, 108, 12},
	Btrfs: {0x10020, 0x1012b, 256},
	Swap:  {1024 + 12, 1024 + 28, 16},
	F2FS:  {1024 + 108, 1024 + 124, 1024},
}

// Places in a header of LUKS ("LUKS On-Disk Format Specification" and "LUKS2
// On-Disk Format Specification", binary header).
const (
	luksVersion = 6
	luksUUID    = 168
	luks2Label  = 24
)

// Identity returns the UUID and the label of a volume, as libblkid calls them,
// from its first bytes alone: no file system is opened. Those of FAT and NTFS
// are serial numbers, and the label of NTFS lies elsewhere. Both are empty for
// other Kinds.
func (v *Volume) Identity() (uuid, label string, err error) {
	kind, err := v.Kind()
	if err != nil {
		return "", "", err
	}
	where, known := identities[kind]
	if !known && kind != LUKS && kind != FAT && kind != NTFS {
		return "", "", nil
	}
	f, err := v.open()
	if err != nil {
		return "", "", err
	}
	head, err := ondisk.Read(f, 0, min(headSize, f.Size()))
	if err != nil {
		return "", "", err
	}
	switch {
	case kind == LUKS:
		uuid, label = luksIdentity(head)
	case kind == FAT:
		uuid, label = fatIdentity(head)
	case kind == NTFS:
		uuid = fmt.Sprintf("%016X", binary.LittleEndian.Uint64(head[ntfsSerial:]))
	case len(head) < max(where.uuid+16, where.label+where.size):
	case kind == Swap && binary.LittleEndian.Uint32(head[1024:]) != 1 && binary.BigEndian.Uint32(head[1024:]) != 1:
		// the first version of swap has neither
	case kind == F2FS:
		uuid, label = formatUUID(head[where.uuid:]), wide(head[where.label:][:where.size])
	default:
		uuid, label = formatUUID(head[where.uuid:]), untilNUL(head[where.label:][:where.size])
	}
	return uuid, label, nil
}

// ntfsSerial is where the boot sector of NTFS has the volume's number.
const ntfsSerial = 0x48

// fatIdentity returns the serial number and the label in the extended boot
// record of FAT (fatgen103, "BPB and Boot Sector").
func fatIdentity(head []byte) (serial, label string) {
	const signature = 0x29
	for _, at := range []int{66, 38} { // of FAT32, of the others
		if b := head[at:512]; b[0] == signature && bytes.HasPrefix(b[16:], []byte("FAT")) {
			return fmt.Sprintf("%02X%02X-%02X%02X", b[4], b[3], b[2], b[1]), strings.TrimRight(string(b[5:16]), " ")
		}
	}
	return "", ""
}

// luksIdentity returns the UUID and the label of a LUKS header.
func luksIdentity(head []byte) (uuid, label string) {
	if len(head) < luksUUID+40 || !bytes.HasPrefix(head, []byte("LUKS\xba\xbe")) {
		return "", "" // its second header lies elsewhere
	}
	if binary.BigEndian.Uint16(head[luksVersion:]) == 2 {
		label = untilNUL(head[luks2Label:][:48])
	}
	return untilNUL(head[luksUUID:][:40]), label
}

// untilNUL returns a field of text up to its first NUL.
func untilNUL(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return string(b)
}

// wide returns a field of UTF-16 up to its first NUL.
func wide(b []byte) string {
	var units []uint16
	for ; len(b) >= 2; b = b[2:] {
		u := binary.LittleEndian.Uint16(b)
		if u == 0 {
			break
		}
		units = append(units, u)
	}
	return string(utf16.Decode(units))
}

// formatUUID returns the UUID at the start of b; an empty text if it is zero.
func formatUUID(b []byte) string {
	if bytes.Equal(b[:16], make([]byte, 16)) {
		return ""
	}
	h := hex.EncodeToString(b[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

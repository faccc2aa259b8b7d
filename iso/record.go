package iso

import "time"

// A directory record (ECMA-119 9.1) is at most 255 bytes; as it is padded to
// an even length, 254.
const (
	recordHeader = 33
	maxRecord    = 254
)

// The flags of a directory record (ECMA-119 9.1.6).
const (
	flagDirectory   = 0x02
	flagAssociated  = 0x04
	flagMultiExtent = 0x80 // the file goes on in the next record
)

// The identifiers of a directory itself and of the one above it (ECMA-119
// 6.8.2.2).
var (
	selfID   = []byte{0}
	parentID = []byte{1}
)

// recordFields are what the writer stores in a directory record.
type recordFields struct {
	start uint32 // sector of the first byte
	size  uint32 // bytes
	date  instant
	flags byte
}

// systemRoom returns how many bytes are left for the system use area in a
// record with an identifier of n bytes. It is even.
func systemRoom(n int) int { return maxRecord - (recordHeader+n+1)&^1 }

// appendRecord appends a directory record. The system use area is at most
// systemRoom(len(id)) bytes.
func appendRecord(b []byte, f recordFields, id, system []byte) []byte {
	start := len(b)
	b = append(b, 0, 0) // length, to come; no extended attribute record
	b = appendBoth32(b, f.start)
	b = appendBoth32(b, f.size)
	b = appendShortDate(b, f.date)
	b = append(b, f.flags, 0, 0, 1, 0, 0, 1, byte(len(id))) // not interleaved, volume 1 in both orders
	b = append(b, id...)
	if len(id)%2 == 0 {
		b = append(b, 0)
	}
	b = append(b, system...)
	if (len(b)-start)%2 != 0 {
		b = append(b, 0)
	}
	b[start] = byte(len(b) - start)
	return b
}

// A record is a directory record as it lies in an image: at least its header,
// and the identifier whose length it tells. checkRecord makes one.
type record []byte

// checkRecord returns the record at the start of b, which ends with the
// sector, or nil if none fits there.
func checkRecord(b []byte) record {
	if len(b) < recordHeader || int(b[0]) < recordHeader || int(b[0]) > len(b) {
		return nil
	}
	r := record(b[:b[0]])
	if recordHeader+int(r[32]) > len(r) {
		return nil
	}
	return r
}

func (r record) attributeBlocks() uint32 { return uint32(r[1]) } // before the data: an extended attribute record
func (r record) block() uint32           { return le32(r[2:]) }
func (r record) size() uint32            { return le32(r[10:]) }
func (r record) date() time.Time         { return shortDate(r[18:]) }
func (r record) isDir() bool             { return r[25]&flagDirectory != 0 }
func (r record) isAssociated() bool      { return r[25]&flagAssociated != 0 }
func (r record) goesOn() bool            { return r[25]&flagMultiExtent != 0 }
func (r record) interleaved() bool       { return r[26] != 0 || r[27] != 0 }
func (r record) volume() uint16          { return le16(r[28:]) }
func (r record) id() []byte              { return r[recordHeader : recordHeader+int(r[32])] }

// isSelf and isParent tell the two records at the start of every directory.
func (r record) isSelf() bool   { return r[32] == 1 && r[33] == 0 }
func (r record) isParent() bool { return r[32] == 1 && r[33] == 1 }

// systemUse returns what follows the identifier and its padding.
func (r record) systemUse() []byte {
	return r[min((recordHeader+int(r[32])+1)&^1, len(r)):]
}

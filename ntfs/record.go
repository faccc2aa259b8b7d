package ntfs

import "fmt"

// The numbers of the files that every volume has.
const (
	recordMFT     = 0
	recordMFTMirr = 1
	recordLogFile = 2
	recordVolume  = 3
	recordRoot    = 5
	recordBitmap  = 6
	recordSecure  = 9
	recordUpCase  = 10
	// firstUserRecord is the first that a file of a user may have had in old
	// versions of Windows; those before it are hidden.
	firstUserRecord = 16
)

// Flags of a file record.
const (
	recordInUse     = 0x0001
	recordDirectory = 0x0002
)

// A fileRef names a file record: its number in the low 48 bits, and above it
// the sequence number that the record has as long as it is the same file's.
type fileRef uint64

func (r fileRef) number() uint64   { return uint64(r) & (1<<48 - 1) }
func (r fileRef) sequence() uint16 { return uint16(r >> 48) }

// recordHeaderSize is the least that a header can have: it ends before the
// number of the record, which NTFS 3.0 and older do not store.
const recordHeaderSize = 0x2A

// A record is one file record (FILE_RECORD_SEGMENT_HEADER in [MS-FSCC] 2.1.1
// and the WDK), whole and with its fixups applied. Its accessors have the names
// of ntfs-3g's layout.h.
type record []byte

func (r record) magic() string          { return string(r[0:4]) }
func (r record) lsn() uint64            { return le.Uint64(r[0x08:0x10]) }
func (r record) sequenceNumber() uint16 { return le.Uint16(r[0x10:0x12]) }
func (r record) attrsOffset() uint16    { return le.Uint16(r[0x14:0x16]) }
func (r record) flags() uint16          { return le.Uint16(r[0x16:0x18]) }
func (r record) bytesInUse() uint32     { return le.Uint32(r[0x18:0x1C]) }
func (r record) baseRecord() fileRef    { return fileRef(le.Uint64(r[0x20:0x28])) }

func (r record) inUse() bool { return r.flags()&recordInUse != 0 }
func (r record) isDir() bool { return r.flags()&recordDirectory != 0 }

// check returns what is wrong with the record's header.
func (r record) check() error {
	switch {
	case r.magic() == magicBad:
		return fmt.Errorf("it was torn while it was written")
	case r.magic() != magicFile:
		return fmt.Errorf("signature is %q, not %q", r.magic(), magicFile)
	case int(r.bytesInUse()) > len(r) || int(r.attrsOffset()) < recordHeaderSize || int(r.attrsOffset()) > int(r.bytesInUse()):
		return fmt.Errorf("%d bytes in use of %d, attributes from %d", r.bytesInUse(), len(r), r.attrsOffset())
	}
	return nil
}

package fat

import (
	"encoding/binary"
	"time"
)

// recordSize is the length of a record of a directory.
const recordSize = 32

// A record is a directory entry, or a part of the long name of the one that
// follows (fatgen103, "FAT Directory Structure" and "Long Directory Entries").
type record [recordSize]byte

func (r *record) u16(off int) uint16 { return binary.LittleEndian.Uint16(r[off:]) }

func (r *record) name() [11]byte     { return [11]byte(r[:11]) }
func (r *record) attr() Attributes   { return Attributes(r[11]) }
func (r *record) ntRes() byte        { return r[12] }
func (r *record) crtTimeTenth() byte { return r[13] }
func (r *record) crtTime() uint16    { return r.u16(14) }
func (r *record) crtDate() uint16    { return r.u16(16) }
func (r *record) lstAccDate() uint16 { return r.u16(18) }
func (r *record) fstClusHI() uint16  { return r.u16(20) }
func (r *record) wrtTime() uint16    { return r.u16(22) }
func (r *record) wrtDate() uint16    { return r.u16(24) }
func (r *record) fstClusLO() uint16  { return r.u16(26) }
func (r *record) fileSize() uint32   { return binary.LittleEndian.Uint32(r[28:]) }

// First bytes of records that are no entry.
const (
	recordEnd     = 0x00 // neither is any behind it
	recordDeleted = 0xe5
)

// Attributes are the attributes of an entry.
type Attributes uint8

// The attributes that the specification defines.
const (
	ReadOnly  Attributes = 1 << 0
	Hidden    Attributes = 1 << 1
	System    Attributes = 1 << 2
	VolumeID  Attributes = 1 << 3 // the entry is the volume's label
	Directory Attributes = 1 << 4
	Archive   Attributes = 1 << 5
)

// longName is the attributes of a part of a long name, of the six bits that
// count.
const longName = ReadOnly | Hidden | System | VolumeID

func (a Attributes) isLongName() bool { return a&0x3f == longName }

// isDots reports whether the record is one of the two that lead to a directory
// itself and to the one above.
func (r *record) isDots() bool {
	name := r.name()
	return string(name[:]) == ".          " || string(name[:]) == "..         "
}

// timestamp returns the time that a date and a time of day stand for
// (fatgen103, "Date and Time Formats"), or the zero Time where there is none.
func timestamp(date, tod uint16, tenths byte) time.Time {
	year, month, day := int(date>>9)+1980, time.Month(date>>5&0xf), int(date&0x1f)
	hour, minute, second := int(tod>>11), int(tod>>5&0x3f), int(tod&0x1f)*2
	if month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59 || tenths > 199 {
		return time.Time{}
	}
	t := time.Date(year, month, day, hour, minute, second, int(tenths)*int(10*time.Millisecond), time.UTC)
	if t.Day() != day && tenths < 100 { // no such day in that month
		return time.Time{}
	}
	return t
}

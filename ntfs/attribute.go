package ntfs

import (
	"bytes"
	"errors"
	"fmt"
)

// The types of attributes, [MS-FSCC] 2.4 and the WDK's ATTRIBUTE_TYPE_CODE.
const (
	attrStandardInformation = 0x10
	attrAttributeList       = 0x20
	attrFileName            = 0x30
	attrObjectID            = 0x40
	attrSecurityDescriptor  = 0x50
	attrVolumeName          = 0x60
	attrVolumeInformation   = 0x70
	attrData                = 0x80
	attrIndexRoot           = 0x90
	attrIndexAllocation     = 0xA0
	attrBitmap              = 0xB0
	attrReparsePoint        = 0xC0
	attrEA                  = 0xE0
	attrEnd                 = 0xFFFFFFFF
)

// Flags of an attribute.
const (
	attrCompressionMask = 0x00FF // 0 for none, 1 for LZNT1
	attrEncrypted       = 0x4000
	attrSparse          = 0x8000
)

const (
	residentHeader    = 0x18
	nonResidentHeader = 0x40
	compressedHeader  = 0x48 // one field more
)

// An attribute is one attribute of a file record (ATTRIBUTE_RECORD_HEADER in
// the WDK), cut to its length; attributeAt has checked the fields that the
// accessors read. It aliases the record.
type attribute []byte

func (a attribute) kind() uint32      { return le.Uint32(a[0x00:0x04]) }
func (a attribute) nonResident() bool { return a[0x08] != 0 }
func (a attribute) flags() uint16     { return le.Uint16(a[0x0C:0x0E]) }
func (a attribute) instance() uint16  { return le.Uint16(a[0x0E:0x10]) }

// name returns the name as UTF-16, empty for most.
func (a attribute) name() []byte {
	at := int(le.Uint16(a[0x0A:0x0C]))
	if a[0x09] == 0 {
		return nil
	}
	return a[at:][:2*int(a[0x09])]
}

// value returns the value of a resident attribute.
func (a attribute) value() []byte {
	n, at := le.Uint32(a[0x10:0x14]), le.Uint16(a[0x14:0x16])
	return a[at:][:n:n]
}

// The fields of an attribute that is not resident. The sizes are in the one
// that begins at VCN 0 only.
func (a attribute) lowestVCN() int64       { return int64(le.Uint64(a[0x10:0x18])) }
func (a attribute) highestVCN() int64      { return int64(le.Uint64(a[0x18:0x20])) }
func (a attribute) mappingPairs() []byte   { return a[le.Uint16(a[0x20:0x22]):] }
func (a attribute) compressionUnit() uint8 { return a[0x22] } // log2 of clusters
func (a attribute) allocatedSize() int64   { return int64(le.Uint64(a[0x28:0x30])) }
func (a attribute) dataSize() int64        { return int64(le.Uint64(a[0x30:0x38])) }
func (a attribute) initializedSize() int64 { return int64(le.Uint64(a[0x38:0x40])) }

// size returns how many bytes the attribute holds.
func (a attribute) size() int64 {
	if a.nonResident() {
		return a.dataSize()
	}
	return int64(le.Uint32(a[0x10:0x14]))
}

func (a attribute) is(kind uint32, name []byte) bool {
	return a.kind() == kind && bytes.Equal(a.name(), name)
}

var errNoEnd = errors.New("its attributes have no end")

// attributeAt returns the attribute at byte at of a record, nil at the end of
// the list, checked so that its accessors stay inside it.
func attributeAt(r record, at int) (attribute, error) {
	used := int(r.bytesInUse())
	if used-at < 4 {
		return nil, errNoEnd
	}
	kind := le.Uint32(r[at:])
	if kind == attrEnd {
		return nil, nil
	}
	if used-at < residentHeader {
		return nil, errNoEnd
	}
	length := int64(le.Uint32(r[at+4:]))
	bad := func(format string, args ...any) (attribute, error) {
		return nil, fmt.Errorf("attribute %#x at byte %d: %s", kind, at, fmt.Sprintf(format, args...))
	}
	if length < residentHeader || length%8 != 0 || length > int64(used-at) {
		return bad("%d bytes long, with %d left", length, used-at)
	}
	a := attribute(r[at : at+int(length) : at+int(length)])
	if n := int64(a[0x09]); n > 0 && int64(le.Uint16(a[0x0A:]))+2*n > length {
		return bad("its name is outside")
	}
	if !a.nonResident() {
		if n, from := int64(le.Uint32(a[0x10:])), int64(le.Uint16(a[0x14:])); from+n > length {
			return bad("%d bytes of value at %d of %d", n, from, length)
		}
		return a, nil
	}
	switch {
	case length < nonResidentHeader:
		return bad("%d bytes long", length)
	case int64(le.Uint16(a[0x20:])) > length:
		return bad("its runs are outside")
	case a.lowestVCN() < 0 || a.highestVCN() < a.lowestVCN()-1:
		return bad("clusters %d to %d", a.lowestVCN(), a.highestVCN())
	case a.lowestVCN() == 0 && (a.allocatedSize() < 0 || a.dataSize() < 0 || a.initializedSize() < 0):
		return bad("sizes %d, %d, %d", a.allocatedSize(), a.dataSize(), a.initializedSize())
	}
	return a, nil
}

// An attributes goes through the attributes of one record.
type attributes struct {
	record record
	next   int
	attribute
	err error // what ended it, nil at the end of the list
}

func attributesOf(r record) attributes { return attributes{record: r, next: int(r.attrsOffset())} }

// advance makes the next attribute current, and reports whether there is one.
func (s *attributes) advance() bool {
	if s.err == nil {
		s.attribute, s.err = attributeAt(s.record, s.next)
	}
	if s.err != nil || s.attribute == nil {
		return false
	}
	s.next += len(s.attribute)
	return true
}

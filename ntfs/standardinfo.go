package ntfs

import "time"

// The attributes of a file, FILE_ATTRIBUTE_* of [MS-FSCC] 2.6.
const (
	AttributeReadOnly     = 0x00000001
	AttributeHidden       = 0x00000002
	AttributeSystem       = 0x00000004
	AttributeDirectory    = 0x00000010 // of every directory, as Windows shows it
	AttributeArchive      = 0x00000020
	AttributeTemporary    = 0x00000100
	AttributeSparse       = 0x00000200
	AttributeReparsePoint = 0x00000400
	AttributeCompressed   = 0x00000800
	AttributeOffline      = 0x00001000
	AttributeEncrypted    = 0x00004000

	attributeRecallOnOpen = 0x00040000
	attributeRecallOnData = 0x00400000
	// attributeIndex marks a directory, in a $FILE_NAME only.
	attributeIndex = 0x10000000
)

const (
	standardInfoOld = 0x30 // bytes, before NTFS 3.0
	standardInfoNew = 0x48
)

// A standardInfo is $STANDARD_INFORMATION, "Standard Information" in the
// documentation of the Linux-NTFS project. One of NTFS 1.2 ends before the
// owner.
type standardInfo []byte

func (s standardInfo) creation() time.Time { return fileTime(s[0x00:]) }
func (s standardInfo) modified() time.Time { return fileTime(s[0x08:]) }
func (s standardInfo) changed() time.Time  { return fileTime(s[0x10:]) }
func (s standardInfo) accessed() time.Time { return fileTime(s[0x18:]) }
func (s standardInfo) attributes() uint32  { return le.Uint32(s[0x20:0x24]) }

// The meaning of the next two fields is of Windows 10: where the first is zero,
// the lowest bit of the second makes names in the directory case-sensitive.
func (s standardInfo) maximumVersions() uint32 { return le.Uint32(s[0x24:0x28]) }
func (s standardInfo) versionNumber() uint32   { return le.Uint32(s[0x28:0x2C]) }

func (s standardInfo) isCaseSensitive() bool {
	return s.maximumVersions() == 0 && s.versionNumber()&1 != 0
}

func (s standardInfo) ownerID() uint32    { return s.new32(0x30) }
func (s standardInfo) securityID() uint32 { return s.new32(0x34) }
func (s standardInfo) usn() uint64 {
	if len(s) < standardInfoNew {
		return 0
	}
	return le.Uint64(s[0x40:0x48])
}

// new32 returns a field that NTFS 1.2 does not have.
func (s standardInfo) new32(at int) uint32 {
	if len(s) < standardInfoNew {
		return 0
	}
	return le.Uint32(s[at : at+4])
}

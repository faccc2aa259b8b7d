package fat

import (
	"encoding/binary"
	"math/bits"
)

// bootSectorSize is the length of a boot sector, whatever the sector size.
const bootSectorSize = 512

// A bootSector is the first sector with its BIOS parameter block (fatgen103,
// "Boot Sector and BPB"). The fields have the names of the specification.
type bootSector [bootSectorSize]byte

func (b *bootSector) u16(off int) uint16 { return binary.LittleEndian.Uint16(b[off:]) }
func (b *bootSector) u32(off int) uint32 { return binary.LittleEndian.Uint32(b[off:]) }

func (b *bootSector) bytsPerSec() uint16 { return b.u16(11) }
func (b *bootSector) secPerClus() uint8  { return b[13] }
func (b *bootSector) rsvdSecCnt() uint16 { return b.u16(14) }
func (b *bootSector) numFATs() uint8     { return b[16] }
func (b *bootSector) rootEntCnt() uint16 { return b.u16(17) }
func (b *bootSector) totSec16() uint16   { return b.u16(19) }
func (b *bootSector) media() uint8       { return b[21] }
func (b *bootSector) fatSz16() uint16    { return b.u16(22) }
func (b *bootSector) totSec32() uint32   { return b.u32(32) }

// Of FAT32 only.
func (b *bootSector) fatSz32() uint32  { return b.u32(36) }
func (b *bootSector) extFlags() uint16 { return b.u16(40) }
func (b *bootSector) fsVer() uint16    { return b.u16(42) }
func (b *bootSector) rootClus() uint32 { return b.u32(44) }
func (b *bootSector) fsInfo() uint16   { return b.u16(48) }

// isFAT32 reports which of the two layouts the rest of the sector has.
func (b *bootSector) isFAT32() bool { return b.fatSz16() == 0 }

// extension returns the fields that follow the parameters of both layouts:
// drive number, flags, signature, serial number, label and type.
func (b *bootSector) extension() []byte {
	if b.isFAT32() {
		return b[64:90]
	}
	return b[36:62]
}

// hasExtension reports whether the serial number, the label and the type are
// there (BS_BootSig).
func (b *bootSector) hasExtension() bool { return b.extension()[2] == 0x29 || b.extension()[2] == 0x28 }

func (b *bootSector) volID() uint32    { return binary.LittleEndian.Uint32(b.extension()[3:]) }
func (b *bootSector) volLab() [11]byte { return [11]byte(b.extension()[7:]) }

// dirty reports the flag that Windows NT and Linux set while the volume is
// mounted, in the byte that the specification reserves (BS_Reserved1).
func (b *bootSector) dirty() bool { return b.extension()[1]&1 != 0 }

// plausible reports whether this is a boot sector of FAT: the parameters that
// every writer sets are as they must be, the type's name is not looked at
// (fatgen103: "it is not used to determine the type"). Neither a boot loader
// nor the boot sector of NTFS or exFAT, in which these fields are 0, is one.
func (b *bootSector) plausible() bool {
	size := b.bytsPerSec()
	switch {
	case b[510] != 0x55 || b[511] != 0xaa,
		b[0] != 0xeb && b[0] != 0xe9,
		size < 512 || size > 4096 || bits.OnesCount16(size) != 1,
		bits.OnesCount8(b.secPerClus()) != 1,
		b.rsvdSecCnt() == 0,
		b.numFATs() == 0 || b.numFATs() > maxFATs,
		b.media() != 0xf0 && b.media() < 0xf8,
		b.totSec16() == 0 && b.totSec32() == 0,
		b.fatSz16() == 0 && b.fatSz32() == 0:
		return false
	}
	return b.isFAT32() == (b.rootEntCnt() == 0)
}

// maxFATs is how many copies of the table there may be; the number of the one
// that is in use has four bits (BPB_ExtFlags).
const maxFATs = 15

// Match reports whether head, the first bytes of a volume, begins with the
// boot sector of a FAT file system.
func Match(head []byte) bool {
	return len(head) >= bootSectorSize && (*bootSector)(head).plausible()
}

package partition

import (
	"encoding/binary"
	"math/bits"
)

// A bootSector is the first sector of a volume with a FAT or NTFS file system
// (Microsoft's "FAT: General Overview of On-Disk Format", section "Boot Sector
// and BPB"), read for no more than to tell that it is one.
type bootSector [512]byte

func (b *bootSector) jmpBoot() []byte       { return b[:3] }
func (b *bootSector) oemName() string       { return string(b[3:11]) }
func (b *bootSector) bytesPerSector() int   { return int(binary.LittleEndian.Uint16(b[11:])) }
func (b *bootSector) sectorsPerClus() uint8 { return b[13] }
func (b *bootSector) reservedSectors() int  { return int(binary.LittleEndian.Uint16(b[14:])) }
func (b *bootSector) numFATs() uint8        { return b[16] }
func (b *bootSector) media() uint8          { return b[21] }

// oemNames has the file systems whose boot sectors bear their name.
var oemNames = map[string]string{
	"NTFS    ":             "NTFS",
	"EXFAT   ":             "exFAT",
	"-FVE-FS-":             "BitLocker",
	"ReFS\x00\x00\x00\x00": "ReFS",
}

// fileSystem returns the file system of which this is the boot sector, or "".
func (b *bootSector) fileSystem() string {
	if name, ok := oemNames[b.oemName()]; ok {
		return name
	}
	jump := b.jmpBoot()
	size := b.bytesPerSector()
	switch {
	case jump[0] != 0xe9 && (jump[0] != 0xeb || jump[2] != 0x90),
		size < 512 || size > 4096 || bits.OnesCount(uint(size)) != 1,
		bits.OnesCount8(b.sectorsPerClus()) != 1,
		b.reservedSectors() == 0,
		b.numFATs() == 0 || b.numFATs() > 2,
		b.media() != 0xf0 && b.media() < 0xf8:
		return ""
	}
	return "FAT"
}

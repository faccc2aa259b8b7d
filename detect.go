package vmdkfs

import (
	"bytes"
	"encoding/binary"
	"io"

	"github.com/vmdkfs/vmdkfs/ext3"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A Kind is what a volume holds, by the name that people know it by. The
// empty Kind is anything else.
type Kind string

// The kinds that are recognised. Those without a reader are told by name.
const (
	Ext         Kind = "ext" // ext2, ext3 or ext4: the opened file system tells which
	PV          Kind = "LVM2 PV"
	NTFS        Kind = "NTFS"
	ReFS        Kind = "ReFS"
	FAT         Kind = "FAT"
	ExFAT       Kind = "exFAT"
	XFS         Kind = "XFS"
	Btrfs       Kind = "btrfs"
	F2FS        Kind = "F2FS"
	ISO9660     Kind = "ISO 9660"
	Swap        Kind = "swap"
	LUKS        Kind = "LUKS"
	BitLocker   Kind = "BitLocker"
	LinuxRAID   Kind = "Linux RAID"
	Partitioned Kind = "partition table" // of a whole disk
)

// headSize is how much of a volume is read, once, to tell what it holds: the
// last signature is that of btrfs, at 64 KiB.
const headSize = 68 << 10

// A format is a kind with its signature, and its reader if there is one.
type format struct {
	kind  Kind
	match func(head []byte) bool
	open  func(f layer.File, o *options) (fileSystem, error)
}

// formats are tried in order. Encryption and the label of a physical volume
// come first: what lies there besides is left over from before.
var formats = []format{
	{LUKS, magic(0, "LUKS\xba\xbe"), nil},
	{BitLocker, magic(3, "-FVE-FS-"), nil},
	{LinuxRAID, magic(4096, "\xfc\x4e\x2b\xa9"), nil},
	{PV, isPV, nil},
	{Ext, magic(1080, "\x53\xef"), openExt},
	{NTFS, magic(3, "NTFS    "), nil},
	{ReFS, magic(3, "ReFS\x00\x00\x00\x00"), nil},
	{ExFAT, magic(3, "EXFAT   "), nil},
	{XFS, magic(0, "XFSB"), nil},
	{Btrfs, magic(0x10040, "_BHRfS_M"), nil},
	{F2FS, magic(1024, "\x10\x20\xf5\xf2"), nil},
	{Swap, isSwap, nil},
	{ISO9660, magic(0x8001, "CD001"), openISO},
	{FAT, isFAT, nil},
}

// detect returns the format of the volume in r, and false when it is none of
// those that are known.
func detect(r io.ReaderAt, size int64) (format, bool, error) {
	head := make([]byte, min(headSize, size))
	if n, err := r.ReadAt(head, 0); n < len(head) {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return format{}, false, err
	}
	for _, f := range formats {
		if f.match(head) {
			return f, true, nil
		}
	}
	if ext3.HasBackup(r) {
		return format{kind: Ext, open: openExt}, true, nil
	}
	return format{}, false, nil
}

// magic returns a match for signature at off.
func magic(off int, signature string) func([]byte) bool {
	return func(head []byte) bool {
		return len(head) >= off+len(signature) && string(head[off:off+len(signature)]) == signature
	}
}

// isPV looks for the label in the first four sectors (lvm2, lib/label/label.c).
func isPV(head []byte) bool {
	for sector := 0; sector < 4*512 && len(head) >= sector+32; sector += 512 {
		if string(head[sector:sector+8]) == "LABELONE" && string(head[sector+24:sector+32]) == "LVM2 001" {
			return true
		}
	}
	return false
}

// isSwap looks for the signature at the end of the first page, of any page
// size that Linux has.
func isSwap(head []byte) bool {
	for page := 4096; page <= 64<<10 && page <= len(head); page *= 2 {
		if s := head[page-10 : page]; bytes.Equal(s, []byte("SWAPSPACE2")) || bytes.Equal(s, []byte("SWAP-SPACE")) {
			return true
		}
	}
	return false
}

// isFAT wants a boot sector with a plausible BIOS parameter block and the
// name of a FAT type: the two bytes at its end are those of any boot sector.
func isFAT(head []byte) bool {
	if len(head) < 512 || head[510] != 0x55 || head[511] != 0xaa {
		return false
	}
	sector, cluster := binary.LittleEndian.Uint16(head[11:]), head[13]
	return sector >= 512 && sector&(sector-1) == 0 && cluster != 0 && cluster&(cluster-1) == 0 &&
		(bytes.HasPrefix(head[54:], []byte("FAT")) || bytes.HasPrefix(head[82:], []byte("FAT32")))
}

package vmdkfs

import (
	"bytes"
	"io"

	"github.com/vmdkfs/vmdkfs/ext3"
	"github.com/vmdkfs/vmdkfs/internal/fat"
	"github.com/vmdkfs/vmdkfs/layer"
	"github.com/vmdkfs/vmdkfs/ntfs"
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
	LinuxRAID   Kind = "Linux RAID member"
	LDM         Kind = "part of a dynamic disk" // a partition; the volumes are in the disk group
	Partitioned Kind = "partition table"        // of a whole disk
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
	{LUKS, isLUKS, nil},
	{BitLocker, isBitLocker, nil},
	{PV, isPV, nil},
	{Ext, magic(1080, "\x53\xef"), openExt},
	{NTFS, magic(3, "NTFS    "), openNTFS},
	{ReFS, magic(3, "ReFS\x00\x00\x00\x00"), nil},
	{ExFAT, magic(3, "EXFAT   "), nil},
	{XFS, magic(0, "XFSB"), nil},
	{Btrfs, magic(0x10040, "_BHRfS_M"), nil},
	{F2FS, magic(1024, "\x10\x20\xf5\xf2"), nil},
	{Swap, isSwap, nil},
	{ISO9660, magic(0x8001, "CD001"), openISO},
	{FAT, fat.Match, openFAT},
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
	if isMember(head, r, size) {
		return format{kind: LinuxRAID}, true, nil
	}
	for _, f := range formats {
		if f.match(head) {
			return f, true, nil
		}
	}
	if ext3.HasBackup(r) {
		return format{kind: Ext, open: openExt}, true, nil
	}
	if ntfs.HasBackup(r, size) {
		return format{kind: NTFS, open: openNTFS}, true, nil
	}
	return detectOther(r, size, head)
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
		switch s := head[page-10 : page]; {
		case bytes.Equal(s, []byte("SWAPSPACE2")), bytes.Equal(s, []byte("SWAP-SPACE")),
			bytes.Equal(s, []byte("S1SUSPEND\x00")), bytes.Equal(s, []byte("S2SUSPEND\x00")): // with a hibernated system in it
			return true
		}
	}
	return false
}

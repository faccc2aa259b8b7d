package vmdkfs

import (
	"bytes"
	"encoding/binary"
	"io"
)

// Kinds that are told by name only.
const (
	Bcache    Kind = "bcache"
	Bcachefs  Kind = "bcachefs"
	BeFS      Kind = "BeFS"
	BlueStore Kind = "Ceph BlueStore"
	Disklabel Kind = "BSD disklabel"
	EROFS     Kind = "EROFS"
	GFS2      Kind = "GFS2"
	HFS       Kind = "HFS"
	HFSPlus   Kind = "HFS+"
	HPFS      Kind = "HPFS"
	Integrity Kind = "dm-integrity"
	JFS       Kind = "JFS"
	APFS      Kind = "APFS"
	OCFS2     Kind = "OCFS2"
	Reiser4   Kind = "Reiser4"
	ReiserFS  Kind = "ReiserFS"
	SquashFS  Kind = "SquashFS"
	Stratis   Kind = "Stratis"
	UDF       Kind = "UDF"
	UFS       Kind = "UFS"
	VDO       Kind = "VDO"
	Verity    Kind = "dm-verity"
	VMFS      Kind = "VMFS"
	VxFS      Kind = "VxFS"
	ZFS       Kind = "ZFS"
)

// otherFormats are tried when none of formats matches. The signatures are those
// of libblkid (util-linux, libblkid/src/superblocks), which has them from the
// sources of each, and in the order of how much of a volume they say.
var otherFormats = []format{
	{kind: Integrity, match: magic(0, "integrt\x00")},
	{kind: Verity, match: magic(0, "verity\x00\x00")},
	{kind: VDO, match: magic(0, "dmvdo001")},
	{kind: Stratis, match: magic(512+4, "!Stra0tis\x86\xff\x02^\x41rh")},
	{kind: Bcache, match: magic(4096+24, "\xc6\x85\x73\xf6\x4e\x1a\x45\xca\x82\x65\xf5\x7f\x48\xba\x6d\x81")},
	{kind: Bcachefs, match: magic(4096+24, "\xc6\x85\x73\xf6\x66\xce\x90\xa9\xd9\x6a\x60\xcf\x80\x3d\xf7\xef")},
	{kind: BlueStore, match: magic(0, "bluestore block device")},
	{kind: ZFS, match: isZFS},
	{kind: APFS, match: magic(32, "NXSB")},
	{kind: HFSPlus, match: either(magic(1024, "H+\x00\x04"), magic(1024, "HX\x00\x05"))},
	{kind: HFS, match: magic(1024, "BD")},
	{kind: SquashFS, match: either(magic(0, "hsqs"), magic(0, "sqsh"))},
	{kind: EROFS, match: magic(1024, "\xe2\xe1\xf5\xe0")},
	{kind: JFS, match: magic(32768, "JFS1")},
	{kind: ReiserFS, match: either(magic(65536+52, "ReIsErFs"), magic(65536+52, "ReIsEr2Fs"), magic(65536+52, "ReIsEr3Fs"), magic(8192+52, "ReIsErFs"))},
	{kind: Reiser4, match: magic(65536, "ReIsEr4")},
	{kind: OCFS2, match: either(magic(1024, "OCFSV2"), magic(2048, "OCFSV2"), magic(4096, "OCFSV2"), magic(8192, "OCFSV2"))},
	{kind: GFS2, match: magic(65536, "\x01\x16\x19\x70\x00\x00\x00\x01")},
	{kind: VxFS, match: either(magic(1024, "\xf5\xfc\x01\xa5"), magic(8192, "\xa5\x01\xfc\xf5"))},
	{kind: HPFS, match: magic(8192, "\x49\xe8\x95\xf9")},
	{kind: BeFS, match: either(magic(512+32, "1SFB"), magic(512+32, "BFS1"), magic(32, "1SFB"))},
	{kind: UFS, match: either(magic(8192+1372, "\x54\x19\x01\x00"), magic(65536+1372, "\x19\x01\x54\x19"), magic(8192+1372, "\x00\x01\x19\x54"), magic(65536+1372, "\x19\x54\x01\x19"))},
	{kind: UDF, match: isUDF},
	{kind: Disklabel, match: func(head []byte) bool {
		return magic(512, "\x57\x45\x56\x82")(head) && magic(512+132, "\x57\x45\x56\x82")(head)
	}},
}

// detectOther returns the format of a volume that begins with head and is none
// of formats.
func detectOther(r io.ReaderAt, size int64, head []byte) (format, bool, error) {
	for _, f := range otherFormats {
		if f.match(head) {
			return f, true, nil
		}
	}
	return detectVMFS(r, size)
}

// vmfsVolume is where the header of a VMFS volume lies, after a MiB for boot
// blocks (libblkid's vmfs.c; vmfs-tools, vmfs_volume.h).
const vmfsVolume = 1 << 20

func detectVMFS(r io.ReaderAt, size int64) (format, bool, error) {
	if size < vmfsVolume+4 {
		return format{}, false, nil
	}
	b := make([]byte, 4)
	if n, err := r.ReadAt(b, vmfsVolume); n < len(b) {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return format{}, false, err
	}
	if binary.LittleEndian.Uint32(b) != 0xc001d00d {
		return format{}, false, nil
	}
	return format{kind: VMFS}, true, nil
}

// either returns a match for any of several.
func either(matches ...func([]byte) bool) func([]byte) bool {
	return func(head []byte) bool {
		for _, m := range matches {
			if m(head) {
				return true
			}
		}
		return false
	}
}

// isLUKS looks for the first header, or for the second one of LUKS2 in the
// places where it may lie (LUKS2 On-Disk Format Specification, 2.1).
func isLUKS(head []byte) bool {
	return either(magic(0, "LUKS\xba\xbe"), magic(0x4000, "SKUL\xba\xbe"), magic(0x8000, "SKUL\xba\xbe"), magic(0x10000, "SKUL\xba\xbe"))(head)
}

// isBitLocker looks for the name of an encrypted volume, or for the identifier
// that one of BitLocker To Go has in a boot sector of FAT (libbde, "BitLocker
// Drive Encryption (BDE) format", volume header).
func isBitLocker(head []byte) bool {
	return either(magic(3, "-FVE-FS-"), magic(424, "\x3b\xd6\x67\x49\x29\x2e\xd8\x4a\x83\x99\xf6\xa3\x39\xe3\xd0\x01"))(head)
}

// isZFS looks at the first vdev label, whose name-value pairs are behind 16 KiB
// of blanks and boot header ("ZFS On-Disk Specification", 1.2), in XDR.
func isZFS(head []byte) bool {
	const pairs = 16 << 10
	if len(head) < pairs+1024 || head[pairs] != 1 {
		return false
	}
	label := head[pairs:]
	return bytes.Contains(label[:1024], []byte("\x07version\x00")) && bytes.Contains(label, []byte("\x09pool_guid"))
}

// isUDF looks for the descriptors of ECMA-167 in the volume recognition
// sequence, in sectors of 2048 bytes.
func isUDF(head []byte) bool {
	if !magic(0x8001, "BEA01")(head) {
		return false
	}
	for at := 0x8001 + 2048; at+5 <= len(head); at += 2048 {
		if s := string(head[at : at+5]); s == "NSR02" || s == "NSR03" {
			return true
		}
	}
	return false
}

package ext3

import (
	"encoding/binary"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
)

// The log's structures are big-endian. Source: the kernel's documentation,
// "Journal (jbd2)", and include/linux/jbd2.h, whose names are kept.
var be = binary.BigEndian

const (
	jbd2Magic = 0xC03B3998

	jbd2DescriptorBlock = 1
	jbd2CommitBlock     = 2
	jbd2SuperblockV1    = 3
	jbd2SuperblockV2    = 4
	jbd2RevokeBlock     = 5

	jbd2CompatChecksum = 0x01

	jbd2IncompatRevoke      = 0x01
	jbd2Incompat64Bit       = 0x02
	jbd2IncompatAsyncCommit = 0x04
	jbd2IncompatCsumV2      = 0x08
	jbd2IncompatCsumV3      = 0x10
	jbd2IncompatFastCommit  = 0x20
	jbd2IncompatRead        = jbd2IncompatRevoke | jbd2Incompat64Bit | jbd2IncompatAsyncCommit |
		jbd2IncompatCsumV2 | jbd2IncompatCsumV3 | jbd2IncompatFastCommit

	jbd2ChksumCRC32 = 1

	jbd2FlagEscape   = 0x01 // the block began with the magic, which was zeroed
	jbd2FlagSameUUID = 0x02
	jbd2FlagLastTag  = 0x08

	jbd2HeaderSize = 12
	jbd2TailSize   = 4 // the checksum at the end of descriptor and revoke blocks
)

var jbd2IncompatNames = [...]string{"revoke", "64bit", "async_commit", "csum_v2", "csum_v3", "fast_commit"}

// A journalBlock is a block of the log. Descriptor, commit and revoke blocks
// and the superblock begin with a header of magic, type and sequence.
type journalBlock []byte

func (b journalBlock) hMagic() uint32     { return be.Uint32(b[0x0:0x4]) }
func (b journalBlock) hBlockType() uint32 { return be.Uint32(b[0x4:0x8]) }
func (b journalBlock) hSequence() uint32  { return be.Uint32(b[0x8:0xC]) }

// A journalSuperblock is journal_superblock_t, at the start of the log.
type journalSuperblock [1024]byte

func (s *journalSuperblock) sBlockSize() uint32       { return be.Uint32(s[0xC:0x10]) }
func (s *journalSuperblock) sMaxLen() uint32          { return be.Uint32(s[0x10:0x14]) }
func (s *journalSuperblock) sFirst() uint32           { return be.Uint32(s[0x14:0x18]) }
func (s *journalSuperblock) sSequence() uint32        { return be.Uint32(s[0x18:0x1C]) }
func (s *journalSuperblock) sStart() uint32           { return be.Uint32(s[0x1C:0x20]) }
func (s *journalSuperblock) sFeatureCompat() uint32   { return be.Uint32(s[0x24:0x28]) }
func (s *journalSuperblock) sFeatureIncompat() uint32 { return be.Uint32(s[0x28:0x2C]) }
func (s *journalSuperblock) sUUID() []byte            { return s[0x30:0x40] }
func (s *journalSuperblock) sNumFCBlks() uint32       { return be.Uint32(s[0x54:0x58]) }
func (s *journalSuperblock) sChecksum() uint32        { return be.Uint32(s[0xFC:0x100]) }

// checksum computes s_checksum.
func (s *journalSuperblock) checksum() uint32 {
	c := *s
	clear(c[0xFC:0x100])
	return crc32c(^uint32(0), c[:])
}

// A commitBlock is struct commit_header.
type commitBlock []byte

func (b commitBlock) hChksumType() uint8 { return b[0xC] }
func (b commitBlock) hChksumSize() uint8 { return b[0xD] }
func (b commitBlock) hChksum() uint32    { return be.Uint32(b[0x10:0x14]) }
func (b commitBlock) hCommitSec() uint64 { return be.Uint64(b[0x30:0x38]) }

// A journalTag says which block of the file system a block of the log is for.
type journalTag struct {
	block    uint64
	checksum uint32 // as stored, in as many bits as the version has
	escaped  bool
}

// tags decodes the tags of a descriptor block. They end with the last one's
// flag, or with the block.
func (l *journalLog) tags(block journalBlock) []journalTag {
	var list []journalTag
	c := ondisk.NewCursor(block[jbd2HeaderSize:len(block)-l.tailSize()], be)
	for {
		var t journalTag
		var flags, high uint32
		low := c.U32()
		if l.incompat&jbd2IncompatCsumV3 != 0 {
			flags, high, t.checksum = c.U32(), c.U32(), c.U32()
		} else {
			t.checksum, flags = uint32(c.U16()), uint32(c.U16())
			if l.incompat&jbd2Incompat64Bit != 0 {
				high = c.U32()
			}
			if l.incompat&jbd2IncompatCsumV2 != 0 {
				c.Skip(2) // journal_tag_bytes adds two bytes for the checksum that already has its place
			}
		}
		if c.Err() != nil {
			return list
		}
		if flags&jbd2FlagSameUUID == 0 {
			c.Skip(16)
		}
		t.block = uint64(low)
		if l.incompat&jbd2Incompat64Bit != 0 {
			t.block |= uint64(high) << 32
		}
		t.escaped = flags&jbd2FlagEscape != 0
		list = append(list, t)
		if flags&jbd2FlagLastTag != 0 {
			return list
		}
	}
}

// hasTail reports whether the log has checksums of version 2 or 3.
func (l *journalLog) hasTail() bool {
	return l.incompat&(jbd2IncompatCsumV2|jbd2IncompatCsumV3) != 0
}

func (l *journalLog) tailSize() int {
	if l.hasTail() {
		return jbd2TailSize
	}
	return 0
}

// tailGood verifies the checksum at the end of a descriptor or revoke block.
func (l *journalLog) tailGood(block journalBlock) bool {
	if !l.hasTail() {
		return true
	}
	body, tail := block[:len(block)-jbd2TailSize], block[len(block)-jbd2TailSize:]
	return crc32cZeros(crc32c(l.seed, body), jbd2TailSize) == be.Uint32(tail)
}

// commitGood verifies the checksum of version 2 and 3 of a commit block.
func (l *journalLog) commitGood(block journalBlock) bool {
	if !l.hasTail() {
		return true
	}
	sum := crc32cZeros(crc32c(l.seed, block[:0x10]), 4)
	return crc32c(sum, block[0x14:]) == commitBlock(block).hChksum()
}

// dataGood verifies a tag's checksum of the block that it is about, as it lies
// in the log.
func (l *journalLog) dataGood(t journalTag, sequence uint32, data []byte) bool {
	sum := crc32c(crc32c(l.seed, be.AppendUint32(nil, sequence)), data)
	if l.incompat&jbd2IncompatCsumV3 != 0 {
		return sum == t.checksum
	}
	return sum&0xFFFF == t.checksum
}

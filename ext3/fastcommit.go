package ext3

import (
	"bytes"
	"fmt"
)

// Fast commits lie behind the ring of the log and carry on from its last
// transaction: records of what was done to names, extents and inodes, each a
// tag, a length and a value. Unlike the log they are little-endian. Source: the
// kernel's documentation, "Journal (jbd2)", section "Fast commits"; its
// fs/ext4/fast_commit.h, whose names are kept.
const (
	fcTagAddRange = 1
	fcTagDelRange = 2
	fcTagCreat    = 3
	fcTagLink     = 4
	fcTagUnlink   = 5
	fcTagInode    = 6
	fcTagPad      = 7
	fcTagTail     = 8
	fcTagHead     = 9
)

const (
	fcTagHeader    = 4 // fc_tag and fc_len
	fcAddRangeSize = 4 + extentEntrySize
	fcDelRangeSize = 12
	fcDentrySize   = 8 // before the name
	fcInodeSize    = 4 // before the inode
	fcTailSize     = 8
	fcTailCRCAt    = 4 // of the value: the checksum covers what is before it
	fcHeadSize     = 8
)

// maxFastRecords is how many bytes the records of fast commits may take that are
// replayed, as they are kept in memory: eight times all that fits where Linux
// keeps 256 blocks of 4 KiB for them. Within five seconds it makes a transaction
// of what is there.
const maxFastRecords = 8 << 20

// A fastTag is one record. Its accessors are for values of the right length.
type fastTag struct {
	tag   uint16
	value []byte
}

func (t fastTag) headFeatures() uint32 { return le.Uint32(t.value[0:4]) }
func (t fastTag) headTID() uint32      { return le.Uint32(t.value[4:8]) }
func (t fastTag) tailTID() uint32      { return le.Uint32(t.value[0:4]) }
func (t fastTag) tailCRC() uint32      { return le.Uint32(t.value[fcTailCRCAt:fcTailSize]) }

// number returns the inode that a record of ranges or an inode is about.
func (t fastTag) number() uint32 { return le.Uint32(t.value[0:4]) }

// rawInode returns as much of the inode as the record has: of one without
// inline data, no attributes.
func (t fastTag) rawInode() rawInode { return rawInode(t.value[fcInodeSize:]) }

// dentry returns the name that was created, linked or unlinked.
func (t fastTag) dentry() (parent, number uint32, name []byte) {
	return le.Uint32(t.value[0:4]), le.Uint32(t.value[4:8]), t.value[fcDentrySize:]
}

// blockRange returns the blocks of the file that have a new place, or none.
func (t fastTag) blockRange() blockRange {
	if t.tag == fcTagDelRange {
		return blockRange{first: uint64(le.Uint32(t.value[4:8])), length: uint64(le.Uint32(t.value[8:12])), hole: true}
	}
	e := t.value[4:fcAddRangeSize] // an entry of a leaf of an extent tree
	r := blockRange{first: uint64(le.Uint32(e[0:4])), length: uint64(le.Uint16(e[4:6])),
		start: uint64(le.Uint32(e[8:12])) | uint64(le.Uint16(e[6:8]))<<32}
	if r.length > unwrittenLength {
		r.length, r.unwritten = r.length-unwrittenLength, true
	}
	return r
}

// fault returns what is wrong with a record by itself, or "".
func (t fastTag) fault(inodeSize int64) string {
	n, good := len(t.value), false
	switch t.tag {
	case fcTagAddRange:
		good = n == fcAddRangeSize
	case fcTagDelRange:
		good = n == fcDelRangeSize
	case fcTagCreat, fcTagLink, fcTagUnlink:
		good = n > fcDentrySize && n <= fcDentrySize+maxNameLength
	case fcTagInode:
		good = n >= fcInodeSize+goodOldInodeSize && int64(n) <= fcInodeSize+inodeSize
	case fcTagPad:
		good = true
	case fcTagTail:
		good = n >= fcTailSize
	case fcTagHead:
		good = n == fcHeadSize
	default:
		return fmt.Sprintf("tag %d is unknown", t.tag)
	}
	if !good {
		return fmt.Sprintf("tag %d has %d bytes", t.tag, n)
	}
	return ""
}

// A fastScan reads the area of fast commits.
type fastScan struct {
	tid       uint32 // of the transaction that they are the start of
	inodeSize int64
	tags      []fastTag
	kept      int    // bytes of tags
	good      int    // length of tags at the last good tail
	commits   int    // good tails
	sum       uint32 // checksum of the tags since the last tail
	end       string // what ended the area, or "" for nothing yet
}

// fastCommits reads the fast commits behind the last transaction, as the kernel
// does: they end with the first thing that is not a good record of the same
// transaction, and what follows the last good tail never happened.
func (l *journalLog) fastCommits(j *Journal, inodeSize int64) ([]fastTag, error) {
	if l.incompat&jbd2IncompatFastCommit == 0 || j.Err != nil {
		return nil, nil
	}
	s := &fastScan{tid: j.Next, inodeSize: inodeSize}
	// The kernel counts j_last as the last block and begins behind it, so that
	// one block stays unused.
	for n := l.last + 1; n < l.length && s.end == ""; n++ {
		block, err := l.block(n)
		if err != nil {
			return nil, err
		}
		if n == l.last+1 && !s.begins(block) {
			return nil, nil
		}
		if err := s.block(block); err != nil {
			return nil, err
		}
	}
	j.FastCommits = s.commits
	if s.commits == 0 && len(s.tags) > 0 {
		// The first one was torn. The kernel does not mount this.
		j.Err = corrupt(journalObject, noOffset, "the fast commits behind transaction %d have no good tail and are left out: %s", s.tid-1, s.end)
	}
	return s.tags[:s.good], nil
}

// begins reports whether the area begins with the head of any transaction.
func (s *fastScan) begins(block []byte) bool {
	return len(block) >= fcTagHeader+fcHeadSize && le.Uint16(block[0:2]) == fcTagHead
}

// block takes the records of a block, which do not cross blocks.
func (s *fastScan) block(data []byte) error {
	for len(data) >= fcTagHeader && s.end == "" {
		length := int(le.Uint16(data[2:4]))
		if length > len(data)-fcTagHeader {
			s.end = fmt.Sprintf("a tag of %d bytes where %d are left of a block", length, len(data)-fcTagHeader)
			return nil
		}
		t := fastTag{le.Uint16(data[0:2]), data[fcTagHeader:][:length]}
		if s.end = t.fault(s.inodeSize); s.end != "" {
			return nil
		}
		if err := s.take(t, data[:fcTagHeader+length]); err != nil {
			return err
		}
		data = data[fcTagHeader+length:]
	}
	return nil
}

// take adds a record, of which raw is all, unless it ends the area.
func (s *fastScan) take(t fastTag, raw []byte) error {
	switch t.tag {
	case fcTagHead:
		if unknown := t.headFeatures(); unknown != 0 {
			return unsupported(journalObject, "fast commits with the features %#x", unknown)
		}
		if t.headTID() != s.tid {
			s.end = fmt.Sprintf("a head of transaction %d", t.headTID())
			return nil
		}
	case fcTagTail:
		sum := crc32c(s.sum, raw[:fcTagHeader+fcTailCRCAt])
		switch {
		case t.tailTID() != s.tid:
			s.end = fmt.Sprintf("a tail of transaction %d", t.tailTID())
		case t.tailCRC() != sum:
			s.end = fmt.Sprintf("a tail whose checksum is %#x, not %#x", t.tailCRC(), sum)
		default:
			s.sum = 0
			s.commits++
			s.good = len(s.tags)
		}
		return nil
	case fcTagPad:
	default:
		if s.kept += len(raw); s.kept > maxFastRecords {
			return unsupported(journalObject, "more than %d bytes of records of fast commits", maxFastRecords)
		}
		t.value = bytes.Clone(t.value) // the block is overwritten
		s.tags = append(s.tags, t)
	}
	s.sum = crc32c(s.sum, raw)
	return nil
}

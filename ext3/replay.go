package ext3

import (
	"cmp"
	"slices"
)

// A journalWrite is a block of a committed transaction.
type journalWrite struct {
	journalTag
	at       uint32 // block of the log
	sequence uint32
}

// A revocation says that what transactions up to this one wrote to a block is
// void: the block was freed, and may hold something that is not in the log.
type revocation struct {
	block    uint64
	sequence uint32
}

// A logScan collects what the transactions of a log hold.
type logScan struct {
	*journalLog
	writes   []journalWrite
	revoked  []revocation
	next     uint32 // sequence of the transaction being read
	lastTime uint64 // commit time of the one before
	err      error  // why it stops before its end

	// Of the transaction being read:
	sum       uint32 // checksum of version 1
	badTail   bool   // a descriptor or revoke block failed its checksum
	newWrites int    // length of writes at its start
	newRevoke int
}

// replay reads the log as the kernel's recovery does (fs/jbd2/recovery.c) and
// returns what it would write: the newest committed copy of each block, unless
// revoked.
func (l *journalLog) replay(j *Journal, blocks uint64) ([]journalWrite, error) {
	s := &logScan{journalLog: l, next: l.sequence, sum: ^uint32(0)}
	if err := s.scan(); err != nil {
		return nil, err
	}
	s.dropOpen()
	if err := s.verifyData(); err != nil {
		return nil, err
	}
	revoked := s.revocations()
	live := s.writes[:0]
	for _, w := range s.writes {
		if isRevoked(revoked, w) {
			j.Revoked++
			continue
		}
		if w.block >= blocks {
			return nil, corrupt(journalObject, noOffset, "transaction %d writes block %d of %d", w.sequence, w.block, blocks)
		}
		live = append(live, w)
	}
	// The last write of a block counts: it comes first of its equals.
	slices.Reverse(live)
	slices.SortStableFunc(live, func(a, b journalWrite) int { return cmp.Compare(a.block, b.block) })
	live = slices.CompactFunc(live, func(a, b journalWrite) bool { return a.block == b.block })
	j.First, j.Next, j.Transactions, j.Blocks, j.Err = l.sequence, s.next, int(s.next-l.sequence), len(live), s.err
	return live, nil
}

// scan follows the log from its start to the first block that does not carry
// on. A transaction without its commit block never happened.
func (s *logScan) scan() error {
	at := s.start
	for visited := uint32(0); visited <= s.last-s.first; {
		block, err := s.block(at)
		if err != nil {
			return err
		}
		if block.hMagic() != jbd2Magic || block.hSequence() != s.next {
			return nil
		}
		used := uint32(1)
		switch block.hBlockType() {
		case jbd2DescriptorBlock:
			n, err := s.descriptor(block, at)
			if err != nil {
				return err
			}
			used += n
		case jbd2RevokeBlock:
			if err := s.revokeBlock(block); err != nil {
				return err
			}
		case jbd2CommitBlock:
			if !s.commit(block) {
				return s.checkTail(s.after(at, 1))
			}
		default:
			return nil
		}
		at, visited = s.after(at, used), visited+used
	}
	return nil // all of the ring was read; whatever is still open wraps over its own start
}

// descriptor takes the writes of a descriptor block and returns how many
// blocks of data are behind it.
func (s *logScan) descriptor(block journalBlock, at uint32) (uint32, error) {
	s.badTail = s.badTail || !s.tailGood(block)
	if s.compat&jbd2CompatChecksum != 0 {
		s.sum = crc32be(s.sum, block)
	}
	tags := s.tags(block)
	for i, tag := range tags {
		w := journalWrite{tag, s.after(at, uint32(i)+1), s.next}
		if s.compat&jbd2CompatChecksum != 0 {
			data, err := s.block(w.at)
			if err != nil {
				return 0, err
			}
			s.sum = crc32be(s.sum, data)
		}
		s.writes = append(s.writes, w)
	}
	return uint32(len(tags)), nil
}

// revokeBlock takes the revocations of a revoke block.
func (s *logScan) revokeBlock(block journalBlock) error {
	if !s.tailGood(block) {
		s.badTail = true
		return nil
	}
	blocks, ok := s.revokes(block)
	if !ok {
		return corrupt(journalObject, noOffset, "transaction %d: a revoke block longer than a block", s.next)
	}
	for _, b := range blocks {
		s.revoked = append(s.revoked, revocation{b, s.next})
	}
	return nil
}

// commit ends a transaction, and reports whether it is good. If not, and
// unless the block is left from an earlier turn of the ring, s.err says why.
func (s *logScan) commit(block journalBlock) bool {
	c := commitBlock(block)
	good := !s.badTail && s.commitGood(block)
	if s.compat&jbd2CompatChecksum != 0 {
		good = good && ((c.hChksumType() == jbd2ChksumCRC32 && c.hChksumSize() == 4 && c.hChksum() == s.sum) ||
			(c.hChksumType() == 0 && c.hChksumSize() == 0 && c.hChksum() == 0))
	}
	if !good {
		if c.hCommitSec() >= s.lastTime {
			s.err = corrupt(journalObject, noOffset, "the checksum of transaction %d fails: it and what follows are left out", s.next)
		}
		return false
	}
	s.next++
	s.lastTime, s.sum = c.hCommitSec(), ^uint32(0)
	s.newWrites, s.newRevoke = len(s.writes), len(s.revoked)
	return true
}

// checkTail decides about a transaction whose checksum failed, at the end of
// the log. With async_commit its commit block may have been written before its
// data, so that it is just the torn tail, unless another one follows.
func (s *logScan) checkTail(at uint32) error {
	if s.err == nil || s.incompat&jbd2IncompatAsyncCommit == 0 {
		return nil
	}
	block, err := s.block(at)
	if err != nil {
		return err
	}
	if block.hMagic() != jbd2Magic || block.hSequence() != s.next+1 {
		s.err = nil
	}
	return nil
}

// dropOpen forgets the transaction that has no good commit block.
func (s *logScan) dropOpen() {
	s.writes, s.revoked = s.writes[:s.newWrites], s.revoked[:s.newRevoke]
}

// verifyData verifies the checksums of the blocks that will be used, and ends
// the log before the first transaction that has a bad one. Without its
// revocations, blocks of earlier ones come to life; the second turn verifies
// all, so that there is no third.
func (s *logScan) verifyData() error {
	if !s.hasTail() {
		return nil
	}
	for _, all := range []bool{false, true} {
		revoked := s.revocations()
		bad := -1
		for i, w := range s.writes {
			if !all && isRevoked(revoked, w) {
				continue
			}
			data, err := s.block(w.at)
			if err != nil {
				return err
			}
			if !s.dataGood(w.journalTag, w.sequence, data) {
				bad = i
				break
			}
		}
		if bad < 0 {
			return nil
		}
		s.cut(s.writes[bad].sequence)
	}
	return nil
}

// cut ends the log before the transaction of the given sequence.
func (s *logScan) cut(sequence uint32) {
	s.err = corrupt(journalObject, noOffset, "the checksum of a block of transaction %d fails: it and what follows are left out", sequence)
	s.next = sequence
	s.writes = slices.DeleteFunc(s.writes, func(w journalWrite) bool { return !before(w.sequence, sequence) })
	s.revoked = slices.DeleteFunc(s.revoked, func(r revocation) bool { return !before(r.sequence, sequence) })
}

// revocations returns the last transaction that revoked each block.
func (s *logScan) revocations() map[uint64]uint32 {
	last := make(map[uint64]uint32, len(s.revoked))
	for _, r := range s.revoked {
		last[r.block] = r.sequence // they are in the log's order
	}
	return last
}

// isRevoked reports whether a write was revoked in its own transaction or
// after it.
func isRevoked(revoked map[uint64]uint32, w journalWrite) bool {
	sequence, ok := revoked[w.block]
	return ok && !before(sequence, w.sequence)
}

// before compares sequence numbers, which wrap.
func before(a, b uint32) bool { return int32(a-b) < 0 }

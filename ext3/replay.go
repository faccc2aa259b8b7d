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

// A logScan collects what the transactions of a log hold.
type logScan struct {
	*journalLog
	writes   []journalWrite
	revokes  []revokeBlock
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
	revoked, err := s.verifyData()
	if err != nil {
		return nil, err
	}
	live := s.writes[:0]
	for _, w := range s.writes {
		if revoked.has(w) {
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
			if err := s.revokeBlock(block, at); err != nil {
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

// revokeBlock takes a revoke block.
func (s *logScan) revokeBlock(block journalBlock, at uint32) error {
	if !s.tailGood(block) {
		s.badTail = true
		return nil
	}
	if _, ok := s.revocations(block); !ok {
		return corrupt(journalObject, noOffset, "transaction %d: a revoke block longer than a block", s.next)
	}
	s.revokes = append(s.revokes, revokeBlock{at, s.next})
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
	s.newWrites, s.newRevoke = len(s.writes), len(s.revokes)
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
	s.writes, s.revokes = s.writes[:s.newWrites], s.revokes[:s.newRevoke]
}

// verifyData verifies the checksums of the blocks that will be used, and ends
// the log before the first transaction that has a bad one. Without its
// revocations, blocks of earlier ones come to life; the second turn verifies
// all, so that there is no third. It returns what is revoked in the end.
func (s *logScan) verifyData() (*revocations, error) {
	for _, all := range []bool{false, true} {
		revoked, err := s.allRevocations()
		if err != nil || !s.hasTail() {
			return revoked, err
		}
		bad := -1
		for i, w := range s.writes {
			if !all && revoked.has(w) {
				continue
			}
			data, err := s.block(w.at)
			if err != nil {
				return nil, err
			}
			if !s.dataGood(w.journalTag, w.sequence, data) {
				bad = i
				break
			}
		}
		if bad < 0 {
			return revoked, nil
		}
		s.cut(s.writes[bad].sequence)
	}
	return s.allRevocations()
}

// cut ends the log before the transaction of the given sequence.
func (s *logScan) cut(sequence uint32) {
	s.err = corrupt(journalObject, noOffset, "the checksum of a block of transaction %d fails: it and what follows are left out", sequence)
	s.next = sequence
	s.writes = slices.DeleteFunc(s.writes, func(w journalWrite) bool { return !before(w.sequence, sequence) })
	s.revokes = slices.DeleteFunc(s.revokes, func(r revokeBlock) bool { return !before(r.sequence, sequence) })
}

// before compares sequence numbers, which wrap.
func before(a, b uint32) bool { return int32(a-b) < 0 }

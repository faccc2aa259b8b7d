package ext3

import (
	"iter"
	"slices"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
)

// A revokeBlock says that what transactions up to its own wrote to some blocks
// is void: they were freed, and may hold something that is not in the log.
type revokeBlock struct {
	at       uint32 // block of the log
	sequence uint32
}

// revocations yields the blocks that a revoke block names; false if its length
// is out of bounds.
func (l *journalLog) revocations(block journalBlock) (iter.Seq[uint64], bool) {
	count := int(be.Uint32(block[jbd2HeaderSize:])) // r_count: bytes in use
	if count < jbd2HeaderSize+4 || count > len(block)-l.tailSize() {
		return nil, false
	}
	return func(yield func(uint64) bool) {
		records := block[jbd2HeaderSize+4 : count]
		if l.incompat&jbd2Incompat64Bit == 0 {
			for ; len(records) >= 4 && yield(uint64(be.Uint32(records))); records = records[4:] {
			}
			return
		}
		for ; len(records) >= 8 && yield(be.Uint64(records)); records = records[8:] {
		}
	}, true
}

// revocations are the last transactions that revoked each of the blocks that
// the log writes. Of others nothing is kept: a log of a gigabyte revokes more
// blocks than there is memory for.
type revocations struct {
	blocks []uint64 // in order
	last   []revoked
}

type revoked struct {
	sequence uint32
	ever     bool
}

// allRevocations reads the revoke blocks again, now that it is known what is
// written.
func (s *logScan) allRevocations() (*revocations, error) {
	if len(s.revokes) == 0 || len(s.writes) == 0 {
		return new(revocations), nil
	}
	r := &revocations{blocks: make([]uint64, len(s.writes))}
	for i, w := range s.writes {
		r.blocks[i] = w.block
	}
	slices.Sort(r.blocks)
	r.blocks = slices.Compact(r.blocks)
	r.last = make([]revoked, len(r.blocks))
	block := make(journalBlock, s.blockSize)
	for _, b := range s.revokes {
		if err := ondisk.ReadFull(s.content, block, int64(b.at)*s.blockSize); err != nil {
			return nil, failed(journalObject, noOffset, err)
		}
		list, ok := s.revocations(block)
		if !ok {
			return nil, corrupt(journalObject, noOffset, "transaction %d: a revoke block that changes while it is read", b.sequence)
		}
		for n := range list {
			if i, written := slices.BinarySearch(r.blocks, n); written {
				r.last[i] = revoked{b.sequence, true} // they are in the log's order
			}
		}
	}
	return r, nil
}

// has reports whether a write was revoked in its own transaction or after it.
func (r *revocations) has(w journalWrite) bool {
	i, written := slices.BinarySearch(r.blocks, w.block)
	return written && r.last[i].ever && !before(r.last[i].sequence, w.sequence)
}

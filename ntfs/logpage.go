package ntfs

import (
	"errors"
	"io"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
)

// A logTail is a copy of a page that was being filled when it was written: the
// page itself may be older, or torn.
type logTail struct {
	home    int64 // offset of the page that it is a copy of
	lastEnd uint64
	data    []byte // fixed up
}

// Fields of a page of records.
const (
	pageLastLSN    = 8 // in a copy of version 1: the offset of its home
	pageNextRecord = 24
	pageLastEndLSN = 32
)

// readTails reads the copies. Those of version 1 say whose copy they are; those
// of version 2 have the LSN of their last record, which lies in that page.
func (l *Log) readTails() error {
	copies := int64(tailPages)
	if l.Major >= 2 {
		copies = tailPagesV2
	}
	first := l.firstPage - copies*l.pageSize
	for i := range copies {
		page, err := l.rawPage(first + i*l.pageSize)
		if err != nil {
			if isDamage(err) {
				continue
			}
			return err
		}
		home := int64(le.Uint64(page[pageLastLSN:]))
		if l.Major >= 2 {
			home = l.offset(uint64(home))
			home -= home % l.pageSize
		}
		if home < l.firstPage || home%l.pageSize != 0 || home > l.Size-l.pageSize {
			continue // an old copy of nothing
		}
		l.tails = append(l.tails, logTail{home, le.Uint64(page[pageLastEndLSN:]), page})
	}
	return nil
}

// rawPage reads the page at an offset.
func (l *Log) rawPage(off int64) ([]byte, error) {
	page := make([]byte, l.pageSize)
	err := ondisk.ReadFull(l.r, page, off)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, corrupt(objectLog, off, "it ends in a page")
	}
	if err != nil {
		return nil, failed(objectLog, off, err)
	}
	if string(page[:4]) != "RCRD" {
		return nil, corrupt(objectLog, off, "no page of records")
	}
	if !applyFixups(page) {
		return nil, corrupt(objectLog, off, "a page of records is torn")
	}
	return page, nil
}

// page returns the page at an offset, by its copy where that is newer.
func (l *Log) page(off int64) ([]byte, error) {
	page, err := l.rawPage(off)
	if err != nil && !isDamage(err) {
		return nil, err
	}
	best := uint64(0)
	if err == nil {
		best = le.Uint64(page[pageLastEndLSN:])
	}
	for _, t := range l.tails {
		if t.home == off && (err != nil || t.lastEnd > best) {
			page, best, err = t.data, t.lastEnd, nil
		}
	}
	return page, err
}

// offset returns where in the log the record of an LSN begins: an LSN is a
// sequence number above the offset in units of 8 bytes.
func (l *Log) offset(lsn uint64) int64 {
	return int64(lsn << l.sequenceBits >> l.sequenceBits << 3)
}

// lsn returns the LSN of a record that begins at an offset, in the same round
// through the log as the record of the LSN last, or in the next.
func (l *Log) lsn(off int64, last uint64) uint64 {
	sequence := last >> (64 - l.sequenceBits)
	if off <= l.offset(last) {
		sequence++
	}
	return sequence<<(64-l.sequenceBits) | uint64(off)>>3
}

// next returns the page behind the one at an offset; behind the last comes the
// first.
func (l *Log) next(page int64) int64 {
	if page += l.pageSize; page > l.Size-l.pageSize {
		return l.firstPage
	}
	return page
}

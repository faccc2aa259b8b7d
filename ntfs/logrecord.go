package ntfs

import (
	"fmt"
	"iter"
)

// A LogRecord is one record of the log, as far as it tells what was changed and
// not to what.
type LogRecord struct {
	LSN         uint64
	Previous    uint64 // of the same transaction; 0 for its first
	UndoNext    uint64
	Checkpoint  bool // it begins a restart; what follows is of updates only
	Transaction uint32

	Redo, Undo      LogOperation
	TargetAttribute uint16 // its offset in the open attribute table
	TargetVCN       uint64
	ClusterIndex    uint16 // in units of 512 bytes, behind the VCN
	RecordOffset    uint16
	AttributeOffset uint16
	TargetLCN       uint64 // where the target's first cluster is on the disk; 0 where none is told

	redo, undo []byte // of those operations only that open attributes
}

// A LogOperation is what a log record does, or undoes.
type LogOperation uint16

// operations are the names that Windows has for operations, as the Linux-NTFS
// project and ntfs-3g list them.
var operations = [...]string{
	"Noop", "CompensationLogRecord", "InitializeFileRecordSegment", "DeallocateFileRecordSegment", "WriteEndOfFileRecordSegment",
	"CreateAttribute", "DeleteAttribute", "UpdateResidentValue", "UpdateNonresidentValue", "UpdateMappingPairs", "DeleteDirtyClusters",
	"SetNewAttributeSizes", "AddIndexEntryRoot", "DeleteIndexEntryRoot", "AddIndexEntryAllocation", "DeleteIndexEntryAllocation",
	"WriteEndOfIndexBuffer", "SetIndexEntryVcnRoot", "SetIndexEntryVcnAllocation", "UpdateFileNameRoot", "UpdateFileNameAllocation",
	"SetBitsInNonresidentBitMap", "ClearBitsInNonresidentBitMap", "HotFix", "EndTopLevelAction", "PrepareTransaction", "CommitTransaction",
	"ForgetTransaction", "OpenNonresidentAttribute", "OpenAttributeTableDump", "AttributeNamesDump", "DirtyPageTableDump",
	"TransactionTableDump", "UpdateRecordDataRoot", "UpdateRecordDataAllocation", "UpdateRelativeDataInIndex",
	"UpdateRelativeDataInAllocation", "ZeroEndOfFileRecord",
}

// String returns the operation's name, or its number.
func (o LogOperation) String() string {
	if int(o) < len(operations) {
		return operations[o]
	}
	return fmt.Sprintf("operation %#x", uint16(o))
}

// onFileRecord are the operations that change a file record: their VCN is one
// of $MFT. UpdateFileNameRoot is none of them: it changes what a directory
// repeats of a file's times and sizes, and Windows does not give the record its
// LSN, so that whether it is on the disk cannot be told.
var onFileRecord = map[LogOperation]bool{0x02: true, 0x03: true, 0x04: true, 0x05: true, 0x06: true, 0x07: true, 0x09: true, 0x0b: true,
	0x0c: true, 0x0d: true, 0x11: true, 0x21: true, 0x23: true, 0x25: true}

// The types of records.
const (
	logUpdate     = 1
	logCheckpoint = 2
)

// Behind the record's header an update begins with updateSize bytes, and then
// has the clusters of its target.
const (
	updateSize   = 32
	updateWithLC = updateSize + 8
)

// onIndexBlock are the operations that change an index block, and give it their
// LSN. UpdateFileNameAllocation does not, as UpdateFileNameRoot.
var onIndexBlock = map[LogOperation]bool{0x0e: true, 0x0f: true, 0x10: true, 0x12: true, 0x22: true, 0x24: true}

// Records yields the records from the oldest that is needed to the last that
// was written, then at most one error. A clean or empty log yields what is
// still there: none of it is to be redone.
func (l *Log) Records() iter.Seq2[LogRecord, error] {
	return func(yield func(LogRecord, error) bool) {
		if l.Empty || l.OldestLSN == 0 {
			return
		}
		off, lsn := l.offset(l.OldestLSN), l.OldestLSN
		// Every record takes room in the log: there cannot be more than fit.
		for range l.Size / logRecordHeader {
			rec, end, err := l.record(off, lsn)
			if err != nil {
				if lsn <= l.CurrentLSN || !isDamage(err) {
					yield(LogRecord{}, err)
				}
				return // behind the last record lies an older round, or a page that was not written
			}
			if !yield(rec, nil) {
				return
			}
			off = end
			lsn = l.lsn(off, lsn)
		}
	}
}

// record decodes the record at an offset, which must have the given LSN, and
// returns where the next one begins.
func (l *Log) record(off int64, lsn uint64) (LogRecord, int64, error) {
	at := off % l.pageSize
	if off < l.firstPage || off >= l.Size || at < l.dataOffset || at > l.pageSize-logRecordHeader {
		return LogRecord{}, 0, corrupt(objectLog, off, "no record can begin here")
	}
	home := off - at
	page, err := l.page(home)
	if err != nil {
		return LogRecord{}, 0, err
	}
	h := page[at:]
	length := int64(le.Uint32(h[24:]))
	if got := le.Uint64(h); got != lsn || length > l.Size {
		return LogRecord{}, 0, corrupt(objectLog, off, "record %#x of %d bytes, not %#x", got, length, lsn)
	}
	r := LogRecord{LSN: lsn, Previous: le.Uint64(h[8:]), UndoNext: le.Uint64(h[16:]), Transaction: le.Uint32(h[36:]),
		Checkpoint: le.Uint32(h[32:]) == logCheckpoint}
	// What the client wrote goes on in the next page's data.
	head, want := make([]byte, 0, updateWithLC), int64(updateWithLC)
	at += l.headerLength
	for left := length; ; {
		n := min(left, max(0, l.pageSize-at))
		if room := want - int64(len(head)); room > 0 && n > 0 {
			if page == nil {
				if page, err = l.page(home); err != nil {
					return LogRecord{}, 0, err
				}
			}
			head = append(head, page[at:at+min(n, room)]...)
			if !r.Checkpoint && len(head) >= 2 && want < maxLogTable && LogOperation(le.Uint16(head)).hasLogTable() {
				want = maxLogTable
				more := min(n, want) - min(n, room)
				head = append(head, page[at+min(n, room):][:more]...)
			}
		}
		at, left = at+n, left-n
		if left == 0 {
			break
		}
		home, at, page = l.next(home), l.dataOffset, nil
	}
	if !r.Checkpoint {
		if len(head) < updateSize {
			return LogRecord{}, 0, corrupt(objectLog, off, "an update of %d bytes", length)
		}
		r.Redo, r.Undo = LogOperation(le.Uint16(head)), LogOperation(le.Uint16(head[2:]))
		r.TargetAttribute = le.Uint16(head[12:])
		r.RecordOffset, r.AttributeOffset, r.ClusterIndex = le.Uint16(head[16:]), le.Uint16(head[18:]), le.Uint16(head[20:])
		r.TargetVCN = le.Uint64(head[24:])
		if le.Uint16(head[14:]) > 0 && len(head) >= updateWithLC {
			r.TargetLCN = le.Uint64(head[updateSize:])
		}
		if r.Redo.hasLogTable() {
			r.redo, r.undo = logValue(head, 4), logValue(head, 8)
		}
	}
	if at = (at + 7) &^ 7; at > l.pageSize-l.headerLength {
		home, at = l.next(home), l.dataOffset
	}
	return r, home + at, nil
}

// logValue returns a value of an update, whose offset and length are at a place
// in its header; nil where it is outside.
func logValue(update []byte, at int) []byte {
	from, n := int(le.Uint16(update[at:])), int(le.Uint16(update[at+2:]))
	if from+n > len(update) {
		return nil
	}
	return update[from:][:n:n]
}

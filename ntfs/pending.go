package ntfs

import (
	"cmp"
	"slices"
)

// maxPending bounds the file records that Pending tells of. A log of 64 MiB, the
// usual size, holds as many updates at most.
const maxPending = 1 << 20

// Log opens the volume's $LogFile.
func (f *FS) Log() (*Log, error) {
	x, err := f.file(recordLogFile)
	if err != nil {
		return nil, err
	}
	content, err := x.open(nil)
	if err != nil {
		return nil, err
	}
	return openLog(content, content.Size())
}

// A Pending is a file record that the log has newer changes of than lie on the
// disk.
type Pending struct {
	Record  uint64
	Name    string // one of the file's, as the disk has it; empty when the record is not in use there
	DiskLSN uint64 // of the last change that is on the disk
	LogLSN  uint64 // of the last one in the log
	Changes int    // that are in the log only
}

// Pending returns the file records of which $LogFile has changes that are not
// on the disk, in the order of their numbers: none on a volume that was
// dismounted. Some of these changes may be of transactions that did not come to
// an end, which a restart would undo.
func (f *FS) Pending() ([]Pending, error) {
	l, err := f.Log()
	if err != nil || l.Clean || l.Empty {
		return nil, err
	}
	found := make(map[uint64]*Pending)
	var failure error
	for r, err := range l.Records() {
		if err != nil {
			failure = err // what was read before it counts
			break
		}
		if !onFileRecord[r.Redo] || r.Checkpoint {
			continue
		}
		f.addPending(found, r)
		if len(found) > maxPending {
			failure = unsupported(objectLog, "more than %d file records with changes", maxPending)
			break
		}
	}
	list := make([]Pending, 0, len(found))
	for _, p := range found {
		if p.Changes > 0 {
			p.Name = f.anyName(p.Record)
			list = append(list, *p)
		}
	}
	slices.SortFunc(list, func(a, b Pending) int { return cmp.Compare(a.Record, b.Record) })
	return list, failure
}

// addPending counts a log record, whose target is a file record.
func (f *FS) addPending(found map[uint64]*Pending, r LogRecord) {
	g := &f.geo
	if r.TargetVCN > uint64(g.clusters) {
		return // of no cluster that $MFT can have
	}
	number := (r.TargetVCN*uint64(g.clusterSize) + uint64(r.ClusterIndex)*fixupStride) / uint64(g.recordSize)
	p := found[number]
	if p == nil {
		p = &Pending{Record: number}
		if raw, err := f.mft.record(number); err == nil {
			p.DiskLSN = raw.lsn()
		}
		found[number] = p
	}
	if r.LSN > p.DiskLSN {
		p.Changes++
		p.LogLSN = max(p.LogLSN, r.LSN)
	}
}

// anyName returns a name of a file, empty when it cannot be told.
func (f *FS) anyName(number uint64) string {
	r, err := f.fileRecord(fileRef(number))
	if err != nil {
		return ""
	}
	names, err := r.Names()
	if err != nil || len(names) == 0 {
		return ""
	}
	return names[0].Name
}

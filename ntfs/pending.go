package ntfs

import (
	"maps"
	"slices"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
)

// maxPending bounds what Pending tells of. A log of 64 MiB, the
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

// A Pending is a file record, or an index block, that the log has newer changes
// of than lie on the disk.
type Pending struct {
	// Record is the file record; of an index block, that of its file, or 0
	// where the log does not say whose it is.
	Record     uint64
	Name       string // one of the file's, as the disk has it; empty when the record is not in use there
	IndexBlock bool
	Index      string // of an index block, the name of the index: "$I30" of a directory
	VCN        uint64 // of an index block, in the index
	Offset     int64  // of an index block, in the volume
	DiskLSN    uint64 // of the last change that is on the disk
	LogLSN     uint64 // of the last one in the log
	Changes    int    // that are in the log only
}

// Pending returns the file records of which $LogFile has changes that are not
// on the disk, in the order of their numbers, and then the index blocks, in the
// order of their places: none on a volume that was dismounted. Some of these
// changes may be of transactions that did not come to an end, which a restart
// would undo. Other metadata, $Bitmap and the like, has no LSN that would tell
// what is on the disk.
func (f *FS) Pending() ([]Pending, error) {
	l, err := f.Log()
	if err != nil || l.Clean || l.Empty {
		return nil, err
	}
	found := newPendings(f)
	err = found.addAll(l, maxPending)
	return found.list(), err // what was read before the error counts
}

// pendings collects the targets of log records.
type pendings struct {
	fsys    *FS
	open    openAttributes
	records map[uint64]*Pending // by number
	blocks  map[int64]*Pending  // by place
}

func newPendings(f *FS) *pendings {
	return &pendings{f, make(openAttributes), make(map[uint64]*Pending), make(map[int64]*Pending)}
}

// addAll counts the records of the log, until they change more than most
// targets.
func (p *pendings) addAll(l *Log, most int) error {
	for r, err := range l.Records() {
		if err != nil {
			return err
		}
		p.add(r)
		if len(p.records)+len(p.blocks) > most {
			return unsupported(objectLog, "more than %d file records and index blocks with changes", most)
		}
	}
	return nil
}

// add counts a log record.
func (p *pendings) add(r LogRecord) {
	var target *Pending
	switch {
	case r.Checkpoint:
		return
	case r.Redo.hasLogTable():
		p.open.note(r)
		return
	case onFileRecord[r.Redo]:
		target = p.record(r)
	case onIndexBlock[r.Redo]:
		target = p.block(r)
	}
	if target != nil && r.LSN > target.DiskLSN {
		target.Changes++
		target.LogLSN = max(target.LogLSN, r.LSN)
	}
}

// record returns the file record that a log record changes.
func (p *pendings) record(r LogRecord) *Pending {
	g := &p.fsys.geo
	if r.TargetVCN > uint64(g.clusters) {
		return nil // of no cluster that $MFT can have
	}
	number := (r.TargetVCN*uint64(g.clusterSize) + uint64(r.ClusterIndex)*fixupStride) / uint64(g.recordSize)
	found := p.records[number]
	if found == nil {
		found = &Pending{Record: number}
		if raw, err := p.fsys.mft.record(nil, number); err == nil {
			found.DiskLSN = raw.lsn()
		}
		p.records[number] = found
	}
	return found
}

// block returns the index block that a log record changes.
func (p *pendings) block(r LogRecord) *Pending {
	g := &p.fsys.geo
	if r.TargetLCN == 0 || r.TargetLCN >= uint64(g.clusters) {
		return nil // no index lies there
	}
	off := int64(r.TargetLCN)*g.clusterSize + int64(r.ClusterIndex)*fixupStride
	found := p.blocks[off]
	if found == nil {
		found = &Pending{IndexBlock: true, VCN: r.TargetVCN, Offset: off}
		if head := make([]byte, indexBlockHeader); ondisk.ReadFull(p.fsys.meta, head, off) == nil && string(head[:4]) == magicIndex {
			found.DiskLSN = le.Uint64(head[8:])
		}
		p.blocks[off] = found
	}
	if a, ok := p.open[r.TargetAttribute]; ok && a.kind == attrIndexAllocation {
		found.Record, found.Index = a.ref.number(), a.name
	}
	return found
}

// list returns what has changes that are not on the disk.
func (p *pendings) list() []Pending {
	list := make([]Pending, 0, len(p.records))
	take := func(x *Pending) {
		if x.Changes > 0 {
			if !x.IndexBlock || x.Record != 0 {
				x.Name = p.fsys.anyName(x.Record)
			}
			list = append(list, *x)
		}
	}
	for _, number := range slices.Sorted(maps.Keys(p.records)) {
		take(p.records[number])
	}
	for _, off := range slices.Sorted(maps.Keys(p.blocks)) {
		take(p.blocks[off])
	}
	return list
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

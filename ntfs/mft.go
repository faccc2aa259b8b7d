package ntfs

import (
	"fmt"
	"io"
	"slices"

	"github.com/vmdkfs/vmdkfs/internal/cache"
	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/ondisk"
)

const (
	// mirrored is how many records $MFTMirr has copies of, at least.
	mirrored = 4
	// maxMFTParts bounds the records that describe where $MFT lies. Windows
	// limits an attribute list to 256 KiB, which is 8192 entries.
	maxMFTParts = 8192
	// maxMFTRuns bounds the runs in them, which are kept in memory.
	maxMFTRuns = 1 << 19
)

// An mft is the master file table: the file records, by number.
type mft struct {
	reader  *extent.Reader
	size    int64 // bytes of one record
	records uint64
	cache   *cache.Cache // of pieces whose records have their fixups applied
	mirror  *metadataMirror
}

// A metadataMirror reads the copies of the first records.
type metadataMirror struct {
	device io.ReaderAt
	off    int64
	size   int64 // bytes of one record
}

func (m *metadataMirror) record(number uint64) (record, error) {
	return readRecord(m.device, m.off+int64(number)*m.size, m.size)
}

// readRecord reads one record from where it lies.
func readRecord(r io.ReaderAt, off, size int64) (record, error) {
	raw := make([]byte, size)
	if err := ondisk.ReadFull(r, raw, off); err != nil {
		return nil, err
	}
	fixRecords(raw, size)
	if err := record(raw).check(); err != nil {
		return nil, corrupt("$MFT", off, "%v", err)
	}
	return raw, nil
}

// fixRecords applies the fixups of file records. A torn one is marked as
// chkdsk would mark it.
func fixRecords(p []byte, size int64) {
	for ; int64(len(p)) >= size; p = p[size:] {
		if string(p[:4]) == magicFile && !applyFixups(p[:size]) {
			copy(p, magicBad)
		}
	}
}

// fixedRecords is the table with all fixups applied. Reads of it begin at a
// record.
type fixedRecords struct {
	source io.ReaderAt
	size   int64 // of a record
}

func (f fixedRecords) ReadAt(p []byte, off int64) (int, error) {
	if err := ondisk.ReadFull(f.source, p, off); err != nil {
		return 0, err
	}
	fixRecords(p, f.size)
	return len(p), nil
}

// setData makes the table what a stream holds.
func (m *mft) setData(mapper extent.Mapper, bytes int64, device io.ReaderAt) {
	m.reader = extent.NewReader(mapper, bytes, device)
	m.records = uint64(bytes / m.size)
	m.cache = cache.New(fixedRecords{m.reader, m.size}, recordBudget)
}

// record returns a record, in use or not, which the caller must not change, and
// needs until it releases h; for good if that is nil. One of the first is read
// from the mirror when it is damaged.
func (m *mft) record(h *cache.Hold, number uint64) (record, error) {
	if number >= m.records {
		return nil, corrupt(recordName(number), noOffset, "$MFT has %d records", m.records)
	}
	r, err := m.cached(h, int64(number)*m.size)
	if err == nil {
		if bad := r.check(); bad != nil {
			err = corrupt(recordName(number), m.place(number), "%v", bad)
		}
	}
	if err != nil {
		if number < mirrored && m.mirror != nil {
			if copy, mirrorErr := m.mirror.record(number); mirrorErr == nil {
				return copy, nil
			}
		}
		return nil, failed(recordName(number), m.place(number), err)
	}
	return r, nil
}

// cached returns the bytes of the record at byte off of the table.
func (m *mft) cached(h *cache.Hold, off int64) (record, error) {
	start := off &^ (metadataPiece - 1)
	n := min(metadataPiece, int64(m.records)*m.size-start)
	piece, err := m.cache.GetFor(h, start, int(n))
	if err != nil {
		// A bad spot must cost its own record only.
		piece, err = m.cache.GetFor(h, off, int(m.size))
		return piece, err
	}
	return record(piece[off-start:][:m.size:m.size]), nil
}

// place returns the byte of the volume at which a record lies. That is not
// known of any before the table's own record has been read.
func (m *mft) place(number uint64) int64 {
	if m.reader == nil {
		return noOffset
	}
	for e, err := range m.reader.Extents() {
		if at := int64(number)*m.size - e.Offset; err == nil && at < e.Length {
			return e.Physical + max(at, 0)
		}
	}
	return noOffset
}

// openMFT reads the table's own record, which says where the table lies. When
// it is damaged, the mirror's copy counts, with a warning.
func (f *FS) openMFT() (warning, err error) {
	g := &f.geo
	f.mft = mft{size: g.recordSize, mirror: &metadataMirror{f.device, g.mirror, g.recordSize}}
	base, err := readRecord(f.device, g.mft, g.recordSize)
	if err == nil {
		err = f.mapMFT(base)
	}
	if err == nil {
		return nil, nil
	}
	err = failed("$MFT", g.mft, err)
	copy, mirrorErr := f.mft.mirror.record(recordMFT)
	if mirrorErr == nil {
		mirrorErr = f.mapMFT(copy)
	}
	if mirrorErr != nil {
		return nil, err
	}
	return failed("$MFT", g.mft, fmt.Errorf("%w: its copy in $MFTMirr is read", err)), nil
}

// A growing is the map of the table while it is being read from the table.
type growing struct{ runs []extent.Run }

// Map implements extent.Mapper.
func (m *growing) Map(off int64) (extent.Run, error) {
	i, found := slices.BinarySearchFunc(m.runs, off, func(r extent.Run, off int64) int {
		switch {
		case off < r.Offset:
			return 1
		case off >= r.Offset+r.Length:
			return -1
		}
		return 0
	})
	if !found {
		return extent.Run{}, corrupt("$MFT", noOffset, "the record that maps byte %d lies behind it", off)
	}
	return m.runs[i], nil
}

// mapMFT finds where the table lies, given its own record. Where that is not
// enough, the rest is in records that the part before it must hold.
func (f *FS) mapMFT(base record) error {
	table := &file{fsys: f, ref: fileRef(base.sequenceNumber())<<48 | recordMFT, base: base}
	known := &growing{}
	data, err := table.inBase(attrData, nil)
	switch {
	case err != nil:
		return err
	case data == nil || !data.nonResident() || data.lowestVCN() != 0:
		return corrupt("$MFT", noOffset, "its record has no data outside")
	}
	size := data.dataSize()
	if size > f.geo.size {
		return corrupt("$MFT", noOffset, "%d bytes on a volume of %d", size, f.geo.size)
	}
	if known.runs, err = decodeRuns(nil, data.mappingPairs(), 0, data.highestVCN()+1, &f.geo); err != nil {
		return corrupt("$MFT", noOffset, "%v", err)
	}
	next, end := data.highestVCN()+1, data.allocatedSize()/f.geo.clusterSize
	if next < end {
		f.mft.setData(known, size, f.device)
		if err := table.loadList(); err != nil {
			return err
		}
		parts, err := table.parts(attrData, nil)
		if err != nil {
			return err
		}
		if len(parts) > maxMFTParts {
			return corrupt("$MFT", noOffset, "it lies in %d parts, more than %d", len(parts), maxMFTParts)
		}
		for _, p := range parts {
			if p.vcn < next {
				continue
			}
			a, err := table.part(attrData, nil, p)
			if err != nil {
				return err
			}
			if a.lowestVCN() != next {
				break
			}
			if known.runs, err = decodeRuns(known.runs, a.mappingPairs(), next, a.highestVCN()+1, &f.geo); err != nil {
				return corrupt("$MFT", noOffset, "%v", err)
			}
			if len(known.runs) > maxMFTRuns {
				return corrupt("$MFT", noOffset, "it lies in more than %d runs", maxMFTRuns)
			}
			next = a.highestVCN() + 1
		}
	}
	if next < end || next*f.geo.clusterSize < size {
		return corrupt("$MFT", noOffset, "where it lies is known up to cluster %d of %d", next, end)
	}
	if err := f.checkMFTRuns(known.runs); err != nil {
		return err
	}
	list, err := extent.NewList(known.runs, f.geo.size)
	if err != nil {
		return corrupt("$MFT", noOffset, "%v", err)
	}
	f.mft.setData(list, size, f.device)
	return nil
}

// checkMFTRuns refuses a table with a hole, and one that has more records in the
// source than the source has room for: a few runs, over and over, would be
// records without end.
func (f *FS) checkMFTRuns(runs []extent.Run) error {
	held := int64(0)
	for _, r := range runs {
		if r.Source == extent.Hole {
			return corrupt("$MFT", noOffset, "it has a hole at byte %d", r.Offset)
		}
		if held += max(0, min(r.Length, f.source-r.Physical)); held > f.source {
			return corrupt("$MFT", noOffset, "its runs lie over one another")
		}
	}
	return nil
}

// missing returns the first record behind those that lie, with the record of
// that number, in one run beyond the end of the source; 0 when that one does
// not.
func (f *FS) missing(number uint64) uint64 {
	size := f.geo.recordSize
	for e, err := range f.mft.reader.Extents() {
		if at := int64(number)*size - e.Offset; err == nil && at >= 0 && at < e.Length && e.Physical+at >= f.source {
			return uint64((e.Offset + e.Length + size - 1) / size)
		}
	}
	return 0
}

// record returns the record of a reference, in use and the file's own or, for
// part of another file's attributes, that file's. The caller needs it until it
// releases h, for good if that is nil.
func (f *FS) record(h *cache.Hold, ref fileRef, base fileRef) (record, error) {
	number := ref.number()
	r, err := f.mft.record(h, number)
	if err != nil {
		return nil, err
	}
	bad := func(format string, args ...any) (record, error) {
		return nil, corrupt(recordName(number), noOffset, format, args...)
	}
	switch {
	case !r.inUse():
		return bad("it is not in use")
	case ref.sequence() != 0 && r.sequenceNumber() != ref.sequence():
		return bad("its sequence number is %d, not %d", r.sequenceNumber(), ref.sequence())
	case base == 0 && r.baseRecord() != 0:
		return bad("it is a part of file record %d", r.baseRecord().number())
	case base != 0 && (r.baseRecord().number() != base.number() || r.baseRecord().sequence() != base.sequence()):
		return bad("it is no part of file record %d", base.number())
	}
	return r, nil
}

package ntfs

import (
	"iter"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/extent"
)

// A Deleted is a file record that is not in use: what is left of a file that
// was deleted. Parts of it may be from an earlier file still.
type Deleted struct {
	Number     uint64
	Sequence   uint16 // one more than the file had
	Name       Name   // zero when there is none left; not a short one if there is another
	Dir        bool
	Attributes uint32 // FILE_ATTRIBUTE_*
	Created    time.Time
	Modified   time.Time
	Changed    time.Time
	Accessed   time.Time
	Length     int64 // bytes of the unnamed stream
	Resident   bool  // the content is in the record, and so still there
	Clusters   int64 // that held the unnamed stream, as far as the record tells
	Reused     int64 // of these, the ones that are in use again: their content is lost
	Partial    bool  // further records told of more, which may be another file's by now
}

// Deleted yields the records of deleted files, in the order of $MFT, then at
// most one error, which tells of all that could not be read.
func (f *FS) Deleted() iter.Seq2[Deleted, error] {
	return func(yield func(Deleted, error) bool) {
		b, err := f.bitmap()
		if err != nil {
			yield(Deleted{}, err)
			return
		}
		var damage dirDamage
		for number := uint64(firstUserRecord); number < f.mft.records; number++ {
			r, err := f.mft.cached(nil, int64(number)*f.geo.recordSize)
			if err != nil {
				damage.add(failed(recordName(number), f.mft.place(number), err))
				if next := f.missing(number); next > number {
					number = next - 1
				}
				continue
			}
			if r.check() != nil || r.inUse() || r.baseRecord() != 0 {
				continue // never used, or unreadable as a record that is in use is
			}
			x := &file{fsys: f, ref: fileRef(r.sequenceNumber())<<48 | fileRef(number), base: r}
			if d, found := x.deleted(b, &damage); found && !yield(d, nil) {
				return
			}
		}
		if err := damage.err("$MFT"); err != nil {
			yield(Deleted{}, err)
		}
	}
}

// deleted decodes what is left in a record. One without a time and a name never
// was a file.
func (x *file) deleted(b clusterBitmap, damage *dirDamage) (Deleted, bool) {
	d := Deleted{Number: x.ref.number(), Sequence: x.ref.sequence(), Dir: x.base.isDir()}
	known := false
	s := attributesOf(x.base)
	for s.advance() {
		switch s.kind() {
		case attrStandardInformation:
			var r FileRecord
			if x.standardInformation(&r, s.attribute) {
				d.Attributes, d.Created, d.Modified, d.Changed, d.Accessed = r.Attributes, r.Created, r.Modified, r.Changed, r.Accessed
				known = true
			}
		case attrFileName:
			n, err := x.fileName(s.attribute)
			if err == nil && (d.Name.Name == "" || d.Name.Namespace == namespaces[namespaceDOS]) {
				d.Name, known = n.decode(), true
			}
		case attrAttributeList:
			d.Partial = true
		case attrData:
			if len(s.name()) > 0 || s.nonResident() && s.lowestVCN() != 0 {
				continue
			}
			d.Length, d.Resident = s.size(), !s.nonResident()
			if s.nonResident() {
				x.reused(&d, s.attribute, b, damage)
			}
		}
	}
	return d, known
}

// reused counts the clusters of a deleted stream, and those that are in use
// again. Runs that make no sense any more count as lost.
func (x *file) reused(d *Deleted, a attribute, b clusterBitmap, damage *dirDamage) {
	g := &x.fsys.geo
	runs, err := decodeRuns(nil, a.mappingPairs(), 0, a.highestVCN()+1, g)
	if err != nil {
		d.Partial = true
		return
	}
	for _, r := range runs {
		if r.Source == extent.Hole {
			continue
		}
		n := r.Length / g.clusterSize
		used, err := b.used(r.Physical/g.clusterSize, n)
		if err != nil {
			damage.add(err)
		}
		d.Clusters += n
		d.Reused += used
	}
}

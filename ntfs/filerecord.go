package ntfs

import (
	"io/fs"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/cache"
	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A FileRecord holds what the volume knows of a file beside its name: it is
// what FileInfo.Sys returns, as *FileRecord, and implements [layer.Sys]. What
// costs further reads is got by its methods.
type FileRecord struct {
	Number     uint64 // in $MFT
	Sequence   uint16 // how often the record was used
	Links      uint32 // names, without the short ones that go with a long one
	Attributes uint32 // FILE_ATTRIBUTE_*
	ReparseTag uint32 // IO_REPARSE_TAG_*, 0 for none
	SecurityID uint32 // in $Secure, 0 where the record has a descriptor of its own
	OwnerID    uint32 // in $Quota, 0 where quotas are not kept
	USN        uint64 // of the last change that is in $UsnJrnl
	Length     int64  // bytes of the unnamed stream

	// The times of $STANDARD_INFORMATION, with their 100 ns.
	Created  time.Time
	Modified time.Time
	Changed  time.Time // of the record itself
	Accessed time.Time

	fsys          *FS
	mode          fs.FileMode
	lx            lxMetadata
	caseSensitive bool // names in the directory are
	streams       bool // it has named ones
}

// ref returns the reference to the record.
func (r *FileRecord) ref() fileRef { return fileRef(r.Sequence)<<48 | fileRef(r.Number) }

// file reads the record again.
func (r *FileRecord) file() (*file, error) { return r.fsys.file(r.ref()) }

// fileFor is file for a caller that needs it until it releases h.
func (r *FileRecord) fileFor(h *cache.Hold) (*file, error) { return r.fsys.fileFor(h, r.ref()) }

// Unix implements [layer.Sys]. Owners, and the numbers of a device, are those
// that WSL and Interix keep; other files belong to nobody, which is 0 here.
func (r *FileRecord) Unix() layer.Unix {
	return layer.Unix{Volume: r.fsys, Inode: r.Number, Links: r.Links, UID: r.lx.uid, GID: r.lx.gid,
		NoOwner: !r.lx.owner, Major: r.lx.major, Minor: r.lx.minor, Access: r.Accessed, Change: r.Changed, Birth: r.Created,
		Generation: uint64(r.Sequence), Revision: r.USN, Attributes: uint64(r.Attributes) | uint64(r.SecurityID)<<32}
}

// fileRecord reads the record that a reference names.
func (f *FS) fileRecord(ref fileRef) (*FileRecord, error) {
	var h cache.Hold
	defer h.Release()
	x, err := f.fileFor(&h, ref)
	if err != nil {
		return nil, err
	}
	return x.decode()
}

// decode decodes what everybody wants to know of a file.
func (x *file) decode() (*FileRecord, error) {
	d := recordDecoder{file: x, record: &FileRecord{fsys: x.fsys, Number: x.ref.number(), Sequence: x.ref.sequence()}}
	if x.list == nil { // the same as all, of which most files have no need
		s := attributesOf(x.base)
		for s.advance() {
			if err := d.attribute(s.attribute); err != nil {
				return nil, err
			}
		}
		if s.err != nil {
			return nil, x.bad(s.err)
		}
		return d.finish()
	}
	for a, err := range x.all() {
		if err == nil {
			err = d.attribute(a)
		}
		if err != nil {
			return nil, err
		}
	}
	return d.finish()
}

// A recordDecoder collects what the attributes of a file say of it.
type recordDecoder struct {
	file     *file
	record   *FileRecord
	standard bool // it has a $STANDARD_INFORMATION
	ea, data bool
}

// attribute decodes one attribute.
func (d *recordDecoder) attribute(a attribute) (err error) {
	r := d.record
	switch a.kind() {
	case attrStandardInformation:
		if d.standard = d.file.standardInformation(r, a); !d.standard {
			err = corrupt(d.file.name(), noOffset, "$STANDARD_INFORMATION is too short")
		}
	case attrFileName:
		if !isShortName(a) {
			r.Links++
		}
	case attrData:
		if len(a.name()) > 0 {
			r.streams = true
		} else {
			d.data, r.Length = true, a.size()
		}
	case attrReparsePoint:
		r.ReparseTag, err = d.file.reparseTag(a)
	case attrEA:
		d.ea = true
	}
	return err
}

// finish returns the record when all attributes were seen.
func (d *recordDecoder) finish() (*FileRecord, error) {
	x, r := d.file, d.record
	switch {
	case !d.standard:
		return nil, corrupt(x.name(), noOffset, "it has no $STANDARD_INFORMATION")
	case r.Length < 0:
		return nil, corrupt(x.name(), noOffset, "size %d", r.Length)
	}
	r.mode = 0o777
	if x.base.isDir() {
		r.mode |= fs.ModeDir
		r.Attributes |= AttributeDirectory
		r.Length = 0
	}
	if d.ea {
		if err := x.lxAttributes(r); err != nil {
			return nil, err
		}
	}
	var err error
	switch {
	case r.ReparseTag != 0:
		err = x.reparseMode(r)
	case d.data && r.Attributes&AttributeSystem != 0 && !x.base.isDir():
		err = x.interix(r)
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

// standardInformation decodes the attribute of that name into r.
func (x *file) standardInformation(r *FileRecord, a attribute) bool {
	if a.nonResident() || len(a.value()) < standardInfoOld {
		return false
	}
	s := standardInfo(a.value())
	r.Created, r.Modified, r.Changed, r.Accessed = s.creation(), s.modified(), s.changed(), s.accessed()
	r.Attributes, r.OwnerID, r.SecurityID, r.USN = s.attributes(), s.ownerID(), s.securityID(), s.usn()
	r.caseSensitive = s.isCaseSensitive()
	return true
}

// isShortName reports whether a $FILE_NAME is one that goes with a long name.
func isShortName(a attribute) bool {
	if a.nonResident() {
		return false
	}
	n, err := parseFileName(a.value())
	return err == nil && n.namespace() == namespaceDOS
}

// value returns the whole value of an attribute of at most limit bytes,
// wherever it is. The caller must not change it.
func (x *file) value(a attribute, limit int64) ([]byte, error) {
	if a.size() > limit {
		return nil, corrupt(x.name(), noOffset, "attribute %#x has %d bytes, more than %d", a.kind(), a.size(), limit)
	}
	if !a.nonResident() {
		return a.value(), nil
	}
	content, err := x.metadata(a)
	if err != nil {
		return nil, err
	}
	value, err := ondisk.Read(content, 0, content.Size())
	if err != nil {
		return nil, failed(x.name(), noOffset, err)
	}
	return value, nil
}

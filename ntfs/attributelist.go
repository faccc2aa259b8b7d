package ntfs

import (
	"bytes"
	"iter"

	"github.com/vmdkfs/vmdkfs/internal/cache"
	"github.com/vmdkfs/vmdkfs/internal/ondisk"
)

const (
	// attributeListEntry is the least length of an entry, before its name.
	attributeListEntry = 0x1A
	// maxAttributeList bounds a list. Windows and ntfs-3g limit it to 256 KiB;
	// the rest is for whoever does not. An entry may name the same attribute as
	// another, so that a list is a list of names and streams as well.
	maxAttributeList = 1 << 20
)

// A file is a file record with the records that hold the rest of its
// attributes, if it has such. It is not kept: it aliases the cache, and where it
// was read for a hold it is not used behind the end of that.
type file struct {
	fsys *FS
	ref  fileRef // the record's own number and sequence number
	base record
	list []byte // the value of $ATTRIBUTE_LIST, nil without one
}

// file reads the file record that a reference names.
func (f *FS) file(ref fileRef) (*file, error) { return f.fileFor(nil, ref) }

// fileFor is file for a caller that needs it until it releases h.
func (f *FS) fileFor(h *cache.Hold, ref fileRef) (*file, error) {
	base, err := f.record(h, ref, 0)
	if err != nil {
		return nil, err
	}
	x := &file{fsys: f, ref: fileRef(base.sequenceNumber())<<48 | fileRef(ref.number()), base: base}
	return x, x.loadList()
}

func (x *file) name() string { return recordName(x.ref.number()) }

// loadList reads the attribute list, if there is one.
func (x *file) loadList() error {
	// Attributes are in the order of their types, so that most records show at
	// the second that they have no list.
	s := attributesOf(x.base)
	for s.advance() && s.kind() < attrAttributeList {
	}
	if s.err != nil {
		return x.bad(s.err)
	}
	a := s.attribute
	if a == nil || a.kind() != attrAttributeList {
		return nil
	}
	if a.size() > maxAttributeList {
		return corrupt(x.name(), noOffset, "an attribute list of %d bytes, more than %d", a.size(), maxAttributeList)
	}
	if !a.nonResident() {
		x.list = a.value()
		return nil
	}
	content, err := x.wholeStream(a)
	if err != nil {
		return err
	}
	if x.list, err = ondisk.Read(content, 0, content.Size()); err != nil {
		return failed(x.name(), noOffset, err)
	}
	return nil
}

// inBase returns an attribute of the base record, nil when it has none such.
func (x *file) inBase(kind uint32, name []byte) (attribute, error) {
	s := attributesOf(x.base)
	for s.advance() {
		if s.is(kind, name) {
			return s.attribute, nil
		}
	}
	return nil, x.bad(s.err)
}

// bad gives an error of going through attributes its place.
func (x *file) bad(err error) error {
	if err == nil {
		return nil
	}
	return corrupt(x.name(), x.fsys.mft.place(x.ref.number()), "%v", err)
}

// A listEntry is an entry of an attribute list (ATTRIBUTE_LIST_ENTRY in
// [MS-FSCC] and the WDK): an attribute, or a part of one, and its record.
type listEntry struct {
	kind     uint32
	name     []byte
	vcn      int64
	ref      fileRef
	instance uint16
}

// entries yields the entries of the attribute list, then at most one error.
func (x *file) entries() iter.Seq2[listEntry, error] {
	return func(yield func(listEntry, error) bool) {
		for at := 0; at < len(x.list); {
			e := x.list[at:]
			if len(e) < attributeListEntry {
				yield(listEntry{}, corrupt(x.name(), noOffset, "attribute list: %d bytes are left at %d", len(e), at))
				return
			}
			length, nameLen, nameAt := int(le.Uint16(e[4:6])), 2*int(e[6]), int(e[7])
			if length < attributeListEntry || length > len(e) || nameLen > 0 && nameAt+nameLen > length {
				yield(listEntry{}, corrupt(x.name(), noOffset, "attribute list: an entry of %d bytes at %d of %d", length, at, len(x.list)))
				return
			}
			entry := listEntry{kind: le.Uint32(e[0:4]), vcn: int64(le.Uint64(e[0x08:0x10])),
				ref: fileRef(le.Uint64(e[0x10:0x18])), instance: le.Uint16(e[0x18:0x1A])}
			if nameLen > 0 {
				entry.name = e[nameAt:][:nameLen]
			}
			if !yield(entry, nil) {
				return
			}
			at += length
		}
	}
}

// recordOf returns the record that holds an attribute of the list.
func (x *file) recordOf(ref fileRef) (record, error) {
	switch {
	case ref.number() != x.ref.number():
	case x.base != nil:
		return x.base, nil
	default:
		return x.fsys.record(nil, x.ref, 0)
	}
	return x.fsys.record(nil, ref, x.ref)
}

// attributeOf returns the attribute, or the part of one, that an entry of the
// list names.
func (x *file) attributeOf(e listEntry) (attribute, error) {
	r, err := x.recordOf(e.ref)
	if err != nil {
		return nil, err
	}
	s := attributesOf(r)
	for s.advance() {
		if s.instance() == e.instance && s.is(e.kind, e.name) {
			if s.nonResident() && s.lowestVCN() != e.vcn || !s.nonResident() && e.vcn != 0 {
				break
			}
			return s.attribute, nil
		}
	}
	if s.err != nil {
		return nil, corrupt(recordName(e.ref.number()), noOffset, "%v", s.err)
	}
	return nil, corrupt(x.name(), noOffset, "attribute list: no attribute %#x from cluster %d in file record %d", e.kind, e.vcn, e.ref.number())
}

// all yields every attribute of the file, the first part of those that have
// several, then at most one error.
func (x *file) all() iter.Seq2[attribute, error] {
	return func(yield func(attribute, error) bool) {
		if x.list == nil {
			s := attributesOf(x.base)
			for s.advance() {
				if !yield(s.attribute, nil) {
					return
				}
			}
			if s.err != nil {
				yield(nil, x.bad(s.err))
			}
			return
		}
		var last listEntry
		for e, err := range x.entries() {
			var a attribute
			switch {
			case err != nil:
			case e.vcn == 0:
				a, err = x.attributeOf(e)
			case e.kind == last.kind && bytes.Equal(e.name, last.name):
				continue
			default:
				err = corrupt(x.name(), noOffset, "attribute list: attribute %#x begins at cluster %d", e.kind, e.vcn)
			}
			last = e
			if !yield(a, err) || err != nil {
				return
			}
		}
	}
}

// find returns the attribute of a type and a name, nil when there is none.
func (x *file) find(kind uint32, name []byte) (attribute, error) {
	if x.list == nil {
		return x.inBase(kind, name)
	}
	for e, err := range x.entries() {
		if err != nil {
			return nil, err
		}
		if e.kind == kind && e.vcn == 0 && bytes.Equal(e.name, name) {
			return x.attributeOf(e)
		}
	}
	return nil, nil
}

// A part is where a part of an attribute's runs is.
type part struct {
	vcn      int64
	ref      fileRef
	instance uint16
}

// parts returns the parts of an attribute, in the order of their clusters.
func (x *file) parts(kind uint32, name []byte) ([]part, error) {
	var parts []part
	for e, err := range x.entries() {
		if err != nil {
			return nil, err
		}
		if e.kind != kind || !bytes.Equal(e.name, name) {
			continue
		}
		if n := len(parts); n > 0 && e.vcn <= parts[n-1].vcn || n == 0 && e.vcn != 0 {
			return nil, corrupt(x.name(), noOffset, "attribute list: a part of attribute %#x from cluster %d", kind, e.vcn)
		}
		parts = append(parts, part{e.vcn, e.ref, e.instance})
	}
	return parts, nil
}

// part returns one part of an attribute that is not resident.
func (x *file) part(kind uint32, name []byte, p part) (attribute, error) {
	a, err := x.attributeOf(listEntry{kind, name, p.vcn, p.ref, p.instance})
	if err == nil && !a.nonResident() {
		err = corrupt(x.name(), noOffset, "attribute %#x is resident in one of its parts", kind)
	}
	return a, err
}

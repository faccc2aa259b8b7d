package ntfs

import (
	"encoding/hex"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/cache"
)

// A Name is one of a file's names, $FILE_NAME, with what it says of the file.
// Windows sets its times when the name is given, and the rest of it when it
// changes the file through this name.
type Name struct {
	Name           string
	Parent         uint64 // record of the directory
	ParentSequence uint16
	Namespace      string // "POSIX", "Win32", "DOS", or "Win32 and DOS" for a name that is short and long

	Created  time.Time
	Modified time.Time
	Changed  time.Time
	Accessed time.Time

	Length     int64 // bytes of the unnamed stream
	Allocated  int64
	Attributes uint32
}

var namespaces = [...]string{namespacePOSIX: "POSIX", namespaceWin32: "Win32", namespaceDOS: "DOS", namespaceBoth: "Win32 and DOS"}

// Names returns all names of the file, short ones too.
func (r *FileRecord) Names() ([]Name, error) {
	var h cache.Hold
	defer h.Release()
	x, err := r.fileFor(&h)
	if err != nil {
		return nil, err
	}
	var list []Name
	for a, err := range x.all() {
		if err != nil {
			return nil, err
		}
		if a.kind() != attrFileName {
			continue
		}
		n, err := x.fileName(a)
		if err != nil {
			return nil, err
		}
		list = append(list, n.decode())
	}
	return list, nil
}

// fileName returns the name that an attribute holds.
func (x *file) fileName(a attribute) (fileName, error) {
	if a.nonResident() {
		return nil, corrupt(x.name(), noOffset, "a name outside of the record")
	}
	n, err := parseFileName(a.value())
	if err == nil && int(n.namespace()) < len(namespaces) {
		return n, nil
	}
	return nil, corrupt(x.name(), noOffset, "a name that is none, in %d bytes", len(a.value()))
}

// decode decodes a name whose namespace is known.
func (n fileName) decode() Name {
	return Name{Name: shownName(n.name()), Parent: n.parent().number(), ParentSequence: n.parent().sequence(),
		Namespace: namespaces[n.namespace()], Created: n.creation(), Modified: n.modified(), Changed: n.changed(), Accessed: n.accessed(),
		Length: n.dataSize(), Allocated: n.allocatedSize(), Attributes: n.attributes()}
}

// An ObjectID is by what distributed link tracking finds a file again, in the
// form 01234567-89ab-cdef-0123-456789abcdef. The birth IDs are those that it was
// made with, and empty when they are not kept.
type ObjectID struct {
	ID                                    string
	BirthVolume, BirthObject, BirthDomain string
}

const guidSize = 16

// ObjectID returns the object ID of the file, zero when it has none.
func (r *FileRecord) ObjectID() (ObjectID, error) {
	var h cache.Hold
	defer h.Release()
	x, err := r.fileFor(&h)
	if err != nil {
		return ObjectID{}, err
	}
	a, err := x.find(attrObjectID, nil)
	if a == nil || err != nil {
		return ObjectID{}, err
	}
	if a.nonResident() || len(a.value()) < guidSize {
		return ObjectID{}, corrupt(x.name(), noOffset, "an object ID of %d bytes", a.size())
	}
	var id ObjectID
	rest := a.value()
	for _, field := range []*string{&id.ID, &id.BirthVolume, &id.BirthObject, &id.BirthDomain} {
		if len(rest) < guidSize {
			break
		}
		*field = guid(rest)
		rest = rest[guidSize:]
	}
	return id, nil
}

// guid returns a GUID as Windows shows it: its first three fields are numbers.
func guid(b []byte) string {
	s := hex.EncodeToString([]byte{b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]})
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// ReparseData returns the data of the file's reparse point, behind its tag, nil
// when it has none. Its form depends on the tag; see [MS-FSCC] 2.1.2.
//
// [MS-FSCC]: https://learn.microsoft.com/openspecs/windows_protocols/ms-fscc
func (r *FileRecord) ReparseData() ([]byte, error) {
	var h cache.Hold
	defer h.Release()
	x, err := r.fileFor(&h)
	if err != nil {
		return nil, err
	}
	data, err := x.reparseData()
	return append([]byte(nil), data...), err
}

// ReparseName returns the name of the file's reparse tag, empty when it has no
// reparse point: IO_REPARSE_TAG_SYMLINK.
func (r *FileRecord) ReparseName() string {
	if r.ReparseTag == 0 {
		return ""
	}
	return tagName(r.ReparseTag)
}

package ntfs

import (
	"bytes"
	"cmp"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
)

// From NTFS 3.0 on, $Secure holds every security descriptor once: its stream
// $SDS has them behind one another, with a copy of each 256 KiB behind it, and
// its index $SII says where the one of a security ID is. Source: "$Secure" in
// the documentation of the Linux-NTFS project.
const (
	indexSecurityIDs = "$SII"
	streamSecurity   = "$\x00S\x00D\x00S\x00"
	securityHeader   = 20
	securityMirror   = 256 << 10
	// maxSecurity bounds a descriptor. An ACL has at most 64 KiB, and there are
	// two.
	maxSecurity = 256 << 10
)

// SecurityDescriptor returns the security descriptor of the file as it is
// stored: self-relative, as Windows passes it around. It is nil for a file that
// has none.
func (r *FileRecord) SecurityDescriptor() ([]byte, error) {
	raw, err := r.rawSecurity()
	return bytes.Clone(raw), err
}

// rawSecurity is SecurityDescriptor for callers that do not change it.
func (r *FileRecord) rawSecurity() ([]byte, error) {
	if r.SecurityID != 0 {
		return r.fsys.securityDescriptor(r.SecurityID)
	}
	x, err := r.file() // NTFS 1.2, and metadata files
	if err != nil {
		return nil, err
	}
	a, err := x.find(attrSecurityDescriptor, nil)
	if a == nil || err != nil {
		return nil, err
	}
	return x.value(a, maxSecurity)
}

// securityDescriptor returns the descriptor of a security ID.
func (f *FS) securityDescriptor(id uint32) ([]byte, error) {
	x, err := f.file(recordSecure)
	if err != nil {
		return nil, err
	}
	ix, err := x.index(indexSecurityIDs)
	if err != nil {
		return nil, err
	}
	var entry []byte
	err = ix.search(func(key []byte) (int, error) {
		if len(key) != 4 {
			return 0, corrupt("$Secure", noOffset, "$SII: a key of %d bytes", len(key))
		}
		return cmp.Compare(id, le.Uint32(key)), nil
	}, func(e indexEntry) bool {
		entry, _ = e.data()
		return false
	})
	if err != nil {
		return nil, err
	}
	if len(entry) < securityHeader {
		return nil, corrupt("$Secure", noOffset, "$SII: no descriptor with the ID %d", id)
	}
	a, err := x.find(attrData, []byte(streamSecurity))
	if err == nil && a == nil {
		err = corrupt("$Secure", noOffset, "it has no $SDS")
	}
	if err != nil {
		return nil, err
	}
	stream, err := x.metadata(a)
	if err != nil {
		return nil, err
	}
	off, size := int64(le.Uint64(entry[8:16])), int64(le.Uint32(entry[16:20]))
	if size < securityHeader || size > maxSecurity {
		return nil, corrupt("$Secure", noOffset, "descriptor %d has %d bytes, of %d to %d", id, size, securityHeader, maxSecurity)
	}
	var first error
	for _, at := range []int64{off, off + securityMirror} {
		if !ondisk.Within(at, size, stream.Size()) {
			continue
		}
		data, err := ondisk.Read(stream, at, size)
		if err == nil && bytes.Equal(data[4:securityHeader], entry[4:securityHeader]) {
			return data[securityHeader:], nil
		}
		if first == nil {
			first = err
		}
	}
	if first != nil {
		return nil, failed("$Secure", noOffset, first)
	}
	return nil, corrupt("$Secure", noOffset, "descriptor %d is not at byte %d of $SDS", id, off)
}

package ntfs

import (
	"bytes"
	"iter"

	"github.com/vmdkfs/vmdkfs/internal/vnode"
)

const (
	// maxEA is the most bytes that the extended attributes of a file have.
	maxEA    = 64 << 10
	eaHeader = 8
)

// An EA is an extended attribute in the sense of OS/2 and Windows. WSL keeps
// those of Linux in it.
type EA struct {
	Name  string // ASCII
	Flags uint8  // 0x80: a program that does not know it must not open the file
	Value []byte
}

// EAs returns the extended attributes of the file.
func (r *FileRecord) EAs() ([]EA, error) {
	x, err := r.file()
	if err != nil {
		return nil, err
	}
	var list []EA
	for ea, err := range x.eas() {
		if err != nil {
			return nil, err
		}
		ea.Value = bytes.Clone(ea.Value)
		list = append(list, ea)
	}
	return list, nil
}

// eas yields the extended attributes, FILE_FULL_EA_INFORMATION in [MS-FSCC]
// 2.4.15, whose values alias the record, then at most one error.
func (x *file) eas() iter.Seq2[EA, error] {
	return func(yield func(EA, error) bool) {
		a, err := x.find(attrEA, nil)
		if a == nil && err == nil {
			return
		}
		var list []byte
		if err == nil {
			list, err = x.value(a, maxEA)
		}
		if err != nil {
			yield(EA{}, err)
			return
		}
		for at := 0; at < len(list); {
			e := list[at:]
			if len(e) < eaHeader {
				yield(EA{}, corrupt(x.name(), noOffset, "extended attributes: %d bytes are left at %d", len(e), at))
				return
			}
			next, nameLen, valueLen := int64(le.Uint32(e)), int(e[5]), int(le.Uint16(e[6:8]))
			end := eaHeader + nameLen + 1 + valueLen // with a NUL behind the name
			if end > len(e) || next != 0 && (next < int64(end) || next > int64(len(e))) {
				yield(EA{}, corrupt(x.name(), noOffset, "extended attributes: one of %d bytes, the next %d behind it, %d left", end, next, len(e)))
				return
			}
			ea := EA{vnode.Escape(e[eaHeader:][:nameLen]), e[4], e[eaHeader+nameLen+1:][:valueLen]}
			if !yield(ea, nil) || next == 0 {
				return
			}
			at += int(next)
		}
	}
}

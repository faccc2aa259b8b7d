package ntfs

import (
	"fmt"
	"time"
)

// The namespaces of a name.
const (
	namespacePOSIX = 0
	namespaceWin32 = 1
	namespaceDOS   = 2 // the short name of a file that has a long one
	namespaceBoth  = 3
)

// fileNameHeader is the part of a name before its characters.
const fileNameHeader = 0x42

// A fileName is the attribute $FILE_NAME (FILE_NAME in the WDK), which is the
// key of a directory's entries as well, checked to hold its name.
type fileName []byte

func parseFileName(b []byte) (fileName, error) {
	if len(b) < fileNameHeader || len(b) < fileNameHeader+2*int(b[0x40]) || b[0x40] == 0 {
		return nil, fmt.Errorf("a name in %d bytes", len(b))
	}
	return b, nil
}

func (n fileName) parent() fileRef      { return fileRef(le.Uint64(n[0x00:0x08])) }
func (n fileName) creation() time.Time  { return fileTime(n[0x08:]) }
func (n fileName) modified() time.Time  { return fileTime(n[0x10:]) }
func (n fileName) changed() time.Time   { return fileTime(n[0x18:]) }
func (n fileName) accessed() time.Time  { return fileTime(n[0x20:]) }
func (n fileName) allocatedSize() int64 { return int64(le.Uint64(n[0x28:0x30])) }
func (n fileName) dataSize() int64      { return int64(le.Uint64(n[0x30:0x38])) }
func (n fileName) attributes() uint32   { return le.Uint32(n[0x38:0x3C]) }
func (n fileName) namespace() uint8     { return n[0x41] }
func (n fileName) name() []byte         { return n[fileNameHeader:][:2*int(n[0x40])] }

// The unit of a FILETIME is 100 ns, and it counts from 1601.
const (
	fileTimeSecond = 10_000_000
	fileTimeUnix   = 11_644_473_600 // seconds from 1601 to 1970
)

// fileTime decodes a FILETIME.
func fileTime(b []byte) time.Time {
	t := int64(le.Uint64(b))
	sec, rest := t/fileTimeSecond, t%fileTimeSecond
	return time.Unix(sec-fileTimeUnix, rest*100).UTC()
}

package ntfs

import (
	"bytes"
	"io/fs"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
)

// Interix, the Unix of Windows before WSL, and ntfs-3g keep what is neither
// file nor directory in files with the attribute of the system: an empty one is
// a fifo, one of a single zero byte a socket, and others begin with one of these.
// Source: "Interix" in ntfs-3g's layout.h.
const (
	interixMagic  = 8 // bytes
	interixLink   = "IntxLNK\x01"
	interixChar   = "IntxCHR\x00"
	interixBlock  = "IntxBLK\x00"
	interixDevice = 24       // bytes of a device, with its two numbers
	interixPath   = 2 * 4096 // most bytes of a target: PATH_MAX units
)

// interix sets the type of a file with the attribute of the system.
func (x *file) interix(r *FileRecord) error {
	switch {
	case r.Length < 2 && r.Attributes&AttributeHidden != 0:
		return nil // Windows has empty files that are hidden
	case r.Length == 0:
		r.mode |= fs.ModeNamedPipe
		return nil
	case r.Length == 1:
		data, err := x.interixData(1)
		if err == nil && data[0] == 0 { // any other byte is content, which a socket would lose
			r.mode |= fs.ModeSocket
		}
		return err
	case r.Length <= interixMagic || r.Length > interixMagic+interixPath || r.Attributes&AttributeEncrypted != 0:
		return nil
	}
	data, err := x.interixData(min(r.Length, interixDevice))
	if err != nil {
		return err
	}
	magic := string(data[:interixMagic])
	switch {
	case magic == interixLink:
		r.mode = r.mode&^fs.ModeType | fs.ModeSymlink
		return nil
	case r.Length != interixDevice:
		return nil
	case magic == interixChar:
		r.mode |= fs.ModeDevice | fs.ModeCharDevice
	case magic == interixBlock:
		r.mode |= fs.ModeDevice
	default:
		return nil
	}
	r.lx.major, r.lx.minor = uint32(le.Uint64(data[8:16])), uint32(le.Uint64(data[16:24]))
	return nil
}

// interixData returns the first n bytes of the file.
func (x *file) interixData(n int64) ([]byte, error) {
	content, err := x.open(nil)
	if err != nil {
		return nil, err
	}
	data, err := ondisk.Read(content, 0, n)
	if err != nil {
		return nil, failed(x.name(), noOffset, err)
	}
	return data, nil
}

// interixTarget returns the target of a link: UTF-16 behind the magic.
func (x *file) interixTarget() (string, error) {
	a, err := x.find(attrData, nil)
	if err != nil {
		return "", err
	}
	if a == nil || a.size() > interixMagic+interixPath {
		return "", corrupt(x.name(), noOffset, "it is no link any more")
	}
	data, err := x.interixData(a.size())
	if err != nil {
		return "", err
	}
	target, found := bytes.CutPrefix(data, []byte(interixLink))
	if shown := shownTarget(target, false); found && len(target)%2 == 0 && shown != "" {
		return shown, nil
	}
	return "", corrupt(x.name(), noOffset, "a link of %d bytes", len(data))
}

package ntfs

import (
	"io/fs"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
)

// lxSymlinkVersion is the version of the data of IO_REPARSE_TAG_LX_SYMLINK: a
// number of 4 bytes, then the target as it is.
const lxSymlinkVersion = 2

// The extended attributes in which WSL keeps what Unix has and Windows has not,
// [MS-FSCC] 2.4.15 and "File metadata" of the WSL documentation: 4 bytes each,
// and 8 of a device.
const (
	lxUID    = "$LXUID"
	lxGID    = "$LXGID"
	lxMode   = "$LXMOD"
	lxDevice = "$LXDEV"
)

// An lxMetadata is what is kept of a file for a Unix.
type lxMetadata struct {
	uid, gid     uint32
	major, minor uint32
	owner        bool // uid, gid and the mode are known
}

// lxAttributes decodes the extended attributes of WSL into r. Those of another
// length than WSL gives them count as not there.
func (x *file) lxAttributes(r *FileRecord) error {
	for ea, err := range x.eas() {
		if err != nil {
			return err
		}
		if v := ea.Value; len(v) == 4 {
			switch ea.Name {
			case lxUID:
				r.lx.uid, r.lx.owner = le.Uint32(v), true
			case lxGID:
				r.lx.gid, r.lx.owner = le.Uint32(v), true
			case lxMode:
				r.lx.owner = true
				r.mode = r.mode&fs.ModeType | permissions(le.Uint32(v))
			}
		} else if ea.Name == lxDevice && len(v) == 8 {
			r.lx.major, r.lx.minor = le.Uint32(v[0:4]), le.Uint32(v[4:8])
		}
	}
	return nil
}

// permissions returns the twelve permission bits of a Unix mode.
func permissions(mode uint32) fs.FileMode {
	m := fs.FileMode(mode & 0o777)
	for i, bit := range []fs.FileMode{fs.ModeSticky, fs.ModeSetgid, fs.ModeSetuid} {
		if mode&(0o1000<<i) != 0 {
			m |= bit
		}
	}
	return m
}

// The types of files that the data of IO_REPARSE_TAG_NFS begins with, by which
// the Server for NFS keeps what is neither file nor directory ([MS-FSCC]
// 2.1.2.6).
const (
	nfsLink   = 0x00000000014B4E4C
	nfsChar   = 0x0000000000524843
	nfsBlock  = 0x00000000004B4C42
	nfsFIFO   = 0x000000004F464946
	nfsSocket = 0x000000004B434F53
)

// nfsMode sets the type of a file that an NFS client made.
func (x *file) nfsMode(r *FileRecord) error {
	data, err := x.reparseData()
	if err != nil {
		return err
	}
	c := ondisk.NewCursor(data, le)
	var mode fs.FileMode
	switch kind := c.U64(); kind {
	case nfsLink:
		mode = fs.ModeSymlink
	case nfsChar:
		mode = fs.ModeDevice | fs.ModeCharDevice
	case nfsBlock:
		mode = fs.ModeDevice
	case nfsFIFO:
		mode = fs.ModeNamedPipe
	case nfsSocket:
		mode = fs.ModeSocket
	default:
		return corrupt(x.name(), noOffset, "a file of an NFS client of type %#x", kind)
	}
	if mode&fs.ModeDevice != 0 {
		r.lx.major, r.lx.minor = c.U32(), c.U32()
	}
	if c.Err() != nil {
		return corrupt(x.name(), noOffset, "a file of an NFS client: %v", c.Err())
	}
	r.mode |= mode
	return nil
}

package iso

import (
	"io/fs"
	"math"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

// The modes of files in a view without Rock Ridge.
const (
	plainFileMode = 0444
	plainDirMode  = fs.ModeDir | 0555
)

// An inode is a file of any type in an image.
type inode struct {
	fs    *FS
	mode  fs.FileMode
	size  int64
	mtime time.Time
	sys   *Sys
}

func (n *inode) Mode() fs.FileMode  { return n.mode }
func (n *inode) Size() int64        { return n.size }
func (n *inode) ModTime() time.Time { return n.mtime }
func (n *inode) Sys() any           { return n.sys }

// Sys is what FileInfo.Sys returns for a file of an image. It implements
// [layer.Sys].
type Sys struct {
	// Name holds the raw bytes of the name: of Rock Ridge, of the identifier,
	// or in Joliet the big-endian UCS-2 of the identifier with its version. It
	// is empty for the root.
	Name []byte
	// Record is the offset of the file's directory record in the image, in
	// bytes.
	Record int64
	unix   layer.Unix
	xattrs bool
}

var _ layer.Sys = (*Sys)(nil)

// Unix returns the file's attributes. Without Rock Ridge, owners are 0 and
// link counts 1. Inode is the serial number of Rock Ridge 1.12, or a number
// which no other file has.
func (s *Sys) Unix() layer.Unix { return s.unix }

// Xattrs returns no attributes: Rock Ridge has none. A file with those of AAIP,
// an extension that xorriso writes on request, is ErrUnsupported.
func (s *Sys) Xattrs() (map[string][]byte, error) {
	if s.xattrs {
		return nil, layer.Errorf(layer.ErrUnsupported, layerName, "extended attributes of AAIP", s.Record, "")
	}
	return nil, nil
}

// A regularFile is an inode with data.
type regularFile struct {
	inode
	runs []extent.Run
	err  error // why the data cannot be read
}

var _ vnode.File = (*regularFile)(nil)

// Open checks where the data lies.
func (n *regularFile) Open() (vnode.Content, error) {
	if n.err != nil {
		return nil, n.err
	}
	list, err := extent.NewList(append([]extent.Run(nil), n.runs...), n.fs.size)
	if err != nil {
		return nil, layer.Errorf(layer.ErrCorrupt, layerName, "file", n.sys.Record, "%v", err)
	}
	return extent.NewReader(list, n.size, n.fs.source), nil
}

// A symlink is an inode with a target.
type symlink struct {
	inode
	target  string
	foreign bool
}

var _ vnode.Link = (*symlink)(nil)

func (n *symlink) Target() (string, error) {
	if n.foreign {
		return "", layer.Errorf(layer.ErrUnsupported, layerName, "symbolic link", n.sys.Record, "a component relative to the writing host")
	}
	return n.target, nil
}

// noSerial is added to the offset of a record to make an inode number of it: a
// serial number has 32 bits.
const noSerial = math.MaxUint32 + 1

// base returns the inode that a record at off describes, with its Rock Ridge
// attributes if it has any.
func (f *FS) base(r record, off int64, a *attributes, name []byte) inode {
	n := inode{fs: f, mode: plainFileMode, size: int64(r.size()), mtime: r.date()}
	if r.isDir() {
		n.mode = plainDirMode
	}
	u := layer.Unix{Volume: f, Inode: noSerial + uint64(off), Links: 1}
	if a != nil {
		if mode, ok := fileMode(a.mode); a.hasPX && ok {
			n.mode = mode
			u.Links, u.UID, u.GID = a.links, a.uid, a.gid
			u.Major, u.Minor = a.major, a.minor
			if a.serial != 0 {
				u.Inode = uint64(a.serial)
			}
		}
		if !a.mtime.IsZero() {
			n.mtime = a.mtime
		}
		u.Access, u.Change, u.Birth = a.atime, a.ctime, a.birth
	}
	n.sys = &Sys{Name: name, Record: off, unix: u, xattrs: a != nil && a.xattrs}
	return n
}

package fat

import (
	"io/fs"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

// An Entry is a directory entry: what FAT knows of a file. FileInfo.Sys returns
// it, as *Entry.
type Entry struct {
	Short      [11]byte // the 8.3 name as it lies on the disk
	Attributes Attributes
	Cluster    uint32 // the first one; 0 for an empty file
	Created    time.Time
	Modified   time.Time
	Accessed   time.Time // a date

	name  string
	alias string // the short name
	size  int64
	place int64 // of the record on the disk
	fsys  *FS
}

var _ layer.Sys = (*Entry)(nil)

// newEntry decodes a record.
func (f *FS) newEntry(l *located) *Entry {
	e := &Entry{
		Short:      l.name(),
		Attributes: l.attr(),
		Cluster:    uint32(l.fstClusLO()),
		Created:    timestamp(l.crtDate(), l.crtTime(), l.crtTimeTenth()),
		Modified:   timestamp(l.wrtDate(), l.wrtTime(), 0),
		Accessed:   timestamp(l.lstAccDate(), 0, 0),
		alias:      shortName(l.record),
		size:       int64(l.fileSize()),
		fsys:       f,
	}
	if f.geo.bits == 32 {
		e.Cluster |= uint32(l.fstClusHI()) << 16
	}
	if e.name = e.alias; len(l.long) > 0 {
		e.name = decodeUnits(l.long)
	}
	if e.Attributes&Directory != 0 {
		e.size = 0 // the field is not used
	}
	if x, err := l.in.Map(l.at); err == nil {
		e.place = x.Physical + l.at - x.Offset
	}
	return e
}

// Name returns the entry's name: the long one if there is one.
func (e *Entry) Name() string { return e.name }

// Mode implements vnode.Node. FAT has no permissions; as everywhere, everybody
// may read, and the owner may write what is not read-only.
func (e *Entry) Mode() fs.FileMode {
	switch {
	case e.Attributes&Directory != 0:
		return fs.ModeDir | 0o755
	case e.Attributes&ReadOnly != 0:
		return 0o444
	}
	return 0o644
}

// Size implements vnode.Node.
func (e *Entry) Size() int64 { return e.size }

// ModTime implements vnode.Node.
func (e *Entry) ModTime() time.Time { return e.Modified }

// Unix implements [layer.Sys]. There are no owners, and no hard links; the
// number is the place of the entry, which is what Linux makes it of.
func (e *Entry) Unix() layer.Unix {
	return layer.Unix{Volume: e.fsys, Inode: uint64(e.place), Links: 1, Access: e.Accessed, Change: e.Modified, Birth: e.Created}
}

// Xattrs implements [layer.Sys]. FAT has none.
func (e *Entry) Xattrs() (map[string][]byte, error) { return nil, nil }

// A fileNode is a regular file.
type fileNode struct {
	*Entry
	fsys *FS
}

func (n fileNode) Sys() any { return n.Entry }

// Open implements vnode.File. It follows the file's chain, which is as long as
// its size needs: clusters behind that are not the file's data. A chain that
// ends before, or that is damaged, can be read up to there.
func (n fileNode) Open() (vnode.Content, error) {
	if n.size == 0 {
		return extent.NewReader(extent.List{}, 0), nil
	}
	size := n.fsys.geo.clusterSize
	c := n.fsys.chain("file "+n.name, n.Cluster, (n.size+size-1)/size, false)
	return extent.NewReader(c, n.size, n.fsys.source), nil
}

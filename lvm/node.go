package lvm

import (
	"io"
	"io/fs"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
)

// nameDirs chooses the groups' directories. Groups of one name all get the
// first characters of their UUID: which of them is the real one is nothing
// that their order could say.
func nameDirs(groups []*Group) {
	names, dirs := make(map[string]int), make(map[string]int)
	for _, g := range groups {
		names[g.Name]++
	}
	for _, g := range groups {
		g.Dir = g.Name
		if names[g.Name] > 1 {
			g.Dir += "~" + g.UUID[:uuidShortLen]
		}
		dirs[g.Dir]++
	}
	for _, g := range groups {
		if dirs[g.Dir] > 1 { // made to collide
			g.Dir = g.Name + "~" + g.UUID
		}
	}
}

// A pvReader reads a PV, and names it in errors.
type pvReader struct{ pv PV }

func (r pvReader) ReadAt(p []byte, off int64) (int, error) {
	if err := ondisk.ReadFull(r.pv.Reader, p, off); err != nil {
		return 0, failure(err, r.pv.Name, off, "reading %d bytes", len(p))
	}
	return len(p), nil
}

// sources returns the PVs as their groups' volumes read them.
func (s *pvSet) sources() []io.ReaderAt {
	list := make([]io.ReaderAt, len(s.pvs))
	for i, pv := range s.pvs {
		list[i] = pvReader{pv}
	}
	return list
}

// A file is a volume's.
type file struct {
	volume  *Volume
	sources []io.ReaderAt
}

func (f *file) Mode() fs.FileMode  { return 0o444 }
func (f *file) Size() int64        { return f.volume.Size }
func (f *file) ModTime() time.Time { return f.volume.Created }
func (f *file) Sys() any           { return f.volume }

func (f *file) Open() (vnode.Content, error) {
	if f.volume.Err != nil {
		return nil, f.volume.Err
	}
	return extent.NewReader(f.volume.layout, f.volume.Size, f.sources...), nil
}

// newRoot returns the directory of the groups.
func newRoot(groups []*Group, sources []io.ReaderAt) vnode.Dir {
	root := new(vnode.Listing)
	for _, g := range groups {
		d := &vnode.Listing{Modified: g.Created, About: g}
		for _, v := range g.Volumes {
			if v.Visible {
				d.Add(v.Name, &file{v, sources})
			}
		}
		root.Add(g.Dir, d)
	}
	return root
}

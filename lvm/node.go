package lvm

import (
	"io"
	"io/fs"
	"strconv"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
)

// nameDirs chooses the groups' directories. Groups of one name all get the
// first characters of their UUID: which of them is the real one is nothing
// that their order could say. The groups of a disk and its clone have the same
// UUID as well, and get numbers.
func nameDirs(groups []*Group) {
	type identity struct{ name, uuid string }
	names, short := make(map[string]int), make(map[identity]string)
	same, number := make(map[identity]int), make(map[identity]int)
	collide := make(map[identity]bool)
	for _, g := range groups {
		names[g.Name]++
		same[identity{g.Name, g.UUID}]++
		start := identity{g.Name, g.UUID[:uuidShortLen]}
		if short[start] != "" && short[start] != g.UUID { // made to collide
			collide[start] = true
		}
		short[start] = g.UUID
	}
	for _, g := range groups {
		g.Dir = g.Name
		if names[g.Name] == 1 {
			continue
		}
		id := g.UUID[:uuidShortLen]
		if collide[identity{g.Name, id}] {
			id = g.UUID
		}
		g.Dir += "~" + id
		if whole := (identity{g.Name, g.UUID}); same[whole] > 1 {
			number[whole]++
			g.Dir += "~" + strconv.Itoa(number[whole])
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

// newRoot returns the directory of the groups, whose hidden volumes have files
// too when hidden is set.
func newRoot(groups []*Group, sources []io.ReaderAt, hidden bool) vnode.Dir {
	root := new(vnode.Listing)
	for _, g := range groups {
		d := &vnode.Listing{Modified: g.Created, About: g}
		for _, v := range g.Volumes {
			if v.Visible && !v.pool() || hidden {
				d.Add(v.Name, &file{v, sources})
			}
		}
		root.Add(g.Dir, d)
	}
	return root
}

package export

import (
	"errors"
	"io/fs"
	"path"
	"sync"

	"github.com/vmdkfs/vmdkfs/layer"
)

// links remembers the files with several names, from the first of their names
// that is met to the last.
type links struct {
	mu     sync.Mutex
	groups map[fileID]*group
}

type fileID struct {
	volume any
	inode  uint64
}

// A group is the names of one file. The first is copied; those that are met
// meanwhile wait for it.
type group struct {
	first   leaf
	left    uint32 // names not met yet
	copied  bool
	skipped bool
	err     error // of the copy
	waiting []leaf
}

func newLinks() *links { return &links{groups: make(map[fileID]*group)} }

// claim reports whether l is the first name of its file, which the caller then
// copies. Any other is linked now, or when the first is done. The group is nil
// for a file with one name.
func (t *links) claim(l leaf, info fs.FileInfo) (g *group, first bool) {
	sys, ok := info.Sys().(layer.Sys)
	if !ok {
		return nil, true
	}
	unix := sys.Unix()
	if unix.Links < 2 {
		return nil, true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	id := fileID{unix.Volume, unix.Inode}
	g = t.groups[id]
	if g == nil {
		g = &group{first: l, left: unix.Links - 1}
		t.groups[id] = g
		return g, true
	}
	if g.left--; g.left == 0 {
		delete(t.groups, id)
	}
	if g.copied {
		g.link(l.dir.copier, l)
	} else {
		l.dir.retain()
		g.waiting = append(g.waiting, l)
	}
	return g, false
}

// done says that the first name of g was copied, or why not, and links those
// that wait for it.
func (t *links) done(c *copier, g *group, err error, skipped bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	g.copied, g.err, g.skipped = true, err, skipped
	for _, l := range g.waiting {
		g.link(c, l)
		l.dir.release()
	}
	g.waiting = nil
}

// link makes l a link to the copy of the first name.
func (g *group) link(c *copier, l leaf) {
	err := g.err
	if g.skipped || c.ctx.Err() != nil {
		return
	}
	if err == nil {
		from, to := path.Join(g.first.dir.dest, g.first.name), path.Join(l.dir.dest, l.name)
		err = c.top.Link(from, to)
		if errors.Is(err, fs.ErrExist) && c.opts.Overwrite && !l.dir.fresh {
			if err = c.top.Remove(to); err == nil {
				err = c.top.Link(from, to)
			}
		}
	}
	if err != nil {
		c.fail(l.Path, err)
		return
	}
	c.files.Add(1)
}

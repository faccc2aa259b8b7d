package export

import (
	"errors"
	"io/fs"
	"os"
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
	missing bool  // it was left out
	err     error // of the copy
	sum     *digest
	waiting []leaf
}

func newLinks() *links { return &links{groups: make(map[fileID]*group)} }

// claim reports whether l is the first name of its file, which the caller then
// copies. Any other is linked now, or when the first is done. The group is nil
// for a file with one name.
func (t *links) claim(l leaf, info fs.FileInfo) (g *group, first bool) {
	sys, ok := info.Sys().(layer.Sys)
	if !ok || !l.dir.copier.opts.keep(Links) {
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
func (t *links) done(c *copier, g *group, err error, left bool, sum *digest) {
	t.mu.Lock()
	defer t.mu.Unlock()
	g.copied, g.err, g.missing, g.sum = true, err, left, sum
	for _, l := range g.waiting {
		g.link(c, l)
		l.dir.release()
	}
	g.waiting = nil
}

// link makes l a link to the copy of the first name, unless it is that.
func (g *group) link(c *copier, l leaf) {
	err := g.err
	if g.missing || c.ctx.Err() != nil {
		return
	}
	if err == nil && l.there {
		l.there = c.sameFile(g.first, l)
	}
	if err == nil && !l.there {
		err = l.dir.twice(c.top.Link(g.first.dest(), l.dest()))
		if errors.Is(err, fs.ErrExist) && (c.opts.Overwrite || c.opts.Resume) && !l.dir.fresh {
			// check has looked: it may be replaced, or is a complete copy.
			if err = l.dir.host.remove(l.name); err == nil {
				err = c.top.Link(g.first.dest(), l.dest())
			}
		}
	}
	if err != nil {
		c.fail(l.Path, err)
		return
	}
	c.done(l, g.sum)
}

// sameFile reports whether two copies are one file.
func (c *copier) sameFile(l, m leaf) bool {
	a, err := c.top.Lstat(l.dest())
	b, err2 := c.top.Lstat(m.dest())
	return err == nil && err2 == nil && os.SameFile(a, b)
}

package diff

import (
	"io/fs"
	"strings"

	"github.com/vmdkfs/vmdkfs/internal/walk"
)

// A gathered is the files that are in one of the trees only, with all that
// lies in them.
type gathered struct {
	files []candidate
	at    map[string]int // by path
}

// A candidate is a file that may have been renamed.
type candidate struct {
	entry walk.Entry
	state *State
	id    identity
	done  bool // it has a counterpart
}

// An identity is what a file keeps when it is renamed. The zero identity is
// that of no file.
type identity struct {
	volume     any
	inode      uint64
	generation uint64
	birth      int64
	kind       fs.FileMode
	// Where the file system keeps neither generation nor birth, another file may
	// have taken the number over.
	size, mtime int64
}

// identityOf returns the identity of a file, the zero one when the file system
// has nothing to tell it by. A volume of the second tree goes by its twin.
func (c *comparison) identityOf(s *side, info fs.FileInfo) identity {
	unix, ok := unixOf(info)
	if !ok {
		return identity{}
	}
	id := identity{volume: unix.Volume, inode: unix.Inode, generation: unix.Generation, kind: info.Mode().Type()}
	if s.second {
		if id.volume = c.twin[unix.Volume]; id.volume == nil {
			return identity{}
		}
	}
	if !unix.Birth.IsZero() {
		id.birth = unix.Birth.UnixNano()
	}
	if id.generation == 0 && id.birth == 0 {
		if info.IsDir() {
			return identity{}
		}
		id.size, id.mtime = info.Size(), info.ModTime().UnixNano()
	}
	return id
}

// gather adds the file at start, and all that lies in it.
func (c *comparison) gather(g *gathered, s *side, start walk.Entry) {
	for e, err := range walk.From(s.FS, start).All() {
		var info fs.FileInfo
		if err == nil {
			info, err = e.Info()
		}
		if c.ctx.Err() != nil {
			return
		}
		if err != nil {
			c.fail(s, e.Path, err)
			continue
		}
		if g.at == nil {
			g.at = make(map[string]int)
		}
		g.at[e.Path] = len(g.files)
		g.files = append(g.files, candidate{e, stateOf(info), c.identityOf(s, info), false})
	}
}

// gatherBelow adds all that lies in the directory dir, if it is one.
func (c *comparison) gatherBelow(g *gathered, s *side, dir walk.Entry) {
	if !dir.IsDir() {
		return
	}
	entries, _ := c.list(s, dir)
	for _, e := range entries {
		c.gather(g, s, walk.Below(s.FS, dir, e))
	}
}

// rename finds what was renamed among what was gathered, and adds the rest as
// what it is. Directories come before what lies in them.
func (c *comparison) rename() {
	byID := make(map[identity][]int)
	for i, f := range c.removed.files {
		if f.id != (identity{}) {
			byID[f.id] = append(byID[f.id], i)
		}
	}
	for j := range c.added.files {
		f := &c.added.files[j]
		for !f.done && f.id != (identity{}) && len(byID[f.id]) > 0 {
			i := byID[f.id][0]
			byID[f.id] = byID[f.id][1:]
			if !c.removed.files[i].done {
				c.renamed(i, j)
			}
		}
	}
	for _, f := range c.removed.files {
		if !f.done {
			c.add(Change{Kind: Removed, Path: f.entry.Path, Before: f.state})
		}
	}
	for _, f := range c.added.files {
		if !f.done {
			c.add(Change{Kind: Added, Path: f.entry.Path, After: f.state})
		}
	}
	c.removed, c.added = gathered{}, gathered{}
}

// renamed makes a pair of a file that was removed and one that was added. What
// lies in them under the same paths is compared.
func (c *comparison) renamed(i, j int) {
	a, b := &c.removed.files[i], &c.added.files[j]
	a.done, b.done = true, true
	c.compare(pair{a.entry, b.entry}, a.entry.Path)
	if !a.entry.IsDir() {
		return
	}
	// They follow one another, in the order of a walk.
	for k := i + 1; k < len(c.removed.files); k++ {
		x := &c.removed.files[k]
		rest, inside := strings.CutPrefix(x.entry.Path, a.entry.Path+"/")
		if !inside {
			break
		}
		m, ok := c.added.at[b.entry.Path+"/"+rest]
		if !ok || x.done || c.added.files[m].done {
			continue
		}
		x.done, c.added.files[m].done = true, true
		c.compare(pair{x.entry, c.added.files[m].entry}, "")
	}
}

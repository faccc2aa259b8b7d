package diff

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"runtime"
	"sync"

	"github.com/vmdkfs/vmdkfs/internal/walk"
	"github.com/vmdkfs/vmdkfs/layer"
)

// batch is how many pairs are compared by a goroutine at once.
const batch = 64

// A comparison is one run of Trees. One goroutine goes through the directories,
// others compare the pairs that it finds.
type comparison struct {
	ctx     context.Context
	options Options
	first   side
	second  side
	dirs    []pair // whose names are to be compared
	pending []pair // that are to be compared themselves
	workers sync.WaitGroup
	free    chan struct{} // has room for a token of each worker
	volumes map[[2]any]*volumePair
	twin    map[any]any // of a volume of the second tree, the one at the same place in the first

	removed, added gathered

	mu      sync.Mutex // guards what follows, and the calls of Fail and Note
	changes []Change
}

// A pair is one file in both trees.
type pair struct{ a, b walk.Entry }

func newComparison(ctx context.Context, first, second Tree, o Options) *comparison {
	c := &comparison{ctx: ctx, options: o, volumes: make(map[[2]any]*volumePair), twin: make(map[any]any)}
	c.first = side{Tree: first, seen: make(map[numbered]struct{})}
	c.second = side{Tree: second, seen: make(map[numbered]struct{}), second: true}
	c.free = make(chan struct{}, runtime.GOMAXPROCS(0))
	return c
}

// A side is one of the trees.
type side struct {
	Tree
	second bool
	seen   map[numbered]struct{} // directories
}

// A numbered is what is one file, whatever its names.
type numbered struct {
	volume any
	inode  uint64
}

// met reports whether it was called for this directory before.
func (s *side) met(dir fs.FileInfo) bool {
	unix, ok := unixOf(dir)
	if !ok {
		return false
	}
	f := numbered{unix.Volume, unix.Inode}
	_, met := s.seen[f]
	s.seen[f] = struct{}{}
	return met
}

func unixOf(info fs.FileInfo) (layer.Unix, bool) {
	if sys, ok := info.Sys().(layer.Sys); ok {
		return sys.Unix(), true
	}
	return layer.Unix{}, false
}

// run compares until nothing is left.
func (c *comparison) run() error {
	for len(c.dirs) > 0 && c.ctx.Err() == nil {
		last := len(c.dirs) - 1
		p := c.dirs[last]
		c.dirs[last], c.dirs = pair{}, c.dirs[:last]
		c.directory(p)
	}
	c.flush()
	c.rename()
	c.workers.Wait()
	return c.ctx.Err()
}

// match has a pair compared, and what lies in it if it is one of directories.
func (c *comparison) match(p pair) {
	if p.a.IsDir() && p.b.IsDir() {
		c.dirs = append(c.dirs, p)
	}
	c.pending = append(c.pending, p)
	if len(c.pending) == batch {
		c.flush()
	}
}

// flush gives the pending pairs to a goroutine.
func (c *comparison) flush() {
	pairs := c.pending
	c.pending = nil
	c.free <- struct{}{}
	c.workers.Go(func() {
		defer func() { <-c.free }()
		for _, p := range pairs {
			if c.ctx.Err() == nil {
				c.compare(p, "")
			}
		}
	})
}

// errLoop is what a directory with two names gets: such a tree has no end.
var errLoop = errors.New("directory was met before under another name: not entered again")

// directory compares the names in two directories.
func (c *comparison) directory(p pair) {
	infoA, okA := c.enter(&c.first, p.a)
	infoB, okB := c.enter(&c.second, p.b)
	if !okA || !okB {
		return
	}
	volume := c.volumePair(infoA, infoB)
	if volume.tree(infoA, infoB) {
		return
	}
	before, wholeA := c.list(&c.first, p.a)
	after, wholeB := c.list(&c.second, p.b)
	for i, j := 0, 0; i < len(before) || j < len(after); {
		order := 0
		switch {
		case i == len(before):
			order = 1
		case j == len(after):
			order = -1
		default:
			order = cmp.Compare(before[i].Name(), after[j].Name())
		}
		switch {
		case order < 0 && wholeB:
			c.gather(&c.removed, &c.first, walk.Below(c.first.FS, p.a, before[i]))
		case order > 0 && wholeA:
			c.gather(&c.added, &c.second, walk.Below(c.second.FS, p.b, after[j]))
		case order == 0 && !volume.entry(before[i], after[j]):
			c.matchNames(pair{walk.Below(c.first.FS, p.a, before[i]), walk.Below(c.second.FS, p.b, after[j])})
		}
		if order <= 0 {
			i++
		}
		if order >= 0 {
			j++
		}
	}
}

// matchNames has two files of one name compared. What lay in a directory that
// is none any more was removed.
func (c *comparison) matchNames(p pair) {
	if p.a.IsDir() != p.b.IsDir() {
		c.gatherBelow(&c.removed, &c.first, p.a)
		c.gatherBelow(&c.added, &c.second, p.b)
	}
	c.match(p)
}

// enter describes a directory that is about to be listed.
func (c *comparison) enter(s *side, dir walk.Entry) (fs.FileInfo, bool) {
	info, err := dir.Info()
	if err == nil && s.met(info) {
		err = errLoop
	}
	c.fail(s, dir.Path, err)
	return info, err == nil
}

// list returns what a directory holds, by name, and whether that is all.
func (c *comparison) list(s *side, dir walk.Entry) ([]fs.DirEntry, bool) {
	entries, err := dir.ReadDir()
	c.fail(s, dir.Path, err)
	return entries, err == nil
}

// fail reports an error, if it is one.
func (c *comparison) fail(s *side, path string, err error) {
	if err != nil && c.ctx.Err() == nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.options.Fail(s.second, path, err)
	}
}

// add adds a change.
func (c *comparison) add(change Change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes = append(c.changes, change)
}

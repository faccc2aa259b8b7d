// Package walk goes through a tree once, in a fixed order, without resolving
// the path of any entry.
package walk

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"

	"github.com/vmdkfs/vmdkfs/internal/slab"
	"github.com/vmdkfs/vmdkfs/layer"
)

// An FS is a file system that can be walked: every layer's, and most others.
type FS interface {
	fs.ReadDirFS
	fs.ReadLinkFS
}

// An Entry is one file of a tree.
type Entry struct {
	layer.DirEntry
	Path  string // in the file system that is walked
	Depth int    // 0 for the file that the walk began at
}

// errLoop is what a directory with two names gets: such a tree has no end.
var errLoop = errors.New("directory was met before under another name: not entered again")

// maxPath is how many bytes of path a walk goes into, twice what a path of
// Linux has. Each level keeps its own path: without a bound a chain of 100,000
// directories, which is an image of a few megabytes, would take gigabytes.
const maxPath = 8 << 10

// errTooDeep is what a directory gets whose path is longer.
var errTooDeep = fmt.Errorf("its path is longer than %d bytes: not entered (%w)", maxPath, layer.ErrCorrupt)

// A Walker walks a tree. It is used by one goroutine.
type Walker struct {
	fsys    FS
	start   Entry
	compare func(a, b fs.DirEntry) int
	seen    map[any]map[uint64]struct{} // directories, by volume and inode
	paths   slab.Strings
	skip    bool
}

// New returns a walker of the file at name and of everything below it.
// Symbolic links are not followed. Entries are sorted by compare in each
// directory; nil leaves them in the order of their names.
func New(fsys FS, name string, compare func(a, b fs.DirEntry) int) (*Walker, error) {
	start, err := Find(fsys, name)
	if err != nil {
		return nil, err
	}
	w := From(fsys, start)
	w.compare = compare
	return w, nil
}

// From returns a walker of a file of fsys that was found before, and of
// everything below it, in the order of their names.
func From(fsys FS, start Entry) *Walker {
	return &Walker{fsys: fsys, start: start, seen: make(map[any]map[uint64]struct{})}
}

// Start returns the file that the walk begins at.
func (w *Walker) Start() Entry { return w.start }

// SkipDir makes the walk leave out what lies in the directory that was yielded
// last.
func (w *Walker) SkipDir() { w.skip = true }

// level is a directory that is being walked.
type level struct {
	dir     Entry
	entries []fs.DirEntry
	err     error // of the listing, told behind its entries
}

// All yields the file that the walk begins at, and if it is a directory all
// that lies below it, a directory before what it holds. When a directory
// cannot be listed, or only in part, the directory is yielded again with the
// error, behind all that could be listed.
func (w *Walker) All() iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		w.skip = false
		if !yield(w.start, nil) {
			return
		}
		var stack []level
		if w.start.IsDir() && !w.skip {
			stack = append(stack, w.enter(w.start))
		}
		for len(stack) > 0 {
			top := &stack[len(stack)-1]
			if len(top.entries) == 0 {
				if top.err != nil && !yield(top.dir, top.err) {
					return
				}
				stack[len(stack)-1] = level{}
				stack = stack[:len(stack)-1]
				continue
			}
			name := w.below(top.dir.Path, top.entries[0].Name())
			e := Entry{entryOf(w.fsys, name, top.entries[0]), name, len(stack)}
			top.entries[0], top.entries = nil, top.entries[1:]
			w.skip = false
			if !yield(e, nil) {
				return
			}
			if e.IsDir() && !w.skip {
				stack = append(stack, w.enter(e))
			}
		}
	}
}

// A lister is an entry that describes and lists its directory at once.
type lister interface {
	List() (fs.FileInfo, []fs.DirEntry, error)
}

// enter lists a directory, unless it was listed before.
func (w *Walker) enter(dir Entry) level {
	entries, err := w.list(dir)
	if w.compare != nil {
		slices.SortFunc(entries, w.compare)
	}
	return level{dir, entries, err}
}

func (w *Walker) list(dir Entry) ([]fs.DirEntry, error) {
	if len(dir.Path) > maxPath {
		return nil, errTooDeep
	}
	if l, ok := dir.DirEntry.(lister); ok {
		info, entries, err := l.List()
		if info != nil && w.met(info) {
			return nil, errLoop
		}
		return entries, err
	}
	info, err := dir.Info()
	if err != nil {
		return nil, err
	}
	if w.met(info) {
		return nil, errLoop
	}
	return dir.ReadDir()
}

// met reports whether it was called for this directory before. No sound file
// system has one with two names; a hostile one would be walked forever.
func (w *Walker) met(dir fs.FileInfo) bool {
	sys, ok := dir.Sys().(layer.Sys)
	if !ok {
		return false
	}
	unix := sys.Unix()
	inodes := w.seen[unix.Volume]
	if inodes == nil {
		inodes = make(map[uint64]struct{})
		w.seen[unix.Volume] = inodes
	}
	if _, met := inodes[unix.Inode]; met {
		return true
	}
	inodes[unix.Inode] = struct{}{}
	return false
}

// below returns the path of name in dir.
func (w *Walker) below(dir, name string) string {
	if dir == "." {
		return name
	}
	return w.paths.Join(dir, "/", name)
}

package iso

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/vmdkfs/vmdkfs/layer"
)

var (
	errNoType  = errors.New("a file of a type that POSIX does not have")
	errNotADir = errors.New("not a directory")
	errTooDeep = fmt.Errorf("more than %d directories deep: not entered (%w)", maxDepth, layer.ErrCorrupt)
)

// A walker makes the tree of nodes: the one pass over the source's metadata.
type walker struct {
	ctx     context.Context
	fsys    fs.FS
	date    instant // for what has no time
	serial  uint32
	entries int
	dirs    int
	linked  map[fileID]*link // files of several names
	attrs   map[attr]*attr
	report  *Report

	maxDepth int
	manifest *node // the file, if one is wanted
}

// A fileID is what the names of one file have in common.
type fileID struct {
	volume any
	inode  uint64
}

// A selection holds the names to take from a directory, with what to take from
// each of them. A nil selection takes everything.
type selection map[string]selection

// selectPaths returns what the paths select, each of them with the directories
// above it.
func selectPaths(paths []string) (selection, error) {
	root := selection{}
	for _, p := range paths {
		if !fs.ValidPath(p) {
			return nil, &fs.PathError{Op: "open", Path: p, Err: fs.ErrInvalid}
		}
		if p == "." {
			return nil, nil
		}
		s := root
		elems := strings.Split(p, "/")
		for i, elem := range elems {
			below, seen := s[elem]
			if seen && below == nil {
				break // all of it is wanted already
			}
			if i == len(elems)-1 {
				below = nil
			} else if !seen {
				below = selection{}
			}
			s[elem] = below
			s = below
		}
	}
	return root, nil
}

// walk returns the root of the tree. It fails when the root cannot be read, or
// what was asked for by name; all else is reported and left out.
func (w *walker) walk(wanted selection) (*node, error) {
	info, err := fs.Stat(w.fsys, ".")
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, &fs.PathError{Op: "readdir", Path: ".", Err: errNotADir}
	}
	root := &node{}
	if err := w.describe(root, nil, info); err != nil {
		return nil, err
	}
	w.number(root)
	list, err := fs.ReadDir(w.fsys, ".")
	if err != nil && len(list) == 0 {
		return nil, err
	}
	if err := w.fill(root, list, err, wanted, 1); err != nil {
		return nil, err
	}
	w.countLinks(root)
	if w.manifest != nil {
		w.addManifest(root)
		a := *root.attr
		a.links++
		root.attr = w.intern(a)
	}
	return root, nil
}

// fill gives dir, which is at a depth from 1, the nodes of its entries. The error
// that ended the listing is reported.
func (w *walker) fill(dir *node, list []fs.DirEntry, failed error, wanted selection, depth int) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	if failed != nil {
		w.report.add(nodeError("readdir", dir, failed))
	}
	if wanted != nil {
		list = slices.DeleteFunc(slices.Clone(list), func(e fs.DirEntry) bool { _, ok := wanted[e.Name()]; return !ok })
		if err := checkWanted(dir, list, wanted); err != nil {
			if failed != nil {
				return failed // what is wanted may be in the part that could not be listed
			}
			return err
		}
	}
	nodes := make([]node, 0, len(list))
	for _, e := range list {
		// Of the entry, which holds much, nothing is kept but its name:
		// the copier lists each directory again.
		n := node{name: e.Name(), parent: dir}
		var entry layer.DirEntry
		entry, n.layer = e.(layer.DirEntry)
		info, err := e.Info()
		if err == nil {
			err = w.describe(&n, entry, info)
		}
		if err != nil {
			w.report.add(nodeError("lstat", &n, err))
			continue
		}
		nodes = append(nodes, n)
	}
	if dir.parent == nil && w.manifest != nil {
		nodes = append(nodes, w.manifestDir(dir, nodes))
	}
	if err := shortNames(nodes); err != nil {
		return &fs.PathError{Op: "write", Path: dir.path(), Err: err}
	}
	// Nodes are moved no more from here on: others point to them.
	slices.SortFunc(nodes, func(a, b node) int { return strings.Compare(string(a.short[:]), string(b.short[:])) })
	dir.dir.children = slices.Clip(nodes)
	for i := range nodes {
		n := &nodes[i]
		w.number(n)
		if !n.isDir() {
			continue
		}
		if n.dir.manifest {
			w.entries, w.dirs = w.entries-1, w.dirs-1 // it is not of the source
			continue
		}
		var list []fs.DirEntry
		err := errTooDeep
		if depth < w.maxDepth {
			list, err = readDir(w.fsys, n)
		}
		if err := w.fill(n, list, err, wanted[n.name], depth+1); err != nil {
			return err
		}
		w.countLinks(n)
	}
	return nil
}

// checkWanted reports the first of the wanted names that is not in list.
func checkWanted(dir *node, list []fs.DirEntry, wanted selection) error {
	found := make(map[string]fs.DirEntry, len(list))
	for _, e := range list {
		found[e.Name()] = e
	}
	var names []string
	for name := range wanted {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		var err error
		if e := found[name]; e == nil {
			err = fs.ErrNotExist
		} else if wanted[name] != nil && !e.IsDir() {
			err = errNotADir
		}
		if err != nil {
			return &fs.PathError{Op: "open", Path: path.Join(dir.path(), name), Err: err}
		}
	}
	return nil
}

// readDir lists a directory of the source.
func readDir(fsys fs.FS, n *node) ([]fs.DirEntry, error) {
	if n.dir.entry != nil {
		return n.dir.entry.ReadDir()
	}
	return fs.ReadDir(fsys, n.path())
}

// describe fills in what the node of a file is. Its number of links may stay
// 0, where the source does not tell that of a directory. entry is nil where the
// source is no layer, and for the root.
func (w *walker) describe(n *node, entry layer.DirEntry, info fs.FileInfo) error {
	fail := func(err error) error { return &fs.PathError{Op: "lstat", Path: n.path(), Err: err} }
	var a attr
	var ok bool
	if a.mode, ok = posixMode(info.Mode()); !ok {
		return fail(errNoType)
	}
	n.mtime = w.date
	if mtime := info.ModTime(); !mtime.IsZero() {
		n.mtime = instantOf(mtime)
	}
	n.atime, n.ctime = n.mtime, n.mtime
	switch a.mode & modeType {
	case modeDir:
		n.dir = &folder{entry: entry}
	case modeRegular:
		if n.size = info.Size(); n.size < 0 {
			return fail(fs.ErrInvalid)
		}
	case modeSymlink:
		target, err := w.readLink(n, entry)
		if err != nil {
			return err
		}
		n.rare().target = target
	}
	if u, ok := unixOf(info); ok {
		a.links, a.uid, a.gid = max(u.Links, 1), u.UID, u.GID
		if kind := a.mode & modeType; kind == modeChar || kind == modeBlock {
			n.rare().major, n.rare().minor = u.Major, u.Minor
		}
		if !u.Access.IsZero() {
			n.atime = instantOf(u.Access)
		}
		if !u.Change.IsZero() {
			n.ctime = instantOf(u.Change)
		}
		if u.Links > 1 && !info.IsDir() && reflect.ValueOf(u.Volume).Comparable() {
			id := fileID{u.Volume, u.Inode}
			l := w.linked[id]
			if l == nil {
				l = new(link)
				w.linked[id] = l
			}
			n.rare().link = l
		}
		if w.manifest != nil {
			n.lost = lostOf(info.Sys(), u)
		}
	} else if !info.IsDir() {
		a.links = 1
	}
	n.attr = w.intern(a)
	return nil
}

// intern returns the one copy of a.
func (w *walker) intern(a attr) *attr {
	p := w.attrs[a]
	if p == nil {
		p = &a
		w.attrs[a] = p
	}
	return p
}

// readLink returns the raw bytes of the link's target.
func (w *walker) readLink(n *node, entry layer.DirEntry) (string, error) {
	if entry == nil {
		return fs.ReadLink(w.fsys, n.path())
	}
	target, err := entry.ReadLink()
	return unescape(target), err
}

// number gives n its serial number, the same for all names of one file; the
// first of them has the data.
func (w *walker) number(n *node) {
	w.entries++
	if n.isDir() {
		w.dirs++
	}
	if n.more != nil && n.more.link != nil {
		l := n.more.link
		l.names++
		if l.owner != nil {
			n.serial, n.size = l.owner.serial, l.owner.size
			return
		}
		l.owner = n
	}
	w.serial++
	n.serial = w.serial
}

// countLinks sets the number of links of a directory whose source does not
// tell it: its name, its ".", and the ".." of each directory in it.
func (w *walker) countLinks(n *node) {
	if n.attr.links > 0 {
		return
	}
	a := *n.attr
	a.links = 2 + n.subdirectories()
	n.attr = w.intern(a)
}

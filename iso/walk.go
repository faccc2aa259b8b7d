package iso

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/vmdkfs/vmdkfs/layer"
)

var (
	errNoType  = errors.New("a file of a type that POSIX does not have")
	errNotADir = errors.New("not a directory")
)

// A walker makes the tree of nodes: the one pass over the source's metadata.
type walker struct {
	ctx     context.Context
	fsys    fs.FS
	date    int64 // for what has no time
	serial  uint32
	entries int
	linked  map[fileID]*link // files of several names
	report  *Report
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
	if err := w.describe(root, info); err != nil {
		return nil, err
	}
	w.number(root)
	list, err := fs.ReadDir(w.fsys, ".")
	if err != nil && len(list) == 0 {
		return nil, err
	}
	if err := w.fill(root, list, err, wanted); err != nil {
		return nil, err
	}
	if root.links == 0 {
		root.links = directoryLinks(root)
	}
	return root, nil
}

// fill gives dir the nodes of its entries. The error that ended the listing
// is reported.
func (w *walker) fill(dir *node, list []fs.DirEntry, failed error, wanted selection) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	if failed != nil {
		w.report.add(failed)
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
		n := node{name: e.Name(), parent: dir}
		n.entry, _ = e.(layer.DirEntry)
		info, err := e.Info()
		if err == nil {
			err = w.describe(&n, info)
		}
		if err != nil {
			w.report.add(err)
			continue
		}
		nodes = append(nodes, n)
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
		list, err := w.readDir(n)
		if err := w.fill(n, list, err, wanted[n.name]); err != nil {
			return err
		}
		if n.links == 0 {
			n.links = directoryLinks(n)
		}
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

func (w *walker) readDir(n *node) ([]fs.DirEntry, error) {
	if n.entry != nil {
		return n.entry.ReadDir()
	}
	return fs.ReadDir(w.fsys, n.path())
}

// describe fills in what the node of a file is. Its number of links may stay
// 0, where the source does not tell that of a directory.
func (w *walker) describe(n *node, info fs.FileInfo) error {
	fail := func(err error) error { return &fs.PathError{Op: "lstat", Path: n.path(), Err: err} }
	var ok bool
	if n.mode, ok = posixMode(info.Mode()); !ok {
		return fail(errNoType)
	}
	mtime := info.ModTime()
	if mtime.IsZero() {
		mtime = time.Unix(w.date, 0)
	}
	n.mtime = mtime.Unix()
	n.atime, n.ctime = n.mtime, n.mtime
	switch n.mode & modeType {
	case modeDir:
		n.dir = &folder{}
	case modeRegular:
		if n.size = info.Size(); n.size < 0 {
			return fail(fs.ErrInvalid)
		}
	case modeSymlink:
		target, err := w.readLink(n)
		if err != nil {
			return err
		}
		n.target = target
	}
	u, ok := unixOf(info)
	if !ok {
		if !info.IsDir() {
			n.links = 1
		}
		return nil
	}
	n.links, n.uid, n.gid, n.major, n.minor = u.Links, u.UID, u.GID, u.Major, u.Minor
	if !u.Access.IsZero() {
		n.atime = u.Access.Unix()
	}
	if !u.Change.IsZero() {
		n.ctime = u.Change.Unix()
	}
	if u.Links > 1 && !info.IsDir() && reflect.ValueOf(u.Volume).Comparable() {
		id := fileID{u.Volume, u.Inode}
		if n.link = w.linked[id]; n.link == nil {
			n.link = new(link)
			w.linked[id] = n.link
		}
	}
	n.links = max(n.links, 1)
	return nil
}

// readLink returns the raw bytes of the link's target.
func (w *walker) readLink(n *node) (string, error) {
	if n.entry == nil {
		return fs.ReadLink(w.fsys, n.path())
	}
	target, err := n.entry.ReadLink()
	return unescape(target), err
}

// number gives n its serial number, the same for all names of one file; the
// first of them has the data.
func (w *walker) number(n *node) {
	w.entries++
	if n.link != nil && n.link.owner != nil {
		n.serial, n.size = n.link.owner.serial, n.link.owner.size
		return
	}
	if n.link != nil {
		n.link.owner = n
	}
	w.serial++
	n.serial = w.serial
}

// directoryLinks returns how many links a directory has on Unix: its name, its
// ".", and the ".." of each directory in it.
func directoryLinks(n *node) uint32 {
	links := uint32(2)
	for i := range n.dir.children {
		if n.dir.children[i].isDir() {
			links++
		}
	}
	return links
}

package export

import (
	"fmt"
	"io/fs"
	"iter"
	"path"
	"slices"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/internal/walk"
)

// Select returns a file system that holds the files at paths under their own
// names, in its root, or what is in the directory when paths is just one.
func Select(fsys walk.FS, paths []string) (fs.FS, error) {
	if len(paths) == 1 {
		info, err := fsys.Lstat(paths[0])
		if err != nil {
			return nil, err
		}
		if info.IsDir() {
			return fs.Sub(fsys, paths[0])
		}
	}
	dir := &selection{}
	for _, name := range paths {
		e, err := find(fsys, name)
		if err != nil {
			return nil, err
		}
		if _, err := dir.Lookup(e.Name()); err == nil {
			return nil, &fs.PathError{Op: "open", Path: name, Err: fmt.Errorf("two files are called %q", e.Name())}
		}
		dir.entries = append(dir.entries, e)
	}
	return vnode.New(dir), nil
}

// find returns the directory entry of the file at name.
func find(fsys walk.FS, name string) (*vnode.DirEntry, error) {
	entries, err := fsys.ReadDir(path.Dir(name))
	i := slices.IndexFunc(entries, func(e fs.DirEntry) bool { return e.Name() == path.Base(name) })
	if i < 0 && err == nil {
		err = &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	if i < 0 {
		return nil, err
	}
	e, ok := entries[i].(*vnode.DirEntry)
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	return e, nil
}

// A selection is the root of what Select returns: a directory of no file
// system, with entries of another.
type selection struct{ entries []*vnode.DirEntry }

func (*selection) Mode() fs.FileMode  { return fs.ModeDir | 0o555 }
func (*selection) Size() int64        { return 0 }
func (*selection) ModTime() time.Time { return time.Time{} }
func (*selection) Sys() any           { return nil }

func (s *selection) Lookup(name string) (vnode.Node, error) {
	for _, e := range s.entries {
		if e.Name() == name {
			return e.Node()
		}
	}
	return nil, fs.ErrNotExist
}

func (s *selection) Entries() iter.Seq2[vnode.Entry, error] {
	return func(yield func(vnode.Entry, error) bool) {
		for _, e := range s.entries {
			if !yield(e.Entry, nil) {
				return
			}
		}
	}
}

package vnode

import (
	"errors"
	"io/fs"
	"path"
)

// A sub is a file system seen from one of its directories, as fs.Sub would
// make it, with links.
type sub struct {
	fsys *FS
	dir  string
}

// do runs op with the full path of name, and tells its error with name itself.
func do[T any](s *sub, name string, op func(string) (T, error)) (T, error) {
	full := name // an invalid path stays one
	if fs.ValidPath(name) {
		full = path.Join(s.dir, name)
	}
	v, err := op(full)
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = &fs.PathError{Op: pe.Op, Path: name, Err: pe.Err}
	}
	return v, err
}

func (s *sub) Open(name string) (fs.File, error)          { return do(s, name, s.fsys.Open) }
func (s *sub) Stat(name string) (fs.FileInfo, error)      { return s.named(name, s.fsys.Stat) }
func (s *sub) Lstat(name string) (fs.FileInfo, error)     { return s.named(name, s.fsys.Lstat) }
func (s *sub) ReadLink(name string) (string, error)       { return do(s, name, s.fsys.ReadLink) }
func (s *sub) ReadDir(name string) ([]fs.DirEntry, error) { return do(s, name, s.fsys.ReadDir) }
func (s *sub) ReadFile(name string) ([]byte, error)       { return do(s, name, s.fsys.ReadFile) }

func (s *sub) Sub(dir string) (fs.FS, error) {
	return do(s, dir, s.fsys.Sub)
}

// named is do for the two that describe a file; the root is called ".".
func (s *sub) named(name string, op func(string) (fs.FileInfo, error)) (fs.FileInfo, error) {
	i, err := do(s, name, op)
	if err == nil && name == "." {
		i = info{i.(info).Node, "."}
	}
	return i, err
}

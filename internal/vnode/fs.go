package vnode

import (
	"io/fs"
	"strings"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
)

// An FS is a file system over a root node. It implements fs.ReadDirFS,
// fs.StatFS, fs.ReadFileFS, fs.ReadLinkFS and fs.SubFS.
type FS struct {
	root Dir
}

// New returns the file system whose root directory is root.
func New(root Dir) *FS { return &FS{root: root} }

// Root returns the root directory.
func (f *FS) Root() Dir { return f.root }

// Open opens the named file, following links. A regular file is a
// [layer.File], a directory a [fs.ReadDirFile]; a device, fifo or socket reads
// as empty.
func (f *FS) Open(name string) (fs.File, error) {
	node, err := f.resolve(name, true)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return openNode(node, name)
}

// Stat describes the named file, following links.
func (f *FS) Stat(name string) (fs.FileInfo, error) { return f.stat("stat", name, true) }

// Lstat describes the named file; a link is described itself.
func (f *FS) Lstat(name string) (fs.FileInfo, error) { return f.stat("lstat", name, false) }

func (f *FS) stat(op, name string, follow bool) (fs.FileInfo, error) {
	node, err := f.resolve(name, follow)
	if err != nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: err}
	}
	return info{node, base(name)}, nil
}

// ReadLink returns the target of the named symbolic link.
func (f *FS) ReadLink(name string) (string, error) {
	node, err := f.resolve(name, false)
	if err == nil {
		if link, ok := node.(Link); ok {
			var target string
			if target, err = link.Target(); err == nil {
				return target, nil
			}
		} else {
			err = fs.ErrInvalid
		}
	}
	return "", &fs.PathError{Op: "readlink", Path: name, Err: err}
}

// ReadDir returns the entries of the named directory, sorted by name. When a
// part of the directory cannot be read it returns the rest and the error.
func (f *FS) ReadDir(name string) ([]fs.DirEntry, error) {
	node, err := f.resolve(name, true)
	if err != nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: err}
	}
	dir, ok := node.(Dir)
	if !ok {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errNotDir}
	}
	return readDir(dir, name)
}

// ReadFile returns the content of the named file.
func (f *FS) ReadFile(name string) ([]byte, error) {
	fail := func(err error) ([]byte, error) { return nil, &fs.PathError{Op: "read", Path: name, Err: err} }
	node, err := f.resolve(name, true)
	if err != nil {
		return fail(err)
	}
	if node.Mode().IsDir() {
		return fail(errIsDir)
	}
	file, ok := node.(File)
	if !ok {
		return []byte{}, nil
	}
	content, err := file.Open()
	if err != nil {
		return fail(err)
	}
	if int64(int(content.Size())) != content.Size() {
		return fail(errAddressSpace)
	}
	data, err := ondisk.Read(content, 0, content.Size())
	if err != nil {
		return fail(err)
	}
	return data, nil
}

// Sub returns the file system below dir. Links that lead out of dir are still
// followed in the whole volume.
func (f *FS) Sub(dir string) (fs.FS, error) {
	node, err := f.resolve(dir, true)
	if err == nil && !node.Mode().IsDir() {
		err = errNotDir
	}
	if err != nil {
		return nil, &fs.PathError{Op: "sub", Path: dir, Err: err}
	}
	if dir == "." {
		return f, nil
	}
	return &sub{f, dir}, nil
}

// base returns the last element of name, "." for the root.
func base(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }

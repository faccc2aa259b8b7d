package vmdkfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// errNoReaderAt is what a file of a source gets that is no io.ReaderAt.
var errNoReaderAt = errors.New("file system without random access")

// openDir returns the directory that the file at name lies in, and its name
// there. A symbolic link is followed first, as it is the caller's own; what the
// file then names can only lie in its directory.
func openDir(name string) (*os.Root, string, error) {
	real, err := filepath.EvalSymlinks(name)
	if err != nil {
		return nil, "", err
	}
	dir, err := os.OpenRoot(filepath.Dir(real))
	return dir, filepath.Base(real), err
}

// A counted file system tells of every read of its files.
type counted struct {
	fs.FS
	onRead func(n int)
}

func (c counted) Open(name string) (fs.File, error) {
	f, err := c.FS.Open(name)
	if err != nil {
		return nil, err
	}
	return &countedFile{f, c.onRead}, nil
}

type countedFile struct {
	fs.File
	onRead func(n int)
}

func (f *countedFile) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	f.onRead(n)
	return n, err
}

func (f *countedFile) ReadAt(p []byte, off int64) (int, error) {
	r, ok := f.File.(io.ReaderAt)
	if !ok {
		return 0, errNoReaderAt
	}
	n, err := r.ReadAt(p, off)
	f.onRead(n)
	return n, err
}

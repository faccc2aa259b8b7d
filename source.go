package vmdkfs

import (
	"errors"
	"io"
	"io/fs"
)

// errNoReaderAt is what a file of a source gets that is no io.ReaderAt.
var errNoReaderAt = errors.New("file system without random access")

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

// ReadDir and Stat are those of the file system; they read no file.
func (c counted) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(c.FS, name) }
func (c counted) Stat(name string) (fs.FileInfo, error)      { return fs.Stat(c.FS, name) }

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

package vmdk

import (
	"errors"
	"io"
	"io/fs"
	"time"

	"github.com/vmdkfs/vmdkfs/layer"
)

var (
	errIsDir      = errors.New("is a directory")
	errNoReaderAt = errors.New("cannot be read at an offset: fs.File is no io.ReaderAt")
)

// A file is an open file of the disk.
type file struct {
	fs.File
	name     string
	size     int64
	modified time.Time
	at       io.ReaderAt
}

// ReadAt reads inside the size that the file had when it was opened. The
// error is a layer.Error; a file that ends sooner now is io.ErrUnexpectedEOF.
func (f *file) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.at.ReadAt(p, off)
	switch {
	case n == len(p):
		return n, nil
	case err == nil || errors.Is(err, io.EOF):
		return n, layer.Errorf(io.ErrUnexpectedEOF, "vmdk", f.name, off+int64(n), "shorter than the %d bytes it had when it was opened", f.size)
	}
	return n, layer.Errorf(err, "vmdk", f.name, off, "")
}

// files are the files of one disk, each of them open once.
type files struct {
	fsys   fs.FS
	all    []*file        // to close
	list   []*file        // the sources of the disk's runs
	source map[string]int // index in list by name
}

func newFiles(fsys fs.FS) *files {
	return &files{fsys: fsys, source: make(map[string]int)}
}

// open returns the named file and its number as a source.
func (s *files) open(name string) (*file, int, error) {
	if i, ok := s.source[name]; ok {
		return s.list[i], i, nil
	}
	f, err := s.fsys.Open(name)
	if err != nil {
		return nil, 0, err
	}
	opened := &file{File: f, name: name}
	s.all = append(s.all, opened)
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	if info.IsDir() {
		return nil, 0, errIsDir
	}
	at, ok := f.(io.ReaderAt)
	if !ok {
		return nil, 0, errNoReaderAt
	}
	opened.at, opened.size, opened.modified = at, info.Size(), info.ModTime()
	s.source[name] = len(s.list)
	s.list = append(s.list, opened)
	return opened, len(s.list) - 1, nil
}

// openImage opens the file that the caller of Open names.
func (s *files) openImage(name string) (*file, error) {
	f, _, err := s.open(name)
	switch {
	case err == nil:
		return f, nil
	case err == errIsDir:
		return nil, layer.Errorf(layer.ErrFormat, "vmdk", name, -1, "%v", err)
	}
	return nil, layer.Errorf(err, "vmdk", name, -1, "")
}

// openExtent opens a file that the descriptor names. One that is not there is
// layer.ErrIncomplete.
func (s *files) openExtent(name string) (*file, int, error) {
	f, i, err := s.open(name)
	switch {
	case err == nil:
		return f, i, nil
	case errors.Is(err, fs.ErrNotExist):
		err = layer.Errorf(layer.ErrIncomplete, "vmdk", "extent "+name, -1, "the file does not exist")
	case err == errIsDir:
		err = layer.Errorf(layer.ErrIncomplete, "vmdk", "extent "+name, -1, "%v", err)
	default:
		err = layer.Errorf(err, "vmdk", "extent "+name, -1, "")
	}
	return nil, 0, err
}

// forget begins the numbers of the sources anew. What is open stays open.
func (s *files) forget() {
	s.list = nil
	clear(s.source)
}

func (s *files) sizes() []int64 {
	sizes := make([]int64, len(s.list))
	for i, f := range s.list {
		sizes[i] = f.size
	}
	return sizes
}

func (s *files) readers() []io.ReaderAt {
	readers := make([]io.ReaderAt, len(s.list))
	for i, f := range s.list {
		readers[i] = f
	}
	return readers
}

// modified returns the time of the file that was changed last.
func (s *files) modified() time.Time {
	var last time.Time
	for _, f := range s.list {
		if f.modified.After(last) {
			last = f.modified
		}
	}
	return last
}

// Close closes every file.
func (s *files) Close() error {
	var errs []error
	for _, f := range s.all {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

package vmdk

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/cache"
	"github.com/vmdkfs/vmdkfs/layer"
)

var (
	errIsDir      = errors.New("is a directory")
	errTooMany    = errors.New("a disk of more than 32,767 files")
	errNoReaderAt = errors.New("cannot be read at an offset: fs.File is no io.ReaderAt")
)

// A file is an open file of the disk.
type file struct {
	fs.File
	place
	info   fs.FileInfo
	size   int64
	at     io.ReaderAt
	id     int // index among all files
	source int // its number as a source of the disk; negative if it is none
}

// ReadAt reads inside the size that the file had when it was opened. The
// error is a layer.Error; a file that ends sooner now is io.ErrUnexpectedEOF.
func (f *file) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.at.ReadAt(p, off)
	switch {
	case n == len(p):
		return n, nil
	case err == nil || errors.Is(err, io.EOF):
		return n, layer.Errorf(io.ErrUnexpectedEOF, "vmdk", f.path, off+int64(n), "shorter than the %d bytes it had when it was opened", f.size)
	}
	return n, layer.Errorf(err, "vmdk", f.path, off, "")
}

// files are the files of one disk, each of them open once.
type files struct {
	fsys    fs.FS
	options options
	all     []*file
	sources []*file // those that hold data, in the order in which they were named
	byPlace map[place]*file

	tables   *cache.Cache // of the grain tables, by file.id
	packs    packs        // the extents of compressed grains
	unpacked *cache.Cache // of their grains
	warnings warnings
}

func newFiles(fsys fs.FS, opts []Option) *files {
	s := &files{fsys: fsys, byPlace: make(map[place]*file)}
	for _, set := range opts {
		set(&s.options)
	}
	return s
}

// open returns the file at p.
func (s *files) open(p place) (*file, error) {
	if f, ok := s.byPlace[p]; ok {
		return f, nil
	}
	if len(s.all) > maxFiles {
		return nil, errTooMany
	}
	open := s.fsys.Open
	if p.outside {
		open = s.options.outside
	}
	f, err := open(p.path)
	if err != nil {
		return nil, err
	}
	opened := &file{File: f, place: p, id: len(s.all), source: -1}
	s.all = append(s.all, opened)
	if opened.info, err = f.Stat(); err != nil {
		return nil, err
	}
	if opened.info.IsDir() {
		return nil, errIsDir
	}
	var ok bool
	if opened.at, ok = f.(io.ReaderAt); !ok {
		return nil, errNoReaderAt
	}
	opened.size = opened.info.Size()
	s.byPlace[p] = opened
	return opened, nil
}

// ReadAt reads from a file by its number, as pooled has it.
func (s *files) ReadAt(p []byte, off int64) (int, error) {
	i, off := unpooled(off)
	return s.all[i].ReadAt(p, off)
}

// same reports whether f and g are one file, also under two names.
func (f *file) same(g *file) bool { return f == g || os.SameFile(f.info, g.info) }

// use makes f a source of the disk.
func (s *files) use(f *file) {
	if f.source < 0 {
		f.source = len(s.sources)
		s.sources = append(s.sources, f)
	}
}

// openImage opens the file that the caller of Open names.
func (s *files) openImage(name string) (*file, error) {
	f, err := s.open(place{path: name})
	switch {
	case err == nil:
		return f, nil
	case err == errIsDir:
		return nil, layer.Errorf(layer.ErrFormat, "vmdk", name, -1, "%v", err)
	}
	return nil, layer.Errorf(err, "vmdk", name, -1, "")
}

// openPart opens a file that a descriptor names; what says what it is of the
// disk. One that is not there is layer.ErrIncomplete.
func (s *files) openPart(what string, p place) (*file, error) {
	f, err := s.open(p)
	switch {
	case err == nil:
		return f, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, layer.Errorf(layer.ErrIncomplete, "vmdk", what+" "+p.path, -1, "the file does not exist")
	case err == errIsDir:
		return nil, layer.Errorf(layer.ErrIncomplete, "vmdk", what+" "+p.path, -1, "%v", err)
	}
	return nil, layer.Errorf(err, "vmdk", what+" "+p.path, -1, "")
}

// modified returns the time of the source that was changed last.
func (s *files) modified() time.Time {
	var last time.Time
	for _, f := range s.sources {
		if t := f.info.ModTime(); t.After(last) {
			last = t
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

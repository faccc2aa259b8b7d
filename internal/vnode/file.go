package vnode

import (
	"errors"
	"io"
	"io/fs"
	"iter"

	"github.com/vmdkfs/vmdkfs/internal/ahead"
	"github.com/vmdkfs/vmdkfs/layer"
)

// copySize is how much WriteTo reads at once: large enough that a call costs
// nothing beside the copy, and that two processors share what is to be
// decompressed evenly; small enough for the processor's cache.
const copySize = 512 << 10

var errWhence = errors.New("invalid whence")

// openNode opens node under the path that errors shall name.
func openNode(node Node, name string) (fs.File, error) {
	if dir, ok := node.(Dir); ok {
		return &openDir{info: info{node, base(name)}, dir: dir, path: name}, nil
	}
	file := &openFile{info: info{node, base(name)}, path: name, content: empty{}}
	if f, ok := node.(File); ok {
		content, err := f.Open()
		if err != nil {
			return nil, &fs.PathError{Op: "open", Path: name, Err: err}
		}
		file.content = content
	}
	return file, nil
}

// empty is the content of what is not a regular file.
type empty struct{}

func (empty) ReadAt([]byte, int64) (int, error)       { return 0, io.EOF }
func (empty) Size() int64                             { return 0 }
func (empty) Extents() iter.Seq2[layer.Extent, error] { return func(func(layer.Extent, error) bool) {} }

// An openFile is a layer.File over a Content.
type openFile struct {
	info    info
	path    string
	content Content
	pos     int64
}

var _ layer.File = (*openFile)(nil)

func (f *openFile) Stat() (fs.FileInfo, error)              { return f.info, nil }
func (f *openFile) Size() int64                             { return f.content.Size() }
func (f *openFile) Close() error                            { return nil }
func (f *openFile) Extents() iter.Seq2[layer.Extent, error] { return f.content.Extents() }

func (f *openFile) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, f.fail("read", fs.ErrInvalid)
	}
	if off >= f.content.Size() && len(p) > 0 {
		return 0, io.EOF
	}
	n, err := f.content.ReadAt(p, off)
	if err != nil && err != io.EOF {
		err = f.fail("read", err)
	}
	return n, err
}

func (f *openFile) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := f.ReadAt(p, f.pos)
	f.pos += int64(n)
	if n > 0 && err == io.EOF {
		err = nil
	}
	return n, err
}

func (f *openFile) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += f.pos
	case io.SeekEnd:
		offset += f.content.Size()
	default:
		return 0, f.fail("seek", errWhence)
	}
	if offset < 0 {
		return 0, f.fail("seek", fs.ErrInvalid)
	}
	f.pos = offset
	return offset, nil
}

// WriteTo writes the rest of the file to w, and reads on while w writes. Bytes
// that cannot be read end it; those before them have been written.
func (f *openFile) WriteTo(w io.Writer) (int64, error) {
	start := f.pos
	var failed error
	err := ahead.Part(f.content, start, f.content.Size(), copySize, func(p []byte, _ int64) error {
		n, err := w.Write(p)
		f.pos += int64(n)
		failed = err
		return err
	})
	if err != nil && failed == nil {
		err = f.fail("read", err)
	}
	return f.pos - start, err
}

func (f *openFile) fail(op string, err error) error {
	return &fs.PathError{Op: op, Path: f.path, Err: err}
}

// An openDir is a directory that is being listed, in the directory's own
// order.
type openDir struct {
	info   info
	dir    Dir
	path   string
	next   func() (Entry, error, bool)
	stop   func()
	closed bool
	err    error // met, and told, once what came before it was returned
}

func (d *openDir) Stat() (fs.FileInfo, error) { return d.info, nil }

func (d *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.path, Err: errIsDir}
}

// Close ends the listing.
func (d *openDir) Close() error {
	if d.stop != nil {
		d.stop()
	}
	d.closed = true
	return nil
}

// ReadDir returns the next n entries, or all that are left, in the directory's
// own order. The error of a damaged directory comes behind what could be read.
func (d *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if d.closed {
		return nil, &fs.PathError{Op: "readdir", Path: d.path, Err: fs.ErrClosed}
	}
	if n <= 0 && d.next == nil && d.err == nil {
		d.err = io.EOF // all at once needs no coroutine
		return collect(d.dir, d.path)
	}
	if d.next == nil {
		d.next, d.stop = iter.Pull2(d.dir.Entries())
	}
	var list []fs.DirEntry
	for d.err == nil && (n <= 0 || len(list) < n) {
		e, err, ok := d.next()
		switch {
		case !ok:
			d.err = io.EOF
		case err != nil:
			d.err = &fs.PathError{Op: "readdir", Path: d.path, Err: err}
		default:
			list = append(list, &DirEntry{e, e.Name(), d.path})
		}
	}
	if n > 0 && len(list) == n {
		return list, nil
	}
	err := d.err
	if err != io.EOF {
		d.err = io.EOF // tell it once
		return list, err
	}
	if n <= 0 || len(list) > 0 {
		err = nil
	}
	return list, err
}

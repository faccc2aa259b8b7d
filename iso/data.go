package iso

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/vmdkfs/vmdkfs/layer"
)

const (
	// chunkSize is how much data is written at once: large enough that a call
	// costs nothing beside the copy, and many small files share one.
	chunkSize = 1 << 20
	// chunks is how many of them are on their way from the source to the
	// writer, which bounds the memory of the copy.
	chunks = 4
	// maxEmptyReads is how often a file may return nothing and no error.
	maxEmptyReads = 100
)

// errGrown is met in a file that has more data than its size said when the
// tree was walked.
var errGrown = errors.New("has grown since it was listed: what is new is left out")

// A copier reads the data of all files in order, into chunks that it hands to
// a writer. A file that fails is padded with zeros, so that what follows stays
// in its place.
type copier struct {
	image  *image
	fsys   fs.FS
	report *Report
	begin  func(name string, files int) // of each file; may be nil

	full chan []byte   // to be written
	free chan []byte   // to be filled: chunkSize bytes, and one to see whether a file goes on
	stop chan struct{} // closed when nothing more will be written

	chunk []byte // being filled
	used  int

	dir     *node         // the one that was listed last
	entries []fs.DirEntry // of dir, by name
}

// errStopped ends the copier when the writer has failed.
var errStopped = errors.New("stopped")

// writeData writes the data of all files to w, reading ahead in a second
// goroutine, which has ended when it returns.
func (m *image) writeData(w io.Writer, fsys fs.FS, report *Report, begin func(name string, files int)) error {
	c := &copier{
		image: m, fsys: fsys, report: report, begin: begin,
		full: make(chan []byte, chunks), free: make(chan []byte, chunks), stop: make(chan struct{}),
	}
	for range chunks {
		c.free <- nil // allocated when it is needed
	}
	var reader sync.WaitGroup
	reader.Go(func() {
		defer close(c.full)
		c.run()
	})
	var failed error
	for b := range c.full {
		if failed != nil {
			continue
		}
		if _, failed = w.Write(b); failed != nil {
			close(c.stop)
			continue
		}
		c.free <- b[:chunkSize+1]
	}
	reader.Wait()
	return failed
}

// run reads every file.
func (c *copier) run() {
	for n := range c.image.root.contents() {
		if c.begin != nil {
			c.begin(n.path(), c.report.Entries-c.report.Dirs)
		}
		if c.copy(n) != nil {
			return
		}
	}
	if c.used > 0 {
		c.flush()
	}
}

// copy reads the data of one file, and pads it to whole sectors. It returns
// errStopped or nil: what is wrong with the file is reported.
func (c *copier) copy(n *node) error {
	done, err := c.read(n)
	if errors.Is(err, errStopped) {
		return err
	}
	if err != nil {
		c.report.add(fileError(n, done, err))
		if n.more != nil && n.more.link != nil && n.more.link.names > 1 {
			c.image.root.eachName(n.more.link, func(other *node) {
				if other != n {
					c.report.add(fileError(other, done, err))
				}
			})
		}
	}
	return c.pad(sectors(n.size)*sectorSize - done)
}

// eachName calls do with every name of a file that lies below n.
func (n *node) eachName(l *link, do func(*node)) {
	for i := range n.dir.children {
		child := &n.dir.children[i]
		switch {
		case child.isDir():
			child.eachName(l, do)
		case child.more != nil && child.more.link == l:
			do(child)
		}
	}
}

// fileError returns the error of a file of which done bytes could be read. It
// names the path as the source does.
func fileError(n *node, done int64, err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		err = pe.Err // without what is put around it, for the text behind it
	}
	if done < n.size {
		err = fmt.Errorf("%w; padded with zeros from byte %d of %d", err, done, n.size)
	}
	return nodeError("read", n, err)
}

// nodeError returns err as that of a node, with its path in the source. An error
// of an entry may have the path that the entry has in a larger file system.
func nodeError(op string, n *node, err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		op, err = pe.Op, pe.Err
	}
	return &fs.PathError{Op: op, Path: n.path(), Err: err}
}

// read reads the file as far as it can be read and as it was promised, and
// returns how far that was.
func (c *copier) read(n *node) (done int64, err error) {
	file, err := c.open(n)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	for empty := 0; done < n.size; {
		if err := c.room(); err != nil {
			return done, err
		}
		part := c.chunk[c.used:chunkSize]
		if left := n.size - done; left <= int64(len(part)) {
			// One byte more than wanted shows whether the file goes on,
			// without a further call. What follows overwrites it.
			part = c.chunk[c.used:][:left+1]
		}
		got, err := file.Read(part)
		if done+int64(got) > n.size {
			got, err = got-1, errGrown
		}
		c.used += got
		done += int64(got)
		if empty++; got > 0 {
			empty = 0
		}
		switch {
		case err == errGrown, err == nil && empty < maxEmptyReads:
		case err == nil:
			return done, io.ErrNoProgress
		case done == n.size:
			return done, nil // it had said so with its last bytes
		case err == io.EOF:
			return done, io.ErrUnexpectedEOF
		}
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// open opens a regular file. The entries of a directory are not kept from the
// walk, as they would take more memory than all else: it is listed again.
func (c *copier) open(n *node) (fs.File, error) {
	if n.layer {
		if c.dir != n.parent {
			c.dir = n.parent
			c.entries, _ = readDir(c.fsys, n.parent) // what is missing is opened by its path, which tells why
		}
		i, found := slices.BinarySearchFunc(c.entries, n.name, func(e fs.DirEntry, name string) int { return strings.Compare(e.Name(), name) })
		if found {
			if e, ok := c.entries[i].(layer.DirEntry); ok {
				return e.Open()
			}
		}
	}
	return c.fsys.Open(n.path())
}

// pad adds n zeros.
func (c *copier) pad(n int64) error {
	for n > 0 {
		if err := c.room(); err != nil {
			return err
		}
		part := int(min(n, int64(chunkSize-c.used)))
		clear(c.chunk[c.used:][:part])
		c.used += part
		n -= int64(part)
	}
	return nil
}

// room makes sure that the chunk has room for a byte.
func (c *copier) room() error {
	if c.used == chunkSize {
		if err := c.flush(); err != nil {
			return err
		}
	}
	if c.chunk != nil {
		return nil
	}
	select {
	case c.chunk = <-c.free:
	case <-c.stop:
		return errStopped
	}
	if c.chunk == nil {
		c.chunk = make([]byte, chunkSize+1)
	}
	return nil
}

// flush hands the chunk to the writer.
func (c *copier) flush() error {
	select {
	case c.full <- c.chunk[:c.used]:
	case <-c.stop:
		return errStopped
	}
	c.chunk, c.used = nil, 0
	return nil
}

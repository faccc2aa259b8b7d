package export

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/internal/walk"
)

const (
	// maxWorkers is how many files are copied at once: beyond it, tmpfs and
	// the usual disks gain nothing.
	maxWorkers = 4
	// batchSize is how many files go to a worker at once. Most are small, and
	// a channel would cost as much as they do. It also bounds how many
	// directories are open.
	batchSize = 32
	// bufferSize is how much of a file is read at once: a few reads for a
	// megabyte, and it stays in the cache of one core until it is written.
	bufferSize = 128 << 10
)

// Options says how to copy, and whom to tell. Its functions may be nil.
type Options struct {
	Overwrite bool                         // replace files that exist
	Fail      func(path string, err error) // a file that could not be copied; one call at a time
	Note      func(text string, files int) // what could not be kept, for how many files; after the copy
	Progress  func(bytes int64)            // bytes done since the last call, holes too; many calls at a time
}

// A Source is a file to copy, or a directory with all that it holds.
type Source struct {
	Path string
	// Content says that what the directory holds is wanted, rather than the
	// directory itself under its name.
	Content bool
}

// A Summary counts what was done.
type Summary struct {
	Files  int64 // of every type but directories
	Dirs   int64
	Bytes  int64 // of data; holes do not count
	Failed int64 // what was told through Options.Fail
}

var (
	errNotDir  = errors.New("not a directory")
	errIsDir   = errors.New("is a directory")
	errTwice   = errors.New("another file of the image was copied to this name")
	errSeveral = errors.New("several files need a directory that exists")
)

// Copy copies sources to dest with their modes, owners, times, links, holes
// and extended attributes. When dest is a directory they are placed in it
// under their own names, and the content of a Content source directly.
// Otherwise the one source becomes dest.
//
// Files that fail are reported and the rest is copied; the error is that of
// dest or of the context.
func Copy(ctx context.Context, fsys walk.FS, sources []Source, dest string, opts Options) (Summary, error) {
	top, name, err := openDest(dest, len(sources))
	if err != nil {
		return Summary{}, err
	}
	c := &copier{ctx: ctx, top: top, opts: opts, temp: newTemp(), links: newLinks(), jobs: make(chan []leaf, 2)}
	root, err := c.newDir(top, nil, ".", false)
	if err != nil {
		top.Close()
		return Summary{}, err
	}
	c.way = probeLink(root.handle.fd, c.temp.name())
	var workers sync.WaitGroup
	for range min(maxWorkers, runtime.GOMAXPROCS(0)) {
		workers.Go(c.work)
	}
	for _, s := range sources {
		if ctx.Err() == nil {
			c.tree(fsys, s, root, name)
		}
	}
	c.flush()
	close(c.jobs)
	workers.Wait()
	root.release()
	c.notes.tell(opts.Note)
	return Summary{c.files.Load(), c.dirs.Load(), c.bytes.Load(), c.failed}, ctx.Err()
}

// openDest opens the directory to copy into. name is what the one source is
// called there, or empty when it keeps its own name.
func openDest(dest string, sources int) (top *os.Root, name string, err error) {
	info, err := os.Stat(dest)
	switch {
	case err == nil && info.IsDir():
		top, err = os.OpenRoot(dest)
		return top, "", err
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return nil, "", err
	case sources != 1:
		if err == nil {
			return nil, "", &os.PathError{Op: "open", Path: dest, Err: errNotDir}
		}
		return nil, "", &os.PathError{Op: "open", Path: dest, Err: errSeveral}
	}
	top, err = os.OpenRoot(filepath.Dir(dest))
	return top, filepath.Base(dest), err
}

// A copier is one call of Copy.
type copier struct {
	ctx   context.Context
	top   *os.Root // the directory that everything is below
	opts  Options
	temp  temp
	way   int // in which a file gets its name when it is complete; see probeLink
	links *links
	notes notes

	batch []leaf
	jobs  chan []leaf

	files, dirs, bytes atomic.Int64
	mu                 sync.Mutex // guards what follows, and calls of opts.Fail
	failed             int64
}

// A leaf is a file that is no directory, and its place.
type leaf struct {
	walk.Entry
	dir  *dir
	name string // in dir, as raw bytes
}

// tree makes the directories of one source and queues its other files.
func (c *copier) tree(fsys walk.FS, s Source, root *dir, name string) {
	w, err := walk.New(fsys, s.Path, nil)
	if err != nil {
		c.fail(s.Path, err)
		return
	}
	stack := []*dir{root} // the one at index n holds the entries of depth n
	root.retain()
	if s.Content && name == "" && w.Start().IsDir() {
		// The destination is the directory itself.
		if root.info, err = w.Start().Info(); err != nil {
			c.fail(s.Path, err)
		}
		root.path = s.Path
		stack = append(stack, root)
		root.retain()
	}
	for e, err := range w.All() {
		if c.ctx.Err() != nil {
			break
		}
		if err != nil {
			c.fail(e.Path, err)
			continue
		}
		if e.Depth == 0 && len(stack) > 1 {
			continue
		}
		for len(stack) > e.Depth+1 {
			stack[len(stack)-1].release()
			stack = stack[:len(stack)-1]
		}
		own := name
		if own == "" || e.Depth > 0 {
			own = string(vnode.Unescape(e.Name()))
		}
		in := stack[e.Depth]
		if !e.IsDir() {
			c.queue(leaf{e, in, own})
		} else if d, err := c.makeDir(in, own, e); err != nil {
			c.fail(e.Path, err)
			w.SkipDir()
		} else {
			stack = append(stack, d)
		}
	}
	for _, d := range stack {
		d.release()
	}
}

// queue hands l to the workers, with others.
func (c *copier) queue(l leaf) {
	l.dir.retain()
	if c.batch = append(c.batch, l); len(c.batch) == batchSize {
		c.flush()
	}
}

func (c *copier) flush() {
	if len(c.batch) > 0 {
		c.jobs <- c.batch
		c.batch = nil
	}
}

// fail counts and reports a failure.
func (c *copier) fail(path string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed++
	if c.opts.Fail != nil {
		c.opts.Fail(path, bare(err))
	}
}

// bare returns err without the operations and paths that packages os and
// io/fs have put around it: who reports it names the path.
func bare(err error) error {
	for {
		switch e := err.(type) {
		case *os.PathError:
			err = e.Err
		case *os.LinkError:
			err = e.Err
		case *os.SyscallError:
			err = e.Err
		default:
			return err
		}
	}
}

package export

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"runtime"
	"strings"
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

var (
	errNotDir  = errors.New("not a directory")
	errIsDir   = errors.New("is a directory")
	errDiffers = errors.New("exists already, with another size or time: not a copy that is complete")
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
	defer top.Close()
	host, err := openHostDir(top)
	if err != nil {
		return Summary{}, err
	}
	c := &copier{ctx: ctx, fsys: fsys, top: top, opts: opts, name: name, temp: newTemp(), links: newLinks(), jobs: make(chan []leaf, 2)}
	root := c.newDir(host, nil, ".", false)
	c.way = probeLink(host, c.temp.name())
	var workers sync.WaitGroup
	for range min(maxWorkers, runtime.GOMAXPROCS(0)) {
		workers.Go(c.work)
	}
	for _, s := range sources {
		if ctx.Err() == nil {
			c.tree(s, root, name)
		}
	}
	c.flush()
	close(c.jobs)
	workers.Wait()
	root.release()
	c.notes.tell(opts.Note)
	return Summary{c.files.Load(), c.dirs.Load(), c.skipped.Load(), c.bytes.Load(), c.failed}, ctx.Err()
}

// A copier is one call of Copy.
type copier struct {
	ctx   context.Context
	fsys  walk.FS
	top   *os.Root // the directory that everything is below
	opts  Options
	name  string // of the one source below top; empty when each keeps its own
	temp  temp
	way   int // in which a file gets its name when it is complete; see probeLink
	links *links
	notes notes
	sddl  atomic.Pointer[text] // that was set last

	placing sync.Mutex // see placeSlowly
	batch   []leaf
	jobs    chan []leaf

	files, dirs, skipped, bytes atomic.Int64
	mu                          sync.Mutex // guards what follows, and calls of opts.Fail, Sum and SDDL
	failed                      int64
}

// A leaf is a file that is no directory, and its place.
type leaf struct {
	walk.Entry
	dir   *dir
	name  string // in dir, as raw bytes
	there bool   // a complete copy of an earlier run is
}

// told returns how a path below the top of the copy is told: below a directory
// that got a new name, as that is the destination for who gave it.
func (c *copier) told(dest string) string { return toldBelow(c.name, dest) }

func toldBelow(name, dest string) string {
	if name == "" {
		return dest
	}
	return strings.TrimPrefix(dest, name+"/")
}

func (l *leaf) route() route { return route{l.Path, l.dir.dest, l.name} }

// dest returns the path of l below the top of the copy.
func (l *leaf) dest() string { return l.route().dest() }

// below returns the path of a name in a directory, which is one element.
func below(dir, name string) string {
	if dir == "." {
		return name
	}
	return dir + "/" + name
}

// tree makes the directories of one source and queues its other files.
func (c *copier) tree(s Source, root *dir, name string) {
	t, err := newTree(c.fsys, s, c.opts.Filter)
	if err != nil {
		c.fail(s.Path, err)
		return
	}
	stack := []*dir{root} // the one at index n holds the entries of depth n
	root.retain()
	if t.content() && name == "" {
		// The destination is the directory itself.
		if root.info, err = t.walk.Start().Info(); err != nil {
			c.fail(s.Path, err)
		}
		if err == nil && c.opts.hasStreamFiles(root.info) {
			c.notes.add(noteOwnStreams)
		}
		root.source = t.walk.Start()
		stack = append(stack, root)
		root.retain()
	}
	for e, err := range t.all() {
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
			own = vnode.Raw(e.Name())
		}
		in := stack[e.Depth]
		if !e.IsDir() {
			c.queue(leaf{Entry: e, dir: in, name: own})
		} else if d, err := c.makeDir(in, own, e); err != nil {
			c.fail(e.Path, err)
			t.skipDir()
		} else {
			stack = append(stack, d)
			c.streams(leaf{Entry: e, dir: in, name: own}, d.info, c.queue)
		}
	}
	for _, d := range stack {
		d.release()
	}
}

// streams passes on the files that are made of the named streams of l.
func (c *copier) streams(l leaf, info fs.FileInfo, to func(leaf)) {
	list, err := c.opts.streamsOf(c.fsys, l.Entry, info)
	if err != nil {
		c.fail(l.Path, err)
		return
	}
	for _, e := range list {
		to(leaf{Entry: e, dir: l.dir, name: l.name + streamSuffix(e)})
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

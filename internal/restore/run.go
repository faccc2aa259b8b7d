package restore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/vmdkfs/vmdkfs/layer"
)

// Options change how files are restored.
type Options struct {
	Overwrite   bool // replace files that exist
	Resume      bool // go on from where an earlier run stopped
	Verify      bool // read back what was written, and compare its hash
	IgnoreSpace bool // begin though there may be too little space
	// Progress is called with the bytes that are done, of how many, by several
	// goroutines. It may be nil.
	Progress func(done, total int64)
	// Fail is called with every file that could not be restored, by one
	// goroutine at a time.
	Fail func(name string, err error)

	wrap func(name string, r io.ReaderAt) io.ReaderAt // for tests: a source that fails
}

// A Result is a file that was restored.
type Result struct {
	File    string `json:"file"`
	Size    int64  `json:"size"`
	Written int64  `json:"written"`           // bytes that were written; the rest is holes, or shared
	Cloned  bool   `json:"cloned,omitempty"`  // it shares its blocks with the source
	Skipped bool   `json:"skipped,omitempty"` // an earlier run has restored it
	SHA256  string `json:"sha256,omitempty"`  // of what was written and read back, where that was asked for
}

// workers is how many pieces are copied at a time: storage answers several as
// fast as one.
const workers = 4

// errNotBegun is returned where the failures that were told kept everything
// from being written.
var errNotBegun = errors.New("nothing was restored")

// A run is one restore.
type run struct {
	opts     Options
	from, to *os.Root
	jobs     []*job
	stop     context.CancelCauseFunc

	done, total atomic.Int64
	mu          sync.Mutex // guards what follows
	results     []Result
}

// Run restores the files of a plan. It returns those that are complete, sorted
// by name, and an error when nothing could be begun, or something ended it. Of
// a file that is not complete then, what there is is kept for Resume.
func Run(ctx context.Context, from, to *os.Root, plan *Plan, opts Options) ([]Result, error) {
	r := &run{opts: opts, from: from, to: to}
	ctx, r.stop = context.WithCancelCause(ctx)
	defer r.stop(nil)
	if err := r.prepare(plan); err != nil {
		return nil, err
	}
	for _, last := range []bool{false, true} {
		r.copyAll(ctx, func(j *job) bool { return j.file.Last == last })
	}
	for _, dir := range r.dirs() {
		if err := syncDir(r.to, dir); err != nil {
			r.fail(dir, err)
		}
	}
	slices.SortFunc(r.results, func(a, b Result) int { return cmp.Compare(a.File, b.File) })
	return r.results, context.Cause(ctx)
}

// prepare checks all that can be checked before the first byte is written.
func (r *run) prepare(plan *Plan) error {
	targets := make(map[string]bool)
	refused := false
	need := int64(0)
	for _, f := range plan.Files {
		j := &job{run: r, file: f}
		err := j.look()
		if targets[f.To] {
			err = failed(layer.ErrUnsupported, f.To, "two files would have this name")
		}
		targets[f.To] = true
		if err != nil {
			refused = true
			r.fail(f.To, err)
			continue
		}
		if j.complete && !r.opts.Verify {
			r.results = append(r.results, Result{File: f.To, Size: f.Size, Skipped: true})
			continue
		}
		if err := j.measure(); err != nil { // it has no part in the rest
			r.fail(f.To, err)
			continue
		}
		if !j.complete {
			need += j.left()
		}
		r.total.Add(j.size())
		if r.opts.Verify {
			r.total.Add(f.Size)
		}
		r.jobs = append(r.jobs, j)
	}
	if refused {
		return errNotBegun
	}
	if free, known := freeSpace(r.to); known && need > free && !r.opts.IgnoreSpace {
		return fmt.Errorf("%d bytes are to be written, and %d are free (--ignore-space begins all the same): %w", need, free, syscall.ENOSPC)
	}
	return nil
}

// copyAll restores the files that are chosen, several pieces at a time.
func (r *run) copyAll(ctx context.Context, chosen func(*job) bool) {
	todo := make(chan piece)
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			buf := make([]byte, bufferSize)
			for p := range todo {
				p.job.copy(ctx, p, buf)
			}
		})
	}
	for _, j := range r.jobs {
		if !chosen(j) || ctx.Err() != nil {
			continue
		}
		if err := j.open(); err != nil {
			j.fail(err)
			continue
		}
		for _, p := range j.pieces {
			todo <- p
		}
	}
	close(todo)
	group.Wait()
	for _, j := range r.jobs {
		j.leave()
	}
}

// dirs returns the directories that have got files.
func (r *run) dirs() (list []string) {
	for _, result := range r.results {
		list = append(list, path.Dir(result.File))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// fail reports a failure. Where there is no space, no file will have any.
func (r *run) fail(name string, err error) {
	if errors.Is(err, context.Canceled) {
		return // Run returns it
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		r.stop(fmt.Errorf("%w: make room and go on with --resume", err))
		return
	}
	r.opts.Fail(name, err)
}

// restored counts a file that is complete.
func (r *run) restored(result Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.results = append(r.results, result)
}

func (r *run) progress(n int64) {
	if done := r.done.Add(n); r.opts.Progress != nil {
		r.opts.Progress(done, r.total.Load())
	}
}

// partName returns the name that a file has until it is complete.
func partName(name string) string {
	dir, base := path.Split(name)
	return dir + "." + base + ".vmdkfs-part"
}

// exists says that the named file may not be replaced.
func exists(name, why string) error {
	if why == "" {
		return &fs.PathError{Op: "restore", Path: name, Err: fs.ErrExist}
	}
	return &fs.PathError{Op: "restore", Path: name, Err: fmt.Errorf("%w: %s", fs.ErrExist, why)}
}

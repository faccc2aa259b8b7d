package main

import (
	"context"
	"runtime"
	"sync"

	"github.com/vmdkfs/vmdkfs/internal/walk"
)

const (
	// batchSize is how many entries go to a worker at once: a channel costs
	// as much as a few of them.
	batchSize = 64
	// batchesAhead is how many batches may be done before the one whose turn
	// it is to be printed, when that has a large file.
	batchesAhead = 32
	// workBuffer is the size of the buffer that each worker has.
	workBuffer = 256 << 10
)

// A batch is a number of entries whose lines are printed together.
type batch struct {
	entries []walk.Entry
	lines   []byte
	paths   []string // of errs
	errs    []error
	done    chan struct{}
}

func (b *batch) fail(path string, err error) {
	if err != nil {
		b.paths, b.errs = append(b.paths, path), append(b.errs, err)
	}
}

// inOrder prints what work adds to a batch for each entry of a walk that take
// wants, in the order of the walk. The work is done by as many goroutines as
// there are processors, and memory is bounded by batchesAhead.
func (a *app) inOrder(ctx context.Context, w *walk.Walker, take func(walk.Entry) bool, work func(ctx context.Context, b *batch, e walk.Entry, buf []byte)) error {
	outer := ctx
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	todo, order := make(chan *batch, batchesAhead), make(chan *batch, batchesAhead)
	free := make(chan *batch, batchesAhead) // written, to be filled again
	var workers sync.WaitGroup
	defer workers.Wait()
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			buf := make([]byte, workBuffer)
			for b := range todo {
				for _, e := range b.entries {
					if ctx.Err() == nil {
						work(ctx, b, e, buf)
					}
				}
				close(b.done)
			}
		})
	}
	workers.Go(func() {
		defer close(order)
		defer close(todo)
		batches(ctx, w, take, free, func(b *batch) {
			order <- b
			todo <- b
		})
	})
	var failed error
	for b := range order {
		<-b.done
		for i, err := range b.errs {
			a.fail(b.paths[i], err)
		}
		if failed == nil {
			if failed = a.outputFailed(a.write(b.lines)); failed != nil {
				cancel() // and go on, until the walk has seen it
			}
		}
		select {
		case free <- b:
		default:
		}
	}
	a.fail(w.Start().Path, outer.Err())
	return failed
}

// newBatch returns an empty batch, in the memory of one from free if there is
// any.
func newBatch(free <-chan *batch) *batch {
	b := new(batch)
	select {
	case b = <-free:
		clear(b.entries)
		b.entries, b.lines, b.paths, b.errs = b.entries[:0], b.lines[:0], nil, nil
	default:
	}
	b.done = make(chan struct{})
	return b
}

// batches passes the entries that take wants to send, in order.
func batches(ctx context.Context, w *walk.Walker, take func(walk.Entry) bool, free <-chan *batch, send func(*batch)) {
	b := newBatch(free)
	for e, err := range w.All() {
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			b.fail(e.Path, err)
		} else if take(e) {
			b.entries = append(b.entries, e)
		}
		if len(b.entries) == batchSize {
			send(b)
			b = newBatch(free)
		}
	}
	send(b)
}

package main

import (
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"
)

const (
	// progressAfter is how long work may last without a word.
	progressAfter = time.Second
	// progressEvery is how often the bar moves: fast enough to be alive.
	progressEvery = 200 * time.Millisecond
)

// A progress is a bar on the terminal that appears when work lasts. A nil
// progress shows nothing.
type progress struct {
	app         *app
	done, total atomic.Int64
	end         chan struct{}
	wait        sync.WaitGroup
}

// progress starts to watch work over a number of bytes, which total finds out
// when it is needed, or which set tells when total is nil. Standard error must be a terminal, and standard output,
// where the work writes, another place.
func (a *app) progress(total func() int64) *progress {
	if a.quiet || !isTerminal(a.stderr) || isTerminal(a.raw) {
		return nil
	}
	p := &progress{app: a, end: make(chan struct{})}
	p.wait.Go(func() { p.show(total) })
	return p
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// add counts bytes that are done.
func (p *progress) add(n int64) {
	if p != nil {
		p.done.Add(n)
	}
}

// set says how many bytes are done, and how many there are.
func (p *progress) set(done, total int64) {
	if p != nil {
		p.done.Store(done)
		p.total.Store(total)
	}
}

// show draws the bar until the work ends.
func (p *progress) show(total func() int64) {
	start := time.Now()
	select {
	case <-p.end:
		return
	case <-time.After(progressAfter):
	}
	if total != nil {
		p.total.Store(total())
	}
	bars := mpb.New(mpb.WithOutput(p.app.stderr), mpb.WithAutoRefresh(), mpb.WithRefreshRate(progressEvery))
	bar := bars.AddBar(p.total.Load(), mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.CountersKibiByte("% .1f of % .1f")),
		mpb.AppendDecorators(decor.NewAverageSpeed(decor.SizeB1024(0), "% .1f", start), decor.Name("  "),
			decor.NewAverageETA(decor.ET_STYLE_GO, start, nil), decor.Name(" left")),
	)
	p.app.setBars(bars)
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for ended := false; !ended; {
		select {
		case <-p.end:
			ended = true
		case <-tick.C:
			bar.SetTotal(p.total.Load(), false)
			bar.SetCurrent(p.done.Load())
		}
	}
	p.app.setBars(nil)
	bar.Abort(true)
	bars.Wait()
}

// setBars says what is drawn on the terminal. While it is, lines on standard
// error go through it.
func (a *app) setBars(bars io.Writer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.bars = bars
}

// stop ends the bar.
func (p *progress) stop() {
	if p != nil {
		close(p.end)
		p.wait.Wait()
	}
}

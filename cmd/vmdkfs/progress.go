package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	"github.com/vmdkfs/vmdkfs/internal/export"
)

const (
	// progressAfter is how long work may last without a word.
	progressAfter = time.Second
	// progressEvery is how often the bar moves: fast enough to be alive.
	progressEvery = 200 * time.Millisecond
	// barWidth is what a path leaves of the line for the bar itself.
	barWidth = 12
)

// A progress is a bar on the terminal that appears when work lasts. A nil
// progress shows nothing.
type progress struct {
	app         *app
	done, total atomic.Int64
	files       atomic.Int64 // that were begun
	allFiles    atomic.Int64 // 0 as long as their number is not told
	path        atomic.Value // of the file that was begun last
	end         chan struct{}
	wait        sync.WaitGroup
}

// progress starts to watch work over a number of bytes, which total finds out
// when it is needed, or which set tells when total is nil. Standard error must
// be a terminal.
func (a *app) progress(total func() int64) *progress {
	p := a.newProgress()
	p.begin(total)
	return p
}

// progressBeside is progress for work that writes to standard output, where the
// bar would be in between if that were a terminal too.
func (a *app) progressBeside(total func() int64) *progress {
	if isTerminal(a.raw) {
		return nil
	}
	return a.progress(total)
}

// newProgress returns what begin starts.
func (a *app) newProgress() *progress {
	if a.quiet || a.events || !isTerminal(a.stderr) {
		return nil
	}
	return &progress{app: a, end: make(chan struct{})}
}

func (p *progress) begin(total func() int64) {
	if p != nil {
		p.wait.Go(func() { p.show(total) })
	}
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

// file says that a file was begun.
func (p *progress) file(path string) {
	if p != nil {
		p.files.Add(1)
		p.path.Store(path)
	}
}

// set says how many bytes are done, and how many there are.
func (p *progress) set(done, total int64) {
	if p != nil {
		p.done.Store(done)
		p.total.Store(total)
	}
}

// progressOf starts to watch a copy of sources, or an archive of them.
func (a *app) progressOf(ctx context.Context, from tree, sources []export.Source, opts *export.Options) *progress {
	p := a.newProgress()
	if p == nil {
		return nil
	}
	opts.Progress = p.add
	opts.Start = p.file
	filter := opts.Filter
	p.begin(func() int64 {
		files, bytes := export.Measure(ctx, from, sources, filter)
		p.allFiles.Store(files)
		return bytes
	})
	return p
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
			decor.NewAverageETA(decor.ET_STYLE_GO, start, nil), decor.Name(" left"), decor.Any(p.where)),
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

// where returns how many files are done, and which is being written.
func (p *progress) where(s decor.Statistics) string {
	if p.allFiles.Load() == 0 {
		return ""
	}
	text := fmt.Sprintf("  %s of %s files", number(p.files.Load()), number(p.allFiles.Load()))
	path, _ := p.path.Load().(string)
	if path = printable(path); path == "" {
		return text
	}
	// What is left of the line is for the end of the path.
	room := s.AvailableWidth - len(text) - 2 - barWidth
	if r := []rune(path); len(r) > room {
		if room < 8 {
			return text
		}
		path = "..." + string(r[len(r)-room+3:])
	}
	return text + "  " + path
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

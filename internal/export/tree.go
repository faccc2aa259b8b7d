package export

import (
	"context"
	"iter"
	"path"

	"github.com/vmdkfs/vmdkfs/internal/walk"
)

// A tree is the walk of one source, without what the filter leaves out.
type tree struct {
	walk   *walk.Walker
	source Source
	filter *Filter
	skip   bool
}

func newTree(fsys walk.FS, s Source, filter *Filter) (*tree, error) {
	w, err := walk.New(fsys, s.Path, nil)
	if err != nil {
		return nil, err
	}
	if filter == nil {
		filter = new(Filter)
	}
	return &tree{walk: w, source: s, filter: filter}, nil
}

// content reports whether the source is a directory whose content is wanted.
func (t *tree) content() bool { return t.source.Content && t.walk.Start().IsDir() }

// below returns the path of e relative to the source, "." for the source.
func (t *tree) below(e walk.Entry) string {
	switch {
	case e.Depth == 0:
		return "."
	case t.source.Path == ".":
		return e.Path
	}
	return e.Path[len(t.source.Path)+1:]
}

// skipDir leaves out what is below the directory that was yielded last.
func (t *tree) skipDir() { t.skip = true }

// all yields the files that are wanted, and a directory before what it holds:
// one that is not wanted itself only when something in it is. Errors are those
// of [walk.Walker.All].
func (t *tree) all() iter.Seq2[walk.Entry, error] {
	return func(yield func(walk.Entry, error) bool) {
		var pending []walk.Entry // directories that lead to e, and were not yielded
		const none = int(^uint(0) >> 1)
		inside, out := none, none // depths of a directory that is wanted with all it holds, and of one that is skipped
		for e, err := range t.walk.All() {
			if e.Depth <= inside {
				inside = none
			}
			if e.Depth <= out {
				out = none
			}
			if err == nil && (e.Depth > out || t.excluded(e)) {
				t.walk.SkipDir()
				continue
			}
			if err != nil {
				if !yield(e, err) {
					return
				}
				continue
			}
			for n := len(pending); n > 0 && pending[n-1].Depth >= e.Depth; n = len(pending) {
				pending = pending[:n-1]
			}
			wanted := len(t.filter.include) == 0 || inside != none
			if !wanted && t.included(e) {
				wanted, inside = true, e.Depth
			}
			if e.IsDir() || wanted {
				pending = append(pending, e)
			}
			if !wanted {
				continue
			}
			for _, p := range pending {
				if t.skip = false; !yield(p, nil) {
					return
				}
				if t.skip {
					out = p.Depth
					t.walk.SkipDir()
					break
				}
			}
			pending = pending[:0]
		}
	}
}

// name returns the path that filters compare with the patterns: of a source
// that is a file its name.
func (t *tree) name(e walk.Entry) string {
	if e.Depth == 0 {
		return path.Base(e.Path)
	}
	return t.below(e)
}

// excluded and included never say so of a directory that is the source.
func (t *tree) excluded(e walk.Entry) bool {
	return len(t.filter.exclude) > 0 && !(e.Depth == 0 && e.IsDir()) && anyMatches(t.filter.exclude, t.name(e))
}

func (t *tree) included(e walk.Entry) bool {
	return !(e.Depth == 0 && e.IsDir()) && anyMatches(t.filter.include, t.name(e))
}

// Measure returns how many files sources have, without directories, and how
// many bytes are in them. What fails counts nothing: the copy will tell.
func Measure(ctx context.Context, fsys walk.FS, sources []Source, filter *Filter) (files, bytes int64) {
	for _, s := range sources {
		t, err := newTree(fsys, s, filter)
		if err != nil {
			continue
		}
		for e, err := range t.all() {
			if ctx.Err() != nil {
				return files, bytes
			}
			if err != nil || e.IsDir() {
				continue
			}
			files++
			if e.Type().IsRegular() {
				if info, err := e.Info(); err == nil {
					bytes += info.Size()
				}
			}
		}
	}
	return files, bytes
}

// nameIn returns where a file of the source lies below what the source goes
// by.
func (t *tree) nameIn(top string, e walk.Entry) string {
	if e.Depth == 0 {
		return top
	}
	return path.Join(top, t.below(e))
}

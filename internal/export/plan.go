package export

import (
	"context"
	"errors"
	"io/fs"
	"path"

	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/internal/walk"
)

// Plan tells what [Copy] would do, and changes nothing: each is called with the
// raw path in the destination of every file and directory that would be
// made, and what stands in its way fails as it would. Files that the content of
// the image, rather than its names, would make fail are not found.
func Plan(ctx context.Context, fsys walk.FS, sources []Source, dest string, opts Options, each func(name string, info fs.FileInfo)) (Summary, error) {
	top, name, err := openDest(dest, len(sources))
	if err != nil {
		return Summary{}, err
	}
	defer top.Close()
	host, err := openHostDir(top)
	if err != nil {
		return Summary{}, err
	}
	p := &plan{ctx: ctx, fsys: fsys, opts: opts, each: func(path string, info fs.FileInfo) { each(toldBelow(name, path), info) }, met: make(map[string]bool)}
	for _, s := range sources {
		if err = p.tree(s, &host, name); err != nil {
			break
		}
	}
	host.close()
	return p.summary, err
}

// A plan is one call of Plan.
type plan struct {
	ctx     context.Context
	fsys    walk.FS
	opts    Options
	each    func(string, fs.FileInfo)
	met     map[string]bool // names in the destination itself, where the sources meet
	summary Summary
}

// A place is a directory that something is to be placed in.
type place struct {
	host *hostDir // nil when it is not there yet
	path string
}

func (p *plan) tree(s Source, top *hostDir, name string) error {
	t, err := newTree(p.fsys, s, p.opts.Filter)
	if err != nil {
		p.fail(s.Path, err)
		return nil
	}
	stack := []place{{top, "."}} // the one at index n holds the entries of depth n
	shorten := func(n int) {
		for ; len(stack) > n; stack = stack[:len(stack)-1] {
			if h := stack[len(stack)-1].host; h != nil && h != top {
				h.close()
			}
		}
	}
	defer shorten(0)
	if t.content() && name == "" {
		stack = append(stack, stack[0])
	}
	for e, err := range t.all() {
		if p.ctx.Err() != nil {
			return p.ctx.Err()
		}
		if err != nil {
			p.fail(e.Path, err)
			continue
		}
		if e.Depth == 0 && len(stack) > 1 {
			continue
		}
		shorten(e.Depth + 1)
		own := name
		if own == "" || e.Depth > 0 {
			own = vnode.Raw(e.Name())
		}
		in := stack[e.Depth]
		if host, err := p.entry(in, own, e); err != nil {
			p.fail(e.Path, err)
			t.skipDir()
		} else if e.IsDir() {
			stack = append(stack, place{host, path.Join(in.path, own)})
		}
	}
	return nil
}

// entry plans one file, and those that are made of its named streams. Of a
// directory that is there it returns the handle.
func (p *plan) entry(in place, name string, e walk.Entry) (*hostDir, error) {
	if !vnode.Valid([]byte(name)) {
		return nil, fs.ErrInvalid
	}
	info, err := e.Info()
	if err != nil {
		return nil, err
	}
	host, err := p.file(in, name, e, info)
	if err != nil {
		return nil, err
	}
	streams, err := p.opts.streamsOf(p.fsys, e, info)
	if err != nil {
		p.fail(e.Path, err)
	}
	for _, s := range streams {
		if _, err := p.entry(in, name+streamSuffix(s), s); err != nil {
			p.fail(s.Path, err)
		}
	}
	return host, nil
}

func (p *plan) file(in place, name string, e walk.Entry, info fs.FileInfo) (*hostDir, error) {
	if in.path == "." {
		if p.met[name] && !e.IsDir() {
			return nil, errTwice
		}
		p.met[name] = true
	}
	if !e.IsDir() {
		complete := false
		if in.host != nil {
			var err error
			complete, err = p.opts.check(*in.host, name, e, info)
			if err != nil {
				return nil, err
			}
		}
		if complete {
			p.summary.Skipped++
			return nil, nil
		}
		p.summary.Files++
		if info.Mode().IsRegular() {
			p.summary.Bytes += info.Size()
		}
		p.each(path.Join(in.path, name), info)
		return nil, nil
	}
	if in.host != nil {
		there, err := in.host.lstat(name)
		if err == nil && !there.mode.IsDir() {
			return nil, errNotDir
		}
		if err == nil {
			host, err := in.host.openDir(name)
			p.summary.Dirs++
			return &host, err
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	p.summary.Dirs++
	p.each(path.Join(in.path, name), info)
	return nil, nil
}

func (p *plan) fail(path string, err error) {
	p.summary.Failed++
	if p.opts.Fail != nil {
		p.opts.Fail(path, bare(err))
	}
}

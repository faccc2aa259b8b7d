package main

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vmdkfs/vmdkfs"
	"github.com/vmdkfs/vmdkfs/layer"
)

var (
	errIsDir      = errors.New("is a directory")
	errNotRegular = errors.New("not a regular file")
)

func (a *app) catCommand() *cobra.Command {
	var raw bool
	c := &cobra.Command{
		Use:   "cat IMAGE PATH...\n  vmdkfs cat --raw IMAGE [VOLUME]",
		Short: "Write files to standard output",
		Long: `Write files to standard output, one after the other. With --raw, the bytes of a
volume (p3, vg_root/root), or of the whole disk. A file that they are written to
has holes where there are zeros only.`,
		Args: func(c *cobra.Command, args []string) error {
			if raw {
				return cobra.RangeArgs(1, 2)(c, args)
			}
			return cobra.MinimumNArgs(2)(c, args)
		},
		ValidArgsFunction: a.complete,
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(args[0], func(d *vmdkfs.Disk) error {
				open := a.openRegular
				names := args[1:]
				if raw {
					open = a.openVolume
					names = append(names, "")[:1]
				}
				for _, name := range names {
					f, err := open(d, name)
					if err == nil {
						err = a.cat(c.Context(), f)
					}
					if errors.Is(err, errFailed) {
						return err
					}
					a.fail(shown(name, args[0]), err)
				}
				return nil
			})
		},
	}
	c.Flags().BoolVar(&raw, "raw", false, "write the bytes of a volume")
	return c
}

// shown returns how a failure names the volume or path name: the whole disk
// has none.
func shown(name, image string) string {
	if name == "" {
		return image
	}
	return name
}

func (a *app) openRegular(d *vmdkfs.Disk, arg string) (layer.File, error) {
	p, err := a.place(d, arg)
	if err != nil {
		return nil, err
	}
	f, err := p.Open(p.name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case info.IsDir():
		err = errIsDir
	case !info.Mode().IsRegular():
		err = errNotRegular
	}
	if file, ok := f.(layer.File); ok && err == nil {
		return file, nil
	}
	f.Close()
	return nil, err
}

func (a *app) openVolume(d *vmdkfs.Disk, arg string) (layer.File, error) {
	v, err := d.Volume(strings.TrimSuffix(arg, "/"))
	if err != nil {
		return nil, err
	}
	return v.Open()
}

// cat writes f to standard output. The error is errFailed when that cannot be
// written, or is not wanted.
func (a *app) cat(ctx context.Context, f layer.File) error {
	defer f.Close()
	if err := a.out.Flush(); err != nil {
		return a.outputFailed(err)
	}
	p := a.progressBeside(func() int64 { return f.Size() })
	defer p.stop()
	out := &output{w: a.raw, ctx: ctx, progress: p}
	var err error
	if sparse := out.sparse(a.raw); sparse != nil {
		err = sparse.copy(f)
	} else {
		_, err = f.WriteTo(out)
	}
	if out.err != nil {
		return a.outputFailed(out.err)
	}
	return err
}

// output is a writer that a context ends. It keeps its own error, so that it
// can be told from one of reading.
type output struct {
	w        io.Writer
	ctx      context.Context
	progress *progress
	err      error
}

func (o *output) Write(p []byte) (n int, err error) {
	if o.err = o.ctx.Err(); o.err == nil {
		n, o.err = o.w.Write(p)
		o.progress.add(int64(n))
	}
	return n, o.err
}

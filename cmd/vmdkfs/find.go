package main

import (
	"context"
	"errors"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/vmdkfs/vmdkfs"
	"github.com/vmdkfs/vmdkfs/internal/walk"
)

func (a *app) findCommand() *cobra.Command {
	f := finder{lister: lister{app: a, recursive: true}}
	c := &cobra.Command{
		Use:   "find IMAGE [PATH]",
		Short: "Find files by name, time, size, type or owner",
		Long: `Print the path of every file at PATH or below that all tests hold for. Symbolic
links are not followed.

GLOB is as in the shell: *, ?, [a-z]; in --path a * takes in slashes too. REGEXP
is of RE2 and must match the whole path. TIME is 2026-11-17, 2026-11-17T08:00:00Z
or a time before now: 36h, 7d; of days and hours without a zone, UTC. SIZE is in
bytes, or with one of the suffixes k, M, G, T (of 1024).

Tests may be written with one dash, as find(1) has them: -name, -print0.`,
		Args:              cobra.RangeArgs(1, 2),
		ValidArgsFunction: a.complete,
		RunE: func(c *cobra.Command, args []string) error {
			if f.long && f.print0 {
				return errors.New("--print0 prints paths only")
			}
			arg := append(args, ".")[1]
			if f.versions {
				return f.findVersions(c.Context(), args[0], arg)
			}
			return a.with(args[0], func(d *vmdkfs.Disk) error { return f.find(c.Context(), d, arg) })
		},
	}
	flags := c.Flags()
	flags.BoolVarP(&f.long, "long", "l", false, "show mode, links, owner, group, size and time too")
	flags.BoolVar(&f.deleted, "deleted", false, "deleted files instead, of NTFS; a ? stands for directories that are lost")
	flags.BoolVar(&f.versions, "versions", false, "in all copies of the image that the storage's snapshots hold: VERSION:PATH")
	flags.BoolVar(&f.print0, "print0", false, "end each path with a NUL, names as their raw bytes")
	f.tests.add(flags)
	return c
}

// A finder is one run of find.
type finder struct {
	lister
	print0, deleted, versions bool
	tests                     tests
}

// findVersions is find in every copy of an image, the oldest first. One that
// cannot be read does not stop it.
func (f *finder) findVersions(ctx context.Context, image, arg string) error {
	f.app.image = image
	list, err := f.app.snapshot.versions(image)
	if err != nil {
		f.app.fail(image, err)
		return errFailed
	}
	failed := false
	for _, v := range list {
		f.version = v.Name + ":"
		err := f.app.withFile(v.File, func(d *vmdkfs.Disk) error {
			if p, err := f.app.place(d, arg); err == nil {
				if _, err := p.Lstat(p.name); errors.Is(err, fs.ErrNotExist) {
					return nil // which versions have it is what is asked
				}
			}
			return f.find(ctx, d, arg)
		})
		if err != nil && !errors.Is(err, errFailed) {
			return err
		}
		failed = failed || err != nil
		if f.app.outFailed || ctx.Err() != nil {
			break
		}
	}
	if failed {
		return errFailed
	}
	return nil
}

// find prints what the tests hold for, at arg and below.
func (f *finder) find(ctx context.Context, d *vmdkfs.Disk, arg string) error {
	p, err := f.app.place(d, arg)
	var w *walk.Walker
	if err == nil && f.deleted {
		return f.findDeleted(ctx, d, p)
	}
	if err == nil {
		w, err = walk.New(p, p.name, nil)
	}
	if err != nil {
		f.app.fail(arg, err)
		return errFailed
	}
	all := func(walk.Entry) bool { return true }
	return f.app.inOrder(ctx, w, all, func(_ context.Context, b *batch, e walk.Entry, _ []byte) {
		if !f.tests.named(e.Name(), e.Path, e.Type()) {
			return
		}
		if f.tests.needInfo {
			info, err := e.Info()
			if err != nil {
				b.fail(p.shown(e.Path), err) // it may be one that is looked for
				return
			}
			if !f.tests.described(info) {
				return
			}
		}
		if f.print0 {
			b.lines = append(b.lines, f.version...)
			b.lines = append(append(b.lines, f.app.rawName(p.shown(e.Path))...), 0)
		} else {
			f.add(b, e, p.shown(e.Path))
		}
	})
}

// ofType reports whether a mode is of the type that a letter of find stands
// for.
func ofType(mode fs.FileMode, letter byte) bool {
	switch letter {
	case 'f':
		return mode.IsRegular()
	case 'd':
		return mode.IsDir()
	case 'l':
		return mode&fs.ModeSymlink != 0
	case 'p':
		return mode&fs.ModeNamedPipe != 0
	case 's':
		return mode&fs.ModeSocket != 0
	case 'c':
		return mode&fs.ModeCharDevice != 0
	}
	return mode&(fs.ModeDevice|fs.ModeCharDevice) == fs.ModeDevice // b
}

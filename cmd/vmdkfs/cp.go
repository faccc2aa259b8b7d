package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vmdkfs/vmdkfs"
	"github.com/vmdkfs/vmdkfs/internal/export"
	"github.com/vmdkfs/vmdkfs/internal/walk"
)

func (a *app) cpCommand() *cobra.Command {
	var overwrite bool
	c := &cobra.Command{
		Use:   "cp IMAGE PATH... DEST",
		Short: "Copy files and directories to this machine",
		Long: `Copy files, and directories with all that they hold, with modes, times, holes,
symbolic and hard links, extended attributes and ACLs, and as root with owners
and devices.

When DEST is a directory they are placed in it under their names; else the one
PATH becomes DEST. The root of a volume has no name: its content is copied, as
is that of a directory given as PATH/. . Nothing that exists is replaced without
--overwrite.`,
		Args: cobra.MinimumNArgs(3),
		RunE: func(c *cobra.Command, args []string) error {
			last := len(args) - 1
			return a.writing(args[0], func(d *vmdkfs.Disk) (summary, error) {
				return a.cp(c.Context(), d, args[1:last], args[last], export.Options{Overwrite: overwrite})
			})
		},
	}
	c.Flags().BoolVar(&overwrite, "overwrite", false, "replace files that exist")
	return c
}

// cp copies the files at args to dest.
func (a *app) cp(ctx context.Context, d *vmdkfs.Disk, args []string, dest string, opts export.Options) (summary, error) {
	from, sources := a.sources(d, args)
	if len(sources) == 0 {
		return summary{}, errFailed
	}
	p := a.progress(func() int64 { return sourcesSize(ctx, from, sources) })
	a.report(&opts, from, dest)
	opts.Progress = p.add
	done, err := export.Copy(ctx, from, sources, dest, opts)
	p.stop()
	a.fail(dest, err)
	return summaryOf(done), nil
}

// report has opts report what happens while files of a tree are written to
// dest.
func (a *app) report(opts *export.Options, from tree, dest string) {
	opts.Fail = func(path string, err error) { a.fail(from.shown(path), err) }
	opts.Note = func(text string, files int) { a.warn(dest, fmt.Errorf("%s (%s)", text, count(files, "file"))) }
}

// sourcesSize returns how many bytes the files of all sources have.
func sourcesSize(ctx context.Context, fsys walk.FS, sources []export.Source) (total int64) {
	for _, s := range sources {
		total += treeSize(ctx, fsys, s.Path)
	}
	return total
}

// sources returns what the arguments name, in one tree, without those that
// name nothing, which are reported. The root of a volume, which has no name,
// stands for its content.
func (a *app) sources(d *vmdkfs.Disk, args []string) (from tree, list []export.Source) {
	for _, arg := range args {
		p, ok := a.existing(d, arg)
		if !ok {
			continue
		}
		if len(list) > 0 && from != p.tree {
			a.fail(arg, errMixed)
			continue
		}
		from = p.tree
		content := p.name == "." || arg == "." || strings.HasSuffix(arg, "/.")
		if !content && p.root == "" {
			_, err := d.Volume(p.name)
			content = err == nil
		}
		list = append(list, export.Source{Path: p.name, Content: content})
	}
	return from, list
}

// summaryOf returns what a copy or an archive has done.
func summaryOf(s export.Summary) summary {
	return summary{files: s.Files, dirs: s.Dirs, bytes: s.Bytes}
}

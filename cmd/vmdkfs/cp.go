package main

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vmdkfs/vmdkfs"
	"github.com/vmdkfs/vmdkfs/internal/export"
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
			return a.with(args[0], func(d *vmdkfs.Disk) error {
				return a.cp(c.Context(), d, args[1:last], args[last], export.Options{Overwrite: overwrite})
			})
		},
	}
	c.Flags().BoolVar(&overwrite, "overwrite", false, "replace files that exist")
	return c
}

// cp copies the files at args to dest.
func (a *app) cp(ctx context.Context, d *vmdkfs.Disk, args []string, dest string, opts export.Options) error {
	sources := a.sources(d, args)
	if len(sources) == 0 {
		return errFailed
	}
	p := a.progress(func() int64 { return sourcesSize(ctx, d, sources) })
	opts.Fail = a.fail
	opts.Progress = p.add
	opts.Note = func(text string, files int) {
		a.warn(dest, fmt.Errorf("%s (%s)", text, count(files, "file")))
	}
	_, err := export.Copy(ctx, d, sources, dest, opts)
	p.stop()
	a.fail(dest, err)
	return nil
}

// sourcesSize returns how many bytes the files of all sources have.
func sourcesSize(ctx context.Context, d *vmdkfs.Disk, sources []export.Source) (total int64) {
	for _, s := range sources {
		total += treeSize(ctx, d, s.Path)
	}
	return total
}

// sources returns what the arguments name, without those that name nothing,
// which are reported.
func (a *app) sources(d *vmdkfs.Disk, args []string) []export.Source {
	var list []export.Source
	for _, arg := range args {
		name, ok := a.existing(d, arg)
		if !ok {
			continue
		}
		content := name == "." || arg == "." || strings.HasSuffix(arg, "/.")
		if !content {
			_, err := d.Volume(name)
			content = err == nil
		}
		list = append(list, export.Source{Path: path.Clean(name), Content: content})
	}
	return list
}

// existing returns the path in the volume tree that arg names, and reports when
// there is nothing.
func (a *app) existing(d *vmdkfs.Disk, arg string) (name string, ok bool) {
	name, err := treePath(d, arg)
	if err == nil {
		_, err = d.Lstat(name)
	}
	a.fail(arg, err)
	return name, err == nil
}

// count returns n with a noun.
func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

package main

import (
	"context"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vmdkfs/vmdkfs"
	"github.com/vmdkfs/vmdkfs/internal/walk"
)

func (a *app) lsCommand() *cobra.Command {
	var l lister
	c := &cobra.Command{
		Use:   "ls IMAGE [PATH]",
		Short: "List a directory",
		Long: `List a directory of the image, sorted by name: one name a line, or with -R one
path a line, as every command takes it. Symbolic links below PATH are not
followed; PATH itself is one that -l, -R and --json show.

What cannot be printed in names is shown as \xNN, and taken as such in a PATH.
Times are UTC, owners are numbers.`,
		Args:              cobra.RangeArgs(1, 2),
		ValidArgsFunction: a.complete,
		RunE: func(c *cobra.Command, args []string) error {
			l.app = a
			return a.with(args[0], func(d *vmdkfs.Disk) error { return l.list(c.Context(), d, append(args, ".")[1]) })
		},
	}
	c.Flags().BoolVarP(&l.long, "long", "l", false, "show mode, links, owner, group, size and time too")
	c.Flags().BoolVarP(&l.recursive, "recursive", "R", false, "list everything below PATH")
	return c
}

// A lister is one run of ls.
type lister struct {
	app             *app
	long, recursive bool
	version         string // of the image, with a colon; empty where there is one only
}

// list lists the file or directory at arg.
func (l *lister) list(ctx context.Context, d *vmdkfs.Disk, arg string) error {
	p, err := l.app.place(d, arg)
	if err != nil {
		l.app.fail(arg, err)
		return errFailed
	}
	if !l.long && !l.recursive && !l.app.json {
		// As ls does, a link to a directory stands for the directory.
		if info, err := fs.Stat(p.FS, p.name); err == nil && info.IsDir() {
			entries, err := p.ReadDir(p.name)
			var lines []byte
			for _, e := range entries {
				lines = append(appendPrintable(lines, e.Name()), '\n')
			}
			l.app.fail(arg, err)
			return l.app.outputFailed(l.app.write(lines))
		}
	}
	w, err := walk.New(p, p.name, nil)
	if err != nil {
		l.app.fail(arg, err)
		return errFailed
	}
	take := func(e walk.Entry) bool {
		if e.Depth > 0 && !l.recursive {
			w.SkipDir()
		}
		return e.Depth > 0 || !e.IsDir()
	}
	return l.app.inOrder(ctx, w, take, func(_ context.Context, b *batch, e walk.Entry, _ []byte) { l.add(b, e, p.shown(e.Path)) })
}

// add adds the line of one entry, under the path shown, to b; JSON has the path
// in its tree. An entry that cannot be described is
// listed all the same.
func (l *lister) add(b *batch, e walk.Entry, shown string) {
	var info fs.FileInfo
	var target string
	if l.app.json || l.long {
		var err error
		info, target, err = describe(e)
		b.fail(shown, err)
	}
	start := len(b.lines)
	if !l.app.json {
		b.lines = append(b.lines, l.version...)
	}
	switch {
	case l.app.json && info != nil:
		var err error
		b.lines, err = appendStreams(appendObject(b.lines, e.Path, info, target), info)
		b.fail(shown, err)
		b.lines = append(b.lines, '}')
	case l.app.json:
		b.lines = append(b.lines, `{"path":`...)
		b.lines = appendJSON(b.lines, e.Path)
		b.lines = append(b.lines, `,"type":"`+typeName(e.Type())+`"}`...)
	default:
		if l.long {
			b.lines = appendLong(b.lines, e.Type(), info)
		}
		name := shown
		if !l.recursive {
			name = path.Base(name)
		}
		b.lines = appendPrintable(b.lines, name)
		if target != "" {
			b.lines = appendPrintable(append(b.lines, " -> "...), target)
		}
	}
	if l.app.json && l.version != "" {
		b.lines = slices.Insert(b.lines, start+1, l.appendVersionMember(nil)...)
	}
	b.lines = append(b.lines, '\n')
}

// appendVersionMember appends the first member of an object with the version,
// where there are several.
func (l *lister) appendVersionMember(b []byte) []byte {
	if l.version == "" {
		return b
	}
	b = appendJSON(append(b, `"version":`...), strings.TrimSuffix(l.version, ":"))
	return append(b, ',')
}

// describe returns what is known of e, and its target if it is a link.
func describe(e walk.Entry) (info fs.FileInfo, target string, err error) {
	if info, err = e.Info(); err != nil {
		return nil, "", err
	}
	if e.Type()&fs.ModeSymlink != 0 {
		target, err = e.ReadLink()
	}
	return info, target, err
}

package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vmdkfs/vmdkfs"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/internal/walk"
)

func (a *app) hashCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "hash IMAGE [PATH]",
		Short: "Print the SHA-256 of every file",
		Long: `Print the SHA-256 of every regular file at PATH or below, as sha256sum does:
paths are relative to PATH and sorted, so that "sha256sum -c" in a copy of the
tree compares the two. Symbolic links are not followed.`,
		Args:              cobra.RangeArgs(1, 2),
		ValidArgsFunction: a.complete,
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(args[0], func(d *vmdkfs.Disk) error { return a.hash(c.Context(), d, append(args, ".")[1]) })
		},
	}
}

// hash prints the hashes of all files below arg.
func (a *app) hash(ctx context.Context, d *vmdkfs.Disk, arg string) error {
	p, err := a.place(d, arg)
	var w *walk.Walker
	if err == nil {
		w, err = walk.New(p, p.name, walk.ByPath)
	}
	if err != nil {
		a.fail(arg, err)
		return errFailed
	}
	bar := a.progressBeside(func() int64 { return treeSize(ctx, p, p.name) })
	defer bar.stop()
	regular := func(e walk.Entry) bool { return e.Type().IsRegular() }
	return a.inOrder(ctx, w, regular, func(ctx context.Context, b *batch, e walk.Entry, buf []byte) {
		sum, err := hashFile(ctx, e, buf, bar)
		path := relative(p.name, e.Path, e.Depth)
		switch {
		case err != nil:
			b.fail(p.shown(e.Path), err)
		case a.json:
			b.lines = append(b.lines, `{"path":`...)
			b.lines = appendJSON(b.lines, path)
			b.lines = fmt.Appendf(b.lines, `,"sha256":"%x"}`+"\n", sum)
		default:
			b.lines = appendSum(b.lines, sum, a.rawName(path))
		}
	})
}

// rawName returns the name at path as its bytes: for a program, not for a
// terminal, which might obey them.
func (a *app) rawName(path string) []byte {
	raw := vnode.Unescape(path)
	if isTerminal(a.raw) {
		return appendPrintable(nil, string(raw))
	}
	return raw
}

// relative returns the path of a file of a walk that began at start; the
// start itself goes by its name.
func relative(start, path string, depth int) string {
	if depth == 0 {
		return path[strings.LastIndexByte(path, '/')+1:]
	}
	if start == "." {
		return path
	}
	return path[len(start)+1:]
}

package main

import (
	"context"
	"errors"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vmdkfs/vmdkfs"
	"github.com/vmdkfs/vmdkfs/internal/diff"
)

func (a *app) diffCommand() *cobra.Command {
	var o diff.Options
	c := &cobra.Command{
		Use:   "diff IMAGE IMAGE [PATH]",
		Short: "Show what differs between two images",
		Long: `Show which files at PATH or below were added, removed, changed or renamed from the
first image to the second, sorted by path. With what changed is said in what:
type, content, mode, owner, mtime, xattrs, attributes (of chattr, or of NTFS).

A file with the same inode, size and times is the same. Where these differ and
the size does not, its content is read. With --checksum that of all files is:
nothing else shows what the guest had written when the storage took a snapshot
and had not yet noted in the inode, and what differs in a volume that is no file
system. The times of access and the times of directories do not count, nor does
the number of a file's names.

A file whose inode has another name now was renamed. What lies in a renamed
directory is compared with what lay in it. A path that is there in both is never
renamed: it is changed, or the same.

The exit status is 0 whether there are differences or not.`,
		Args:              cobra.RangeArgs(2, 3),
		ValidArgsFunction: a.completeDiff,
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(args[0], func(first *vmdkfs.Disk) error {
				return a.with(args[1], func(second *vmdkfs.Disk) error {
					return a.diff(c.Context(), [2]*vmdkfs.Disk{first, second}, args, o)
				})
			})
		},
	}
	c.Flags().BoolVar(&o.Checksum, "checksum", false, "compare the content whatever inode, size and times say")
	return c
}

// completeDiff completes both images as files of this machine.
func (a *app) completeDiff(c *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	if len(args) < 2 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return a.complete(c, args[1:], word)
}

// diff prints the differences between two disks, at args[2] if it is given.
func (a *app) diff(ctx context.Context, disks [2]*vmdkfs.Disk, args []string, o diff.Options) error {
	arg := append(args, ".")[2]
	var trees [2]diff.Tree
	for i, d := range disks {
		p, err := a.place(d, arg)
		if err != nil {
			a.fail(args[i], err)
			return errFailed
		}
		trees[i] = diff.Tree{FS: p, Name: p.name}
	}
	root := ""
	if strings.HasPrefix(arg, "/") {
		root = "/"
	}
	names := distinct(args[0], args[1])
	o.Fail = func(second bool, path string, err error) {
		name := names[0]
		if second {
			name = names[1]
		}
		a.fail(name+": "+root+path, err)
	}
	o.Note = func(path string, err error) {
		if v, e := disks[1].Volume(path); e == nil {
			if kind, _ := v.Kind(); kind == vmdkfs.PV || kind == vmdkfs.LinuxRAID || kind == vmdkfs.LDM {
				return // what is on it is compared
			}
		}
		a.warn(root+path, err)
	}
	changes, err := diff.Trees(ctx, trees[0], trees[1], o)
	if err != nil && !errors.Is(err, context.Canceled) {
		a.fail(arg, err)
	}
	var b []byte
	for _, c := range changes {
		if a.json {
			b = append(appendChangeObject(b, c), '\n')
		} else {
			b = append(appendChange(b, c, root), '\n')
		}
		if len(b) > workBuffer {
			if err := a.write(b); err != nil {
				return a.outputFailed(err)
			}
			b = b[:0]
		}
	}
	return a.outputFailed(a.write(b))
}

// distinct returns how failures name two images: by what tells their paths
// apart, up to the name of the image.
func distinct(a, b string) [2]string {
	x, y := strings.Split(filepath.ToSlash(a), "/"), strings.Split(filepath.ToSlash(b), "/")
	n := 0
	for n < len(x)-1 && n < len(y)-1 && x[n] == y[n] {
		n++
	}
	return [2]string{strings.Join(x[n:], "/"), strings.Join(y[n:], "/")}
}

// appendChange appends the line of a change.
func appendChange(b []byte, c diff.Change, root string) []byte {
	const width = len("removed  ")
	b = append(b, c.Kind...)
	b = appendSpaces(b, width-len(c.Kind))
	if c.Kind == diff.Renamed {
		b = appendPrintable(b, root+c.From)
		b = append(b, " -> "...)
	}
	b = appendPrintable(b, root+c.Path)
	for i, aspect := range c.Aspects {
		if i == 0 {
			b = append(b, "  ("...)
		} else {
			b = append(b, ", "...)
		}
		b = append(b, aspect...)
	}
	if len(c.Aspects) > 0 {
		b = append(b, ')')
	}
	return b
}

// appendChangeObject appends the JSON object of a change.
func appendChangeObject(b []byte, c diff.Change) []byte {
	b = append(b, `{"change":"`+string(c.Kind)+`","path":`...)
	b = appendJSON(b, c.Path)
	if c.From != "" {
		b = append(b, `,"from":`...)
		b = appendJSON(b, c.From)
	}
	for i, aspect := range c.Aspects {
		if i == 0 {
			b = append(b, `,"differs":[`...)
		} else {
			b = append(b, ',')
		}
		b = append(b, `"`+aspect+`"`...)
	}
	if len(c.Aspects) > 0 {
		b = append(b, ']')
	}
	b = appendState(b, "before", c.Before)
	b = appendState(b, "after", c.After)
	return append(b, '}')
}

// appendState appends a member with what a file was, unless it was not there.
func appendState(b []byte, key string, s *diff.State) []byte {
	if s == nil {
		return b
	}
	b = append(b, `,"`+key+`":{"type":"`+typeName(s.Mode)+`","mode":"`...)
	b = appendOctal(b, permBits(s.Mode))
	b = append(b, `","size":`...)
	b = strconv.AppendInt(b, s.Size, 10)
	b = appendTime(b, "mtime", s.ModTime)
	return append(b, '}')
}

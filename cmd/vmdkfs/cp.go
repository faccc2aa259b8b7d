package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vmdkfs/vmdkfs"
	"github.com/vmdkfs/vmdkfs/internal/export"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
)

// A copying is what the flags of cp ask for.
type copying struct {
	choice
	overwrite, resume, verify, dryRun bool
	preserve, noPreserve              string
	checksums, security               string
}

func (a *app) cpCommand() *cobra.Command {
	var f copying
	c := &cobra.Command{
		Use:   "cp IMAGE PATH... DEST",
		Short: "Copy files and directories to this machine",
		Long: `Copy files, and directories with all that they hold, with modes, times, holes,
symbolic and hard links, extended attributes and ACLs, and as root with owners
and devices. Of files of NTFS, named streams become extended attributes (user.*),
or with --streams=files files beside them, called FILE:STREAM; the security
descriptor becomes the attribute user.ntfs.sddl, or a line of --security FILE.

When DEST is a directory they are placed in it under their names; else the one
PATH becomes DEST. The root of a volume has no name: its content is copied, as
is that of a directory given as PATH/. . Nothing that exists is replaced without
--overwrite.

A file gets its name in DEST only when it is complete. After an interruption the
same command with --resume goes on: a file that is there with the type, size and
modification time (a link with the target) that the image has is complete, and
is skipped; one that differs fails, or with --overwrite is replaced. After a
power failure add --verify, which reads skipped files as well.

` + filterHelp + `

--preserve and --no-preserve take a list of mode, ownership, timestamps, links,
xattr, acl, streams, security, all and none. All of them are kept by default, as
far as the user and the file system of DEST can.`,
		Args: cobra.MinimumNArgs(3),
		RunE: func(c *cobra.Command, args []string) error {
			opts, err := f.options()
			if err != nil {
				return err
			}
			last := len(args) - 1
			return a.writing(args[0], func(d *vmdkfs.Disk) (summary, error) {
				return a.cp(c.Context(), d, args[1:last], args[last], f, opts)
			})
		},
	}
	f.add(c.Flags())
	c.Flags().BoolVar(&f.overwrite, "overwrite", false, "replace files that exist")
	c.Flags().BoolVar(&f.resume, "resume", false, "go on with a copy that was interrupted: skip files that are complete")
	c.Flags().BoolVar(&f.verify, "verify", false, "read back what was written and compare its hash with that of what the image holds")
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, "print the paths in DEST that would be made, and make none")
	c.Flags().StringVar(&f.preserve, "preserve", "all", "what to keep of files beside their content")
	c.Flags().StringVar(&f.noPreserve, "no-preserve", "none", "what not to keep")
	c.Flags().StringVar(&f.checksums, "checksums", "", "write the SHA-256 of every file to this one, for sha256sum -c in DEST; - is standard output")
	c.Flags().StringVar(&f.security, "security", "", "write the security descriptors of NTFS to this file, a JSON object a line; - is standard output")
	return c
}

// options returns what the flags ask for.
func (f *copying) options() (opts export.Options, err error) {
	if opts, err = f.choice.options(); err != nil {
		return opts, err
	}
	keep, err := export.ParseAttributes(f.preserve)
	if err != nil {
		return opts, fmt.Errorf("--preserve: %w", err)
	}
	drop, err := export.ParseAttributes(f.noPreserve)
	if err != nil {
		return opts, fmt.Errorf("--no-preserve: %w", err)
	}
	opts.Drop |= export.All&^keep | drop
	opts.Overwrite, opts.Resume, opts.Verify = f.overwrite, f.resume, f.verify
	if f.resume && opts.Drop&export.Timestamps != 0 {
		return opts, errors.New("--resume needs the timestamps, which tell a complete copy")
	}
	if f.dryRun && (f.checksums != "" || f.security != "" || f.verify) {
		return opts, errors.New("--dry-run makes nothing to verify or to describe")
	}
	if f.checksums == "-" && f.security == "-" {
		return opts, errors.New("standard output is for --checksums or for --security")
	}
	return opts, nil
}

// cp copies the files at args to dest.
func (a *app) cp(ctx context.Context, d *vmdkfs.Disk, args []string, dest string, f copying, opts export.Options) (summary, error) {
	from, sources := a.sources(d, args)
	if len(sources) == 0 {
		return summary{}, errFailed
	}
	a.report(&opts, from, dest)
	if f.dryRun {
		done, err := export.Plan(ctx, from, sources, dest, opts, a.planned(dest))
		a.fail(dest, err)
		s := summaryOf(done)
		s.planned = true
		return s, nil
	}
	p := a.progressOf(ctx, from, sources, &opts)
	defer p.stop()
	var done export.Summary
	copyTo := func() (err error) {
		done, err = export.Copy(ctx, from, sources, dest, opts)
		return err
	}
	copyTo = a.listing(f.checksums, copyTo, func(w *bufio.Writer) {
		var line []byte
		opts.Sum = func(name string, sum [sha256.Size]byte) {
			line = appendSum(line[:0], sum, []byte(name))
			w.Write(line) // its error is kept for Flush
		}
	})
	copyTo = a.listing(f.security, copyTo, func(w *bufio.Writer) {
		var line []byte
		opts.SDDL = func(name, sddl string) {
			line = appendJSON(append(line[:0], `{"path":`...), vnode.Escape([]byte(name)))
			line = append(appendJSON(append(line, `,"sddl":`...), sddl), "}\n"...)
			w.Write(line)
		}
	})
	a.fail(dest, copyTo())
	return summaryOf(done), nil
}

// listing returns copyTo, which by then has one of its options write a list to
// the file at name. The list is told of as it is, even when the copy fails: it
// has what is there.
func (a *app) listing(name string, copyTo func() error, begin func(w *bufio.Writer)) func() error {
	if name == "" {
		return copyTo
	}
	return func() error {
		var failed error
		err := a.toFile(name, func(w io.Writer) error {
			list := bufio.NewWriterSize(w, 64<<10)
			begin(list)
			failed = copyTo()
			return list.Flush()
		})
		if !errors.Is(err, errFailed) {
			a.fail(name, err)
		}
		return failed
	}
}

// planned returns what prints the paths of a dry run.
func (a *app) planned(dest string) func(name string, info fs.FileInfo) {
	return func(name string, info fs.FileInfo) {
		if a.json {
			a.out.Write(append(appendObject(nil, vnode.Escape([]byte(name)), info, ""), "}\n"...))
			return
		}
		if info.IsDir() {
			name += "/"
		}
		a.out.WriteString(printable(vnode.Escape([]byte(name))) + "\n")
	}
}

// report has opts report what happens while files of a tree are written to
// dest.
func (a *app) report(opts *export.Options, from tree, dest string) {
	opts.Fail = func(path string, err error) { a.fail(from.shown(path), err) }
	opts.Note = func(text string, files int) { a.warn(dest, fmt.Errorf("%s (%s)", text, count(files, "file"))) }
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
	return summary{files: s.Files, dirs: s.Dirs, skipped: s.Skipped, bytes: s.Bytes}
}

package main

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/spf13/cobra"

	"github.com/vmdkfs/vmdkfs"
	"github.com/vmdkfs/vmdkfs/internal/export"
)

// An archiver writes files to an archive: export.Tar, or export.Zip.
type archiver func(ctx context.Context, from tree, sources []export.Source, w io.Writer, opts export.Options) (export.Summary, error)

func (a *app) tarCommand() *cobra.Command {
	var file string
	c := a.archiveCommand(&file, func(ctx context.Context, from tree, sources []export.Source, w io.Writer, opts export.Options) (export.Summary, error) {
		packed, err := compressor(w, file)
		if err != nil {
			return export.Summary{}, err
		}
		done, err := export.Tar(ctx, from, sources, packed, opts)
		return done, errors.Join(err, packed.Close())
	})
	c.Use = "tar -o FILE IMAGE PATH..."
	c.Short = "Write files and directories to a tar archive"
	c.Long = `Write files, and directories with all that they hold, to a tar archive (pax) with
modes, owners, times in nanoseconds, links, devices, holes, extended attributes
and ACLs. GNU tar restores all of them with --xattrs --xattrs-include='*' --acls.

FILE is replaced when the archive is complete; - is standard output. It is
compressed when its name ends in .gz, .tgz, .zst or .tzst. The root of a volume
has no name: its content is written, as is that of a directory given as PATH/. .

` + filterHelp
	return c
}

func (a *app) zipCommand() *cobra.Command {
	var file string
	var stored bool
	c := a.archiveCommand(&file, func(ctx context.Context, from tree, sources []export.Source, w io.Writer, opts export.Options) (export.Summary, error) {
		return export.Zip(ctx, from, sources, w, stored, opts)
	})
	c.Use = "zip -o FILE IMAGE PATH..."
	c.Short = "Write files and directories to a zip archive"
	c.Long = `Write files, and directories with all that they hold, to a zip archive with
modes, owners, times in seconds and symbolic links. Zip has no hard links,
devices, holes or extended attributes; what is lost is said. Use tar to keep it.

FILE is replaced when the archive is complete; - is standard output. The root of
a volume has no name: its content is written, as is that of a directory given as
PATH/. .

` + filterHelp
	c.Flags().BoolVar(&stored, "stored", false, "do not compress")
	return c
}

// archiveCommand returns a command that writes an archive to file, without its
// texts.
func (a *app) archiveCommand(file *string, write archiver) *cobra.Command {
	var f choice
	c := &cobra.Command{
		Args: cobra.MinimumNArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			if *file == "-" && isTerminal(a.raw) {
				return errors.New("an archive is nothing for a terminal")
			}
			opts, err := f.options()
			if err != nil {
				return err
			}
			return a.writing(args[0], func(d *vmdkfs.Disk) (summary, error) {
				return a.archive(c.Context(), d, args[1:], *file, opts, write)
			})
		},
	}
	f.add(c.Flags())
	c.Flags().StringVarP(file, "output", "o", "", "the archive to write; - is standard output")
	c.MarkFlagRequired("output") // fails for a flag that does not exist
	return c
}

// archive writes the files at args to the archive file.
func (a *app) archive(ctx context.Context, d *vmdkfs.Disk, args []string, file string, opts export.Options, write archiver) (summary, error) {
	from, sources := a.sources(d, args)
	if len(sources) == 0 {
		return summary{}, errFailed
	}
	p := a.progressOf(ctx, from, sources, &opts)
	a.report(&opts, from, file)
	var done export.Summary
	err := a.toFile(file, func(w io.Writer) (err error) {
		done, err = write(ctx, from, sources, w, opts)
		return err
	})
	p.stop()
	if err != nil {
		done = export.Summary{} // there is no archive
	}
	if !errors.Is(err, errFailed) {
		a.fail(file, err)
	}
	return summaryOf(done), nil
}

// compressor returns what compresses for w as the name of the file says, or
// not at all.
func compressor(w io.Writer, name string) (io.WriteCloser, error) {
	switch {
	case hasSuffix(name, ".gz", ".tgz"):
		return gzip.NewWriter(w), nil
	case hasSuffix(name, ".zst", ".tzst"):
		return zstd.NewWriter(w)
	}
	return uncompressed{w}, nil
}

func hasSuffix(name string, suffixes ...string) bool {
	for _, s := range suffixes {
		if strings.HasSuffix(strings.ToLower(name), s) {
			return true
		}
	}
	return false
}

// uncompressed is an output with nothing to finish.
type uncompressed struct{ io.Writer }

func (uncompressed) Close() error { return nil }

package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/vmdkfs/vmdkfs"
	"github.com/vmdkfs/vmdkfs/internal/export"
	"github.com/vmdkfs/vmdkfs/iso"
)

func (a *app) isoCommand() *cobra.Command {
	var f isoFlags
	c := &cobra.Command{
		Use:   "iso -o FILE IMAGE PATH...",
		Short: "Write files and directories to an ISO image",
		Long: `Write files and directories to an ISO image of three views over the same data:
ISO 9660 with Rock Ridge (for Unix: modes, owners, times, links), Joliet (for
Windows), and UDF, which has files of 4 GiB and long names where Joliet has not.

The image holds what is in the directory PATH, as with mkisofs. A file, or each
of several PATHs, is in its root under its own name. FILE is replaced when the
image is complete; - is standard output. A file that cannot be read to its end
has zeros from there on, is told, and makes the exit status 1.
VMDKFS/MANIFEST.TXT in the image names such files, and what no view can hold:
ACLs, other extended attributes, streams.

With --reproducible the same files make the same image, byte for byte, whenever
it is written. Its date is then that of the environment's SOURCE_DATE_EPOCH, in
seconds, or the newest modification time of the PATHs.`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			if f.file == "-" && isTerminal(a.raw) {
				return errors.New("an ISO image is nothing for a terminal")
			}
			if f.reproducible {
				var err error
				if f.date, err = sourceDate(); err != nil {
					return err
				}
			}
			return a.writing(args[0], func(d *vmdkfs.Disk) (summary, error) { return a.iso(c.Context(), d, args[1:], f) })
		},
	}
	c.Flags().StringVarP(&f.file, "output", "o", "", "the image to write; - is standard output")
	c.Flags().StringVar(&f.label, "label", "", "name of the volume")
	c.Flags().BoolVar(&f.udf, "udf", true, "add the UDF view; --udf=false leaves it out")
	c.Flags().BoolVar(&f.manifest, "manifest", true, "add the manifest; --manifest=false leaves it out")
	c.Flags().BoolVar(&f.reproducible, "reproducible", false, "let the image depend on nothing but the files")
	c.MarkFlagRequired("output") // fails for a flag that does not exist
	return c
}

// isoFlags are the flags of iso.
type isoFlags struct {
	file, label   string
	udf, manifest bool
	reproducible  bool
	date          time.Time // of the environment; zero when it has none
}

// sourceDate returns the time that SOURCE_DATE_EPOCH says, or zero. See
// reproducible-builds.org/specs/source-date-epoch.
func sourceDate() (time.Time, error) {
	text, ok := os.LookupEnv("SOURCE_DATE_EPOCH")
	if !ok {
		return time.Time{}, nil
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seconds < 0 {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH is %q, not a number of seconds", text)
	}
	return time.Unix(seconds, 0), nil
}

// options returns the options that the flags ask for, for files of from.
func (f *isoFlags) options(from tree, sources []export.Source) ([]iso.WriteOption, error) {
	opts := []iso.WriteOption{iso.WithLongJoliet()}
	if f.label != "" {
		opts = append(opts, iso.WithLabel(f.label))
	}
	if !f.udf {
		opts = append(opts, iso.WithoutUDF())
	}
	if f.manifest {
		opts = append(opts, iso.WithManifest())
	}
	if f.reproducible && f.date.IsZero() {
		f.date = time.Unix(0, 0) // of files that have no time
		for _, s := range sources {
			info, err := from.Lstat(s.Path)
			if err != nil {
				return nil, err
			}
			if mtime := info.ModTime(); mtime.After(f.date) {
				f.date = mtime
			}
		}
	}
	if f.reproducible {
		opts = append(opts, iso.WithTime(f.date.UTC()))
	}
	return opts, nil
}

// iso writes the files at args to the image file.
func (a *app) iso(ctx context.Context, d *vmdkfs.Disk, args []string, f isoFlags) (summary, error) {
	from, sources := a.sources(d, args)
	if len(sources) == 0 {
		return summary{}, errFailed
	}
	var names []string
	for _, s := range sources {
		names = append(names, s.Path)
	}
	files, err := export.Select(from, names)
	var opts []iso.WriteOption
	if err == nil {
		opts, err = f.options(from, sources)
	}
	if err != nil {
		a.fail(args[0], err)
		return summary{}, errFailed
	}
	shown := shownIn(from, sources)
	p := a.progress(nil)
	opts = append(opts, iso.WithContext(ctx), iso.WithProgress(p.set))
	if p != nil {
		opts = append(opts, iso.WithFile(func(name string, files int) {
			p.allFiles.Store(int64(files))
			p.file(shown(name))
		}))
	}
	var report *iso.Report
	err = a.toFile(f.file, func(w io.Writer) (err error) {
		report, err = iso.Write(w, files, opts...)
		for _, e := range report.Errors {
			a.failInImage(f.file, shown, e)
		}
		return err
	})
	p.stop()
	if err != nil {
		if !errors.Is(err, errFailed) {
			a.failInImage(f.file, shown, err)
		}
		return summary{}, nil // there is no image
	}
	return summary{files: int64(report.Entries - report.Dirs), dirs: int64(report.Dirs - 1), bytes: report.Data}, nil
}

// failInImage reports an error of what was to be in the image file, with its
// path in the source, or else of the image.
func (a *app) failInImage(file string, shown func(name string) string, err error) {
	pe, ok := err.(*fs.PathError)
	if !ok || pe.Op == "write" || pe.Path == file {
		a.fail(file, err)
		return
	}
	a.fail(shown(pe.Path), pe.Err)
}

// shownIn returns a function that tells the PATH of what is at a path of the
// image of sources.
func shownIn(from tree, sources []export.Source) func(name string) string {
	if len(sources) == 1 {
		if info, err := from.Lstat(sources[0].Path); err == nil && info.IsDir() {
			return func(name string) string { return from.shown(path.Join(sources[0].Path, name)) }
		}
	}
	return func(name string) string {
		first, rest, _ := strings.Cut(name, "/")
		for _, s := range sources {
			if path.Base(s.Path) == first {
				return from.shown(path.Join(s.Path, rest))
			}
		}
		return name
	}
}

// toFile has write produce the file at name, which is complete or not there.
// What is at name and no regular file, a device or a pipe, is written to.
func (a *app) toFile(name string, write func(io.Writer) error) (err error) {
	if name == "-" {
		out := &output{w: a.raw, ctx: context.Background()}
		if err := write(out); out.err == nil {
			return err
		}
		return a.outputFailed(out.err)
	}
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(write(f), f.Close())
	}
	temp := filepath.Join(filepath.Dir(name), ".vmdkfs-"+rand.Text()[:12])
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return errors.Unwrap(err) // of another name than the caller's
	}
	err = write(nameless{f})
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(temp, name)
	}
	if err != nil {
		os.Remove(temp)
	}
	return err
}

// nameless is a file under a temporary name, which its errors do not tell.
type nameless struct{ f *os.File }

func (n nameless) Write(p []byte) (int, error) {
	written, err := n.f.Write(p)
	if err != nil {
		err = errors.Unwrap(err)
	}
	return written, err
}

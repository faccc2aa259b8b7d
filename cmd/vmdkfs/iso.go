package main

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/vmdkfs/vmdkfs"
	"github.com/vmdkfs/vmdkfs/internal/export"
	"github.com/vmdkfs/vmdkfs/iso"
)

func (a *app) isoCommand() *cobra.Command {
	var file, label string
	var udf, manifest bool
	c := &cobra.Command{
		Use:   "iso -o FILE IMAGE PATH...",
		Short: "Write files and directories to an ISO image",
		Long: `Write files and directories to an ISO 9660 image with Rock Ridge (for Unix:
modes, owners, times, links) and Joliet (for Windows).

The image holds what is in the directory PATH, as with mkisofs. A file, or each
of several PATHs, is in its root under its own name. FILE is replaced when the
image is complete; - is standard output.`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			if file == "-" && isTerminal(a.raw) {
				return errors.New("an ISO image is nothing for a terminal")
			}
			return a.with(args[0], func(d *vmdkfs.Disk) error {
				var opts []iso.WriteOption
				if label != "" {
					opts = append(opts, iso.WithLabel(label))
				}
				if !udf {
					opts = append(opts, iso.WithoutUDF())
				}
				if manifest {
					opts = append(opts, iso.WithManifest())
				}
				return a.iso(c.Context(), d, args[1:], file, opts)
			})
		},
	}
	c.Flags().StringVarP(&file, "output", "o", "", "the image to write; - is standard output")
	c.Flags().StringVar(&label, "label", "", "name of the volume")
	c.Flags().BoolVar(&udf, "udf", false, "add a UDF file system, which has files of 4 GiB and long names where Joliet has not")
	c.Flags().BoolVar(&manifest, "manifest", false, "add VMDKFS/MANIFEST.TXT: what could not be read, and what the image cannot hold")
	c.MarkFlagRequired("output") // fails for a flag that does not exist
	return c
}

// iso writes the files at args to the image file.
func (a *app) iso(ctx context.Context, d *vmdkfs.Disk, args []string, file string, opts []iso.WriteOption) error {
	from, sources := a.sources(d, args)
	if len(sources) == 0 {
		return errFailed
	}
	var names []string
	for _, s := range sources {
		names = append(names, s.Path)
	}
	files, err := export.Select(from, names)
	if err != nil {
		a.fail(args[0], err)
		return errFailed
	}
	p := a.progress(nil)
	defer p.stop()
	opts = append(opts, iso.WithContext(ctx), iso.WithLongJoliet(), iso.WithProgress(p.set))
	err = a.toFile(file, func(w io.Writer) error {
		report, err := iso.Write(w, files, opts...)
		for _, e := range report.Errors {
			a.fail(pathOf(e, args[0]), e)
		}
		return err
	})
	if !errors.Is(err, errFailed) {
		a.fail(file, err)
	}
	return nil
}

// pathOf returns the path that err is about, or another when it names none.
func pathOf(err error, other string) string {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		return pe.Path
	}
	return other
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

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/vmdkfs/vmdkfs/internal/restore"
)

func (a *app) restoreCommand() *cobra.Command {
	var opts restore.Options
	var name string
	c := &cobra.Command{
		Use:   "restore IMAGE DIR",
		Short: "Copy a whole disk, or a whole virtual machine, to a directory",
		Long: `Copy a disk as it is: its descriptor, every extent that it names, and the disks
that it is a snapshot of; or, by its .vmx or its directory, a whole virtual
machine: configuration, NVRAM, snapshots and all disks. DIR is made if it is not
there.

Holes stay holes, and runs of zeros become holes. Where the file system can share
blocks, nothing is copied. A file has its name in DIR only when it is complete
and stored, descriptors and configuration come last. Nothing is begun when a file
exists already (--overwrite replaces it), or when there is not enough space; that
is known on Linux, macOS, FreeBSD and Windows, and elsewhere the disk fills up.
What is missing, or lies outside of the directory, is a failure; all else is
restored.

After an interruption, or when the space ran out, the same command with --resume
goes on: a file that is there with the size and modification time that the source
has is complete, and is skipped. After a power failure add --verify, which reads
such files as well. With --verify each file is read back after it was written and
compared with what was read of the source, and its SHA-256 is printed, for
sha256sum -c in DIR.

--name changes what the names of the files begin with, in the descriptors and
the configuration too. With --json each file is an object, one a line.`,
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			if c.Flags().Changed("name") && !restore.ValidName(name) {
				return fmt.Errorf("--name: %q is no name for a machine", name)
			}
			a.image, a.events = args[0], a.json
			return a.restore(c.Context(), args[0], args[1], name, opts)
		},
	}
	flags := c.Flags()
	flags.StringVar(&name, "name", "", "call the machine or disk `NAME`: its files, and what refers to them")
	flags.BoolVar(&opts.Overwrite, "overwrite", false, "replace files that exist")
	flags.BoolVar(&opts.Resume, "resume", false, "go on with a restore that was interrupted")
	flags.BoolVar(&opts.Verify, "verify", false, "read back what was written, compare it with the source, and print its SHA-256")
	flags.BoolVar(&opts.IgnoreSpace, "ignore-space", false, "begin though there is less space than the disks have data: zeros in them need none")
	return c
}

// restore restores the image to the directory dest.
func (a *app) restore(ctx context.Context, image, dest, name string, opts restore.Options) error {
	report := func(err error) error {
		a.fail(image, err)
		return errFailed
	}
	chosen, err := a.choose(image)
	if err != nil {
		return report(err)
	}
	real, err := filepath.EvalSymlinks(chosen)
	if err != nil {
		return report(err)
	}
	dir, base := filepath.Split(real)
	if info, err := os.Stat(real); err == nil && info.IsDir() {
		dir, base = real, "."
	}
	from, err := os.OpenRoot(cleanDir(dir))
	if err != nil {
		return report(err)
	}
	defer from.Close()
	plan, err := restore.NewPlan(from.FS(), base, name)
	if err != nil {
		return report(err)
	}
	for _, err := range plan.Failed {
		a.fail(image, err)
	}
	if len(plan.Files) == 0 {
		return errFailed
	}
	if err := os.MkdirAll(dest, 0o777); err != nil {
		a.fail(dest, err)
		return errFailed
	}
	to, err := os.OpenRoot(dest)
	if err != nil {
		a.fail(dest, err)
		return errFailed
	}
	defer to.Close()
	p := a.progress(nil)
	opts.Progress = p.set
	opts.Fail = func(name string, err error) { a.fail(filepath.Join(dest, name), err) }
	results, err := restore.Run(ctx, from, to, plan, opts)
	p.stop()
	a.fail(dest, err)
	a.summary = restoreSummary(results)
	return a.restored(results, opts.Verify)
}

// restoreSummary returns what was restored. Bytes are those of the files,
// holes and all.
func restoreSummary(results []restore.Result) *summary {
	s, dirs := &summary{}, make(map[string]bool)
	for _, r := range results {
		if r.Skipped {
			s.skipped++
			continue
		}
		dirs[path.Dir(r.File)] = true
		s.files++
		s.bytes += r.Size
	}
	s.dirs = int64(len(dirs))
	return s
}

// cleanDir returns the directory that filepath.Split has found.
func cleanDir(dir string) string {
	if dir == "" {
		return "."
	}
	return filepath.Clean(dir)
}

// restored prints what was restored: as JSON all that is known, as text the
// hashes.
func (a *app) restored(results []restore.Result, hashes bool) error {
	for _, r := range results {
		var err error
		switch {
		case a.json:
			err = json.NewEncoder(a.out).Encode(r)
		case hashes:
			var sum [sha256.Size]byte
			if _, err = hex.Decode(sum[:], []byte(r.SHA256)); err == nil {
				_, err = a.out.Write(appendSum(nil, sum, []byte(r.File)))
			}
		}
		if err != nil {
			return a.outputFailed(err)
		}
	}
	return a.outputFailed(a.out.Flush())
}

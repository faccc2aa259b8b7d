package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/vmdkfs/vmdkfs"
	"github.com/vmdkfs/vmdkfs/internal/datastore"
)

// versionsAtOnce is how many versions are open at a time: storage answers
// several as fast as one, and each has caches and a journal in memory.
func versionsAtOnce() int { return min(2*runtime.GOMAXPROCS(0), 8) }

func (a *app) versionsCommand() *cobra.Command {
	var checksum bool
	c := &cobra.Command{
		Use:   "versions DATASTORE IMAGE [PATH]",
		Short: "Show the copies of an image, or of a file in it, in the storage's snapshots",
		Long: `Show the copies of IMAGE, a path below the directory DATASTORE, that the storage's
snapshots hold, oldest first: .snapshot/*, ~snapshot/*, .zfs/snapshot/*, and what
--snapshots adds. The date is that in the snapshot's name, else when the image was
last written to.

With PATH, whether the file or directory is there in each version, and whether it
is the same as in the version before: a file with the same inode, size and times
is; where that does not decide it, its content is compared, as that of a file of
up to 1 MiB always is. Of directories, all that lies below is. Modes, owners and
attributes do not count: "vmdkfs diff" of two versions tells of them.`,
		Args: cobra.RangeArgs(2, 3),
		RunE: func(c *cobra.Command, args []string) error {
			a.image = args[1]
			list, err := datastore.Versions(args[0], args[1], append(a.snapshot.layouts, datastore.Layouts...))
			if err != nil {
				a.fail(filepath.Join(args[0], args[1]), err)
				return errFailed
			}
			rows := make([]versionRow, len(list))
			h := historian{app: a, checksum: checksum}
			if len(args) == 3 {
				h.path = args[2]
			}
			h.each(list, func(i int) { rows[i] = h.look(c.Context(), list[i]) })
			if h.path != "" {
				h.compare(c.Context(), list, rows)
			}
			for _, r := range rows {
				if r.err != nil {
					a.fail(r.Version, r.err)
				}
			}
			a.fail(args[1], c.Context().Err())
			return a.outputFailed(a.writeVersions(rows, h.path != ""))
		},
	}
	c.Flags().BoolVar(&checksum, "checksum", false, "compare the content whatever inode, size and times say")
	return c
}

// A versionRow is what versions prints of one version, as its JSON has it.
type versionRow struct {
	Version string     `json:"version"`
	File    string     `json:"file"`
	Time    time.Time  `json:"time"`
	Named   bool       `json:"time_from_name"`
	Size    *int64     `json:"size,omitempty"` // of the disk, or of the file
	CID     string     `json:"cid,omitempty"`
	Present *bool      `json:"present,omitempty"`
	Type    string     `json:"type,omitempty"`
	Mtime   *time.Time `json:"mtime,omitempty"`
	State   string     `json:"state,omitempty"` // same, changed, new, gone
	Error   string     `json:"error,omitempty"`

	err  error
	mark mark
}

// smallFile is the size up to which a file's content is read at once: opening
// the image again would cost more.
const smallFile = 1 << 20

// A historian looks at versions.
type historian struct {
	app      *app
	path     string
	checksum bool
}

// each calls do for every version, several at a time.
func (h *historian) each(list []datastore.Version, do func(i int)) {
	todo := make(chan int)
	var workers sync.WaitGroup
	for range min(versionsAtOnce(), len(list)) {
		workers.Go(func() {
			for i := range todo {
				do(i)
			}
		})
	}
	for i := range list {
		todo <- i
	}
	close(todo)
	workers.Wait()
}

// look describes a version, or the file in it.
func (h *historian) look(ctx context.Context, v datastore.Version) versionRow {
	r := versionRow{Version: v.Name, File: v.File, Time: v.Time.UTC(), Named: v.Named}
	err := ctx.Err()
	if err == nil {
		err = h.open(v, func(d *vmdkfs.Disk) error {
			if h.path == "" {
				return r.disk(d)
			}
			return h.file(ctx, d, &r)
		})
	}
	r.fail(err)
	return r
}

// fail notes why a version cannot be looked at.
func (r *versionRow) fail(err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		r.err, r.Error = err, printable(reason(r.Version, err))
	}
}

// open calls do with the disk of a version.
func (h *historian) open(v datastore.Version, do func(*vmdkfs.Disk) error) error {
	d, err := h.app.open(v.File, h.app.options()...)
	if err != nil {
		return err
	}
	defer d.Close()
	return do(d)
}

// disk describes the whole disk.
func (r *versionRow) disk(d *vmdkfs.Disk) error {
	volumes, err := d.Volumes()
	if len(volumes) > 0 {
		r.Size = &volumes[0].Size
		if desc := volumes[0].Descriptor(); desc != nil {
			r.CID = hexID(desc.CID)
		}
	}
	return err
}

// file describes the file at the historian's path.
func (h *historian) file(ctx context.Context, d *vmdkfs.Disk, r *versionRow) error {
	p, err := h.app.place(d, h.path)
	if err != nil {
		return err
	}
	info, err := p.Lstat(p.name)
	present := err == nil
	if errors.Is(err, fs.ErrNotExist) {
		r.Present = &present
		return nil
	}
	if err != nil {
		return err
	}
	r.Present, r.Type = &present, typeName(info.Mode())
	mtime := info.ModTime().UTC()
	r.Mtime = &mtime
	if info.Mode().IsRegular() {
		size := info.Size()
		r.Size = &size
	}
	small := info.Mode().IsRegular() && info.Size() <= smallFile
	r.mark, err = markOf(ctx, p, h.checksum || small)
	return err
}

// compare tells how each version of the file differs from the one before that
// could be looked at.
func (h *historian) compare(ctx context.Context, list []datastore.Version, rows []versionRow) {
	unsure := make([]bool, len(rows)) // whose content decides
	h.neighbours(rows, func(before, i int) {
		if rows[before].mark.unsure(rows[i].mark) {
			unsure[before], unsure[i] = true, true
		}
	})
	h.each(list, func(i int) {
		if unsure[i] && rows[i].err == nil {
			rows[i].fail(h.open(list[i], func(d *vmdkfs.Disk) error {
				p, err := h.app.place(d, h.path)
				if err == nil {
					rows[i].mark, err = markOf(ctx, p, true)
				}
				return err
			}))
		}
	})
	h.neighbours(rows, func(before, i int) {
		if rows[before].mark.same(rows[i].mark) {
			rows[i].State = "same"
		} else {
			rows[i].State = "changed"
		}
	})
}

// neighbours calls do for every version that has the file and the version
// before it that has it too, and marks those that differ in that.
func (h *historian) neighbours(rows []versionRow, do func(before, i int)) {
	last := -1 // that could be looked at
	for i := range rows {
		r := &rows[i]
		if r.err != nil || r.Present == nil {
			continue
		}
		had := last >= 0 && *rows[last].Present
		switch {
		case *r.Present && had:
			do(last, i)
		case *r.Present && last >= 0:
			r.State = "new"
		case had:
			r.State = "gone"
		}
		last = i
	}
}

// writeVersions prints the rows.
func (a *app) writeVersions(rows []versionRow, ofFile bool) error {
	var b []byte
	for _, r := range rows {
		if a.json {
			line, err := json.Marshal(r)
			if err != nil {
				return err
			}
			b = append(append(b, line...), '\n')
			continue
		}
		about := " "
		if !r.Named {
			about = "~" // when it was written to
		}
		what := r.CID
		size := ""
		if r.Size != nil {
			size = sizeText(*r.Size)
		}
		switch {
		case r.Error != "":
			why, _, _ := strings.Cut(r.Error, "; ") // the failure has all of it
			what = "cannot be read: " + why
		case ofFile && !*r.Present:
			what = "-"
		case ofFile:
			what = r.Mtime.Format(time.RFC3339) + "  " + r.Type
		}
		if r.State != "" && r.Error == "" {
			what += "  " + r.State
		}
		b = appendPrintable(b, fmt.Sprintf("%s%s  %-32s %10s  %s", about, r.Time.Format("2006-01-02 15:04"), r.Version, size, what))
		b = append(b, '\n')
	}
	return a.write(b)
}

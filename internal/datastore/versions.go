// Package datastore finds the copies of a virtual machine's image that the
// snapshots of a storage system hold.
package datastore

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Layouts are where storage systems show the snapshots of a file system, as
// patterns below its root, each match of which is one snapshot: NetApp over NFS
// and over SMB, and ZFS.
var Layouts = []string{".snapshot/*", "~snapshot/*", ".zfs/snapshot/*"}

// Current is the Name of the image that is no snapshot's.
const Current = "current"

// A Version is a copy of an image.
type Version struct {
	Name string // of the snapshot
	File string // path of the operating system
	// Time is the date in the snapshot's name, read as UTC, where it has one.
	// Else it is when the image was last written to, which a running machine
	// does all the time.
	Time  time.Time
	Named bool // Time is from the name
}

// errLeads is what an image gets whose name leads out of the datastore.
var errLeads = errors.New("the image is no path inside the datastore")

// Versions returns the copies of image, a path below the directory root, by
// time: those in the snapshots that layouts match, and image itself, the
// last. Snapshots without it are passed over; when there is none at all, the
// error is fs.ErrNotExist.
func Versions(root, image string, layouts []string) ([]Version, error) {
	if !filepath.IsLocal(image) {
		return nil, errLeads
	}
	var list []Version
	for _, layout := range layouts {
		snapshots, err := filepath.Glob(filepath.Join(escape(root), filepath.FromSlash(layout)))
		if err != nil {
			return nil, &fs.PathError{Op: "glob", Path: layout, Err: err}
		}
		for _, dir := range snapshots {
			v := Version{Name: filepath.Base(dir), File: filepath.Join(dir, image)}
			info, err := os.Stat(v.File)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err == nil { // else opening it will tell
				v.Time = written(v.File, info)
			}
			if t, ok := nameTime(v.Name); ok {
				v.Time, v.Named = t, true
			}
			list = append(list, v)
		}
	}
	slices.SortStableFunc(list, func(a, b Version) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Name, b.Name))
	})
	file := filepath.Join(root, image)
	info, err := os.Stat(file)
	switch {
	case err == nil:
		list = append(list, Version{Name: Current, File: file, Time: written(file, info)})
	case len(list) > 0 && errors.Is(err, fs.ErrNotExist):
		err = nil // deleted since
	}
	return list, err
}

// written returns when a descriptor, or its extents beside it, were last
// written to: a flat extent changes, its descriptor does not.
func written(file string, info fs.FileInfo) time.Time {
	last := info.ModTime()
	stem := strings.TrimSuffix(file, filepath.Ext(file))
	extents, _ := filepath.Glob(escape(stem) + "-*" + filepath.Ext(file)) // fails for a bad pattern only
	for _, e := range extents {
		if i, err := os.Stat(e); err == nil && i.ModTime().After(last) && !strings.HasSuffix(e, "-ctk.vmdk") {
			last = i.ModTime()
		}
	}
	return last
}

// escape returns a pattern that matches path only.
func escape(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

// nameDate is a date, and perhaps a time, as names of snapshots have them:
// daily.2026-11-17_0010, zfs-auto-snap_hourly-2026-11-17-1017, @GMT-2026.11.17-10.17.00.
var nameDate = regexp.MustCompile(`(\d{4})[-.](\d{2})[-.](\d{2})(?:[-_T ](\d{2})[-:.h]?(\d{2})(?:[-:.]?(\d{2}))?)?`)

// nameTime returns the date in a snapshot's name.
func nameTime(name string) (time.Time, bool) {
	m := nameDate.FindStringSubmatch(name)
	if m == nil {
		return time.Time{}, false
	}
	text := m[1] + m[2] + m[3]
	for _, part := range m[4:] {
		if part == "" {
			part = "00"
		}
		text += part
	}
	t, err := time.Parse("20060102150405", text)
	return t, err == nil
}

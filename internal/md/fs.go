package md

import (
	"errors"
	"io"
	"io/fs"
	"slices"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A Device is a disk or a partition that may belong to an array.
type Device struct {
	Name   string // what errors call it
	Reader io.ReaderAt
	Size   int64 // in bytes
}

// An FS is the arrays on a set of devices as a file system: a file for each of
// them, a [layer.File] whose extents name devices by their place in the slice
// that [Open] was given. FileInfo.Sys returns the *[Array].
type FS struct {
	*vnode.FS
	arrays   []*Array
	sources  []io.ReaderAt
	warnings []error
}

// Open returns the arrays on devices, in whatever order. The error is
// [layer.ErrFormat] when none of them carries a superblock. What keeps one
// array from being read is its Err; what is wrong with a device is told by
// [FS.Warnings].
func Open(devices []Device) (*FS, error) {
	f := &FS{}
	var order []string
	sets := make(map[string][]found)
	first := error(failure(layer.ErrFormat, "", -1, "no devices"))
	for i, d := range devices {
		f.sources = append(f.sources, deviceReader{d})
		sb, err := ReadSuperblock(d.Reader, d.Size)
		if err != nil {
			if i == 0 || errors.Is(first, layer.ErrFormat) {
				first = err
			}
			f.warnings = append(f.warnings, failure(err, d.Name, -1, ""))
			continue
		}
		if sets[sb.UUID] == nil {
			order = append(order, sb.UUID)
		}
		sets[sb.UUID] = append(sets[sb.UUID], found{sb, d, i})
	}
	if len(sets) == 0 {
		return nil, first
	}
	for _, uuid := range order {
		f.arrays = append(f.arrays, f.assemble(sets[uuid]))
	}
	nameFiles(f.arrays)
	root := new(vnode.Listing)
	for _, a := range f.arrays {
		root.Add(a.Name, &file{a, f})
	}
	f.FS = vnode.New(root)
	return f, nil
}

// Arrays returns the arrays, in the order in which their first devices were
// given.
func (f *FS) Arrays() []*Array { return slices.Clone(f.arrays) }

// Warnings returns what is wrong with devices and did not keep Open from going
// on.
func (f *FS) Warnings() []error { return slices.Clone(f.warnings) }

// nameFiles adds the UUIDs to names that several arrays have.
func nameFiles(arrays []*Array) {
	names := make(map[string]int)
	for _, a := range arrays {
		names[a.Name]++
	}
	taken := make(map[string]bool)
	for _, a := range arrays {
		if names[a.Name] > 1 {
			a.Name += "~" + a.short()
		}
		if taken[a.Name] || names[a.Name] == 1 && taken[a.Name] {
			a.Name += "~" + a.UUID
		}
		taken[a.Name] = true
	}
}

// derive adds a source of bytes that are worked out.
func (f *FS) derive(r io.ReaderAt) int {
	f.sources = append(f.sources, extent.Derived{ReaderAt: r})
	return len(f.sources) - 1
}

// A file is an array's.
type file struct {
	array *Array
	fsys  *FS
}

func (f *file) Mode() fs.FileMode  { return 0o444 }
func (f *file) Size() int64        { return f.array.Size }
func (f *file) ModTime() time.Time { return time.Time{} }
func (f *file) Sys() any           { return f.array }

func (f *file) Open() (vnode.Content, error) {
	if f.array.Err != nil {
		return nil, f.array.Err
	}
	return extent.NewReader(f.array.mapper, f.array.Size, f.fsys.sources...), nil
}

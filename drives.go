package vmdkfs

import (
	"io/fs"
	"iter"
	"strings"

	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
	"github.com/vmdkfs/vmdkfs/ntfs"
)

// drives is the root of a Windows guest's tree: a directory for every drive.
// The names of volumes, which junctions lead to, are found in it and not
// listed.
type drives struct {
	dirMode
	mounts []Mount
}

// Lookup implements vnode.Dir.
func (d *drives) Lookup(name string) (vnode.Node, error) {
	for _, m := range d.mounts {
		if !strings.EqualFold(m.Path[1:], name) {
			continue
		}
		if m.Volume == nil {
			return nil, m.Err
		}
		sys, err := m.Volume.mounted()
		if err != nil {
			return failedDir{err: err}, nil
		}
		return driveDir{sys.tree.Root(), m.Path}, nil
	}
	return nil, fs.ErrNotExist
}

// Entries implements vnode.Dir.
func (d *drives) Entries() iter.Seq2[vnode.Entry, error] {
	return func(yield func(vnode.Entry, error) bool) {
		for _, m := range d.mounts {
			if m.Volume != nil && isDriveLetter(m.Path) && !yield(driveEntry{m.Path[1:], d}, nil) {
				return
			}
		}
	}
}

// A driveEntry is the entry of a drive.
type driveEntry struct {
	name string
	in   *drives
}

func (e driveEntry) Name() string              { return e.name }
func (driveEntry) Type() fs.FileMode           { return fs.ModeDir }
func (e driveEntry) Node() (vnode.Node, error) { return e.in.Lookup(e.name) }

// A driveDir is a directory of a drive. It wraps what lies in it where links
// must know the drive.
type driveDir struct {
	vnode.Dir
	drive string // "/C"
}

// Lookup implements vnode.Dir.
func (d driveDir) Lookup(name string) (vnode.Node, error) {
	node, err := d.Dir.Lookup(name)
	return d.on(node), err
}

// on returns a node as one of the drive.
func (d driveDir) on(node vnode.Node) vnode.Node {
	switch x := node.(type) {
	case vnode.Dir:
		return driveDir{x, d.drive}
	case vnode.Link:
		return driveLink{x, d.drive}
	}
	return node
}

// Entries implements vnode.Dir.
func (d driveDir) Entries() iter.Seq2[vnode.Entry, error] {
	return func(yield func(vnode.Entry, error) bool) {
		for e, err := range d.Dir.Entries() {
			if err == nil && e.Type()&(fs.ModeDir|fs.ModeSymlink) != 0 {
				e = wrappedEntry{e, d}
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// A wrappedEntry is the entry of a directory or a link on a drive.
type wrappedEntry struct {
	vnode.Entry
	in driveDir
}

var _ vnode.Wrapped = wrappedEntry{}

func (e wrappedEntry) Unwrap() vnode.Entry { return e.Entry }

func (e wrappedEntry) Node() (vnode.Node, error) {
	node, err := e.Entry.Node()
	return e.in.on(node), err
}

// A driveLink is a link on a drive. It says what Windows says, and leads to
// where that is in the guest's tree.
type driveLink struct {
	vnode.Link
	drive string
}

var _ vnode.Redirect = driveLink{}

// Path implements vnode.Redirect. Targets are as [ntfs.FS] shows them.
func (l driveLink) Path() (string, error) {
	target, err := l.Target()
	if err != nil || !strings.HasPrefix(target, "/") && !startsWithDrive(target) {
		return target, err // relative
	}
	if startsWithDrive(target) {
		return "/" + target[:1] + target[2:], nil
	}
	if r, ok := l.Sys().(*ntfs.FileRecord); ok && r.ReparseName() == "IO_REPARSE_TAG_LX_SYMLINK" {
		return "", l.unsupported("a path of the Linux subsystem", target)
	}
	if volume, ok := strings.CutPrefix(target, "//?/"); ok {
		name, below, _ := strings.Cut(volume, "/")
		if isVolumeName(strings.ToLower(name)) {
			return "/" + name + "/" + below, nil
		}
		return "", l.unsupported("a device", target)
	}
	if strings.HasPrefix(target, "//") {
		return "", l.unsupported("a file of another machine", target)
	}
	return l.drive + target, nil
}

func startsWithDrive(target string) bool {
	return len(target) >= 2 && target[1] == ':' && isLetter(target[0])
}

func (l driveLink) unsupported(what, target string) error {
	return layer.Errorf(layer.ErrUnsupported, "vmdkfs", "", -1, "the link leads to %s: %s", what, target)
}

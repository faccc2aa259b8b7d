package vmdkfs

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"

	"github.com/vmdkfs/vmdkfs/internal/vnode"
)

// linuxMarks are files that the root of a Linux system has one of.
var linuxMarks = []string{"etc/fstab", "etc/os-release", "usr/lib/os-release"}

// isLinux reports whether the file system in v is the root of a Linux system.
func (v *Volume) isLinux() (bool, error) {
	fsys, err := v.mounted()
	if err != nil {
		return false, err
	}
	for _, name := range linuxMarks {
		switch _, err := fsys.tree.Lstat(name); {
		case err == nil:
			return true, nil
		case !errors.Is(err, fs.ErrNotExist):
			return false, err
		}
	}
	return false, nil
}

// newLinux returns the guest whose root is on v.
func (d *Disk) newLinux(v *Volume) (*Guest, error) {
	fsys, err := v.mounted()
	if err != nil {
		return nil, err
	}
	top := &mountPoint{volume: v}
	g := &Guest{FS: vnode.New(mountedDir{fsys.tree.Root(), top}), Mounts: []Mount{{Path: "/", Volume: v}}}
	g.system = sync.OnceValues(g.linuxSystem)
	text, err := g.readText("etc/fstab")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		g.Mounts[0].Err = fmt.Errorf("nothing else is mounted: %w", err)
	}
	for _, l := range parseFstab(string(text)) {
		switch {
		case l.target == "/":
			root, err := d.device(l.source)
			g.named = g.named || err == nil && root == v
			g.Mounts[0].Note = l.ignored()
		case l.isBind():
			m := Mount{Path: l.target, Source: l.source, Note: l.ignored()}
			if m.Err = g.bind(top, &m); m.Err == nil {
				m.Volume = v
			}
			g.Mounts = append(g.Mounts, m)
		case l.local():
			m := Mount{Path: l.target, Source: l.source, Note: l.ignored()}
			if m.Volume, m.Err = d.device(l.source); m.Err == nil {
				m.Err = g.mount(top, m)
			}
			g.Mounts = append(g.Mounts, m)
		}
	}
	return g, nil
}

var (
	errNoPlace  = errors.New("the directory to mount it on is not there")
	errThrough  = errors.New("the way to it leads through a symbolic link")
	errNoSource = errors.New("no directory")
)

// mount adds m to the tree below top.
func (g *Guest) mount(top *mountPoint, m Mount) error {
	if !m.Volume.Readable() {
		_, err := m.Volume.mounted()
		return err
	}
	at, err := g.placeOf(top, m.Path)
	if err == nil {
		*at = mountPoint{volume: m.Volume}
	}
	return err
}

// bind adds m, which shows a directory of the tree in a second place. What is
// mounted below that directory is not shown there, which the note of an rbind
// says.
func (g *Guest) bind(top *mountPoint, m *Mount) error {
	source, at := g.FS.Root(), top
	for elem := range strings.SplitSeq(strings.Trim(path.Clean(m.Source), "/"), "/") {
		if elem == "" {
			break // of the root
		}
		name := vnode.Escape([]byte(elem))
		node, err := source.Lookup(name)
		dir, ok := node.(vnode.Dir)
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", m.Source, err)
		case !ok:
			return fmt.Errorf("%s: %w", m.Source, errNoSource)
		}
		source, at = dir, at.child(name)
	}
	if mounted, ok := source.(mountedDir); ok {
		source = mounted.Dir
	}
	if len(at.below) > 0 {
		m.Note = joinNotes(m.Note, "what is mounted below "+m.Source+" is not shown here")
	}
	at, err := g.placeOf(top, m.Path)
	if err == nil {
		*at = mountPoint{bound: source}
	}
	return err
}

// placeOf returns the mountPoint below top of a path of the guest.
func (g *Guest) placeOf(top *mountPoint, target string) (*mountPoint, error) {
	at := top
	name := ""
	for elem := range strings.SplitSeq(strings.TrimPrefix(target, "/"), "/") {
		name = path.Join(name, vnode.Escape([]byte(elem)))
		switch info, err := g.Lstat(name); {
		case errors.Is(err, fs.ErrNotExist):
			return nil, errNoPlace
		case err != nil:
			return nil, err
		case info.Mode()&fs.ModeSymlink != 0:
			return nil, errThrough
		case !info.IsDir():
			return nil, errNoPlace
		}
		at = at.child(path.Base(name))
	}
	return at, nil
}

// joinNotes returns two notes as one.
func joinNotes(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}

package vmdkfs

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A Guest is the tree of files that the machine itself sees, with its file
// systems mounted where its etc/fstab says. Symbolic links lead from one to
// another. It implements what [Disk] does.
type Guest struct {
	*vnode.FS
	OS       string  // as etc/os-release calls it, "Debian GNU/Linux 12 (bookworm)"; empty when it does not
	Hostname string  // from etc/hostname; empty when it is not there
	Mounts   []Mount // the root first, then in the order of etc/fstab
}

// A Mount is a place in a Guest's tree.
type Mount struct {
	Path   string // "/home"
	Source string // as etc/fstab has it; empty for the root
	Volume *Volume
	Err    error // why it is not there; the directory below is, then
}

// Guest returns the tree of the guest, a Linux system. The root is the volume
// with an etc/fstab or etc/os-release; when there are several, the one whose
// own etc/fstab says so. When that does not decide it, the error names them
// all, and [WithRoot] chooses.
//
// What etc/fstab mounts and is not on the disks costs that mount, whose Err
// tells why. File systems in memory and of the network are not mounts here.
func (d *Disk) Guest() (*Guest, error) {
	d.guest.once.Do(func() { d.guest.tree, d.guest.err = d.findGuest() })
	return d.guest.tree, d.guest.err
}

// guestError is an error about the guest as a whole.
func guestError(kind error, format string, args ...any) error {
	return layer.Errorf(kind, "vmdkfs", "guest", -1, format, args...)
}

func (d *Disk) findGuest() (*Guest, error) {
	if name := d.options.root; name != "" {
		v, err := d.Volume(name)
		if err != nil {
			return nil, err
		}
		return d.newGuest(v)
	}
	systems, err := d.systems()
	if len(systems) > 1 {
		var named []*Guest
		for _, g := range systems {
			if g.namesItself(d) {
				named = append(named, g)
			}
		}
		if len(named) > 0 {
			systems = named
		}
	}
	switch {
	case len(systems) == 1:
		return systems[0], nil
	case len(systems) > 1:
		var list []string
		for _, g := range systems {
			name := g.Mounts[0].Volume.Path
			if g.OS != "" {
				name += " (" + g.OS + ")"
			}
			list = append(list, name)
		}
		return nil, guestError(layer.ErrUnsupported, "several systems to choose from: %s", strings.Join(list, ", "))
	case err != nil:
		return nil, err
	}
	return nil, guestError(layer.ErrFormat, "no volume holds the root of a Linux system: etc/fstab or etc/os-release")
}

// systems returns the guest of every volume that holds the root of one. The
// error tells of volumes that may hold one too.
func (d *Disk) systems() ([]*Guest, error) {
	volumes, failed := d.Volumes()
	errs := []error{}
	if failed != nil {
		errs = append(errs, failed)
	}
	var list []*Guest
	for _, v := range volumes {
		if kind, err := v.Kind(); err != nil || kind != Ext {
			if err != nil && v.Table == nil {
				errs = append(errs, err)
			}
			continue
		}
		ok, err := v.isSystem()
		if err != nil {
			errs = append(errs, err)
		}
		if !ok {
			continue
		}
		g, err := d.newGuest(v)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		list = append(list, g)
	}
	return list, join(errs)
}

// isSystem reports whether the file system in v is the root of a Linux system.
func (v *Volume) isSystem() (bool, error) {
	fsys, err := v.mounted()
	if err != nil {
		return false, err
	}
	for _, name := range []string{"etc/fstab", "etc/os-release", "usr/lib/os-release"} {
		switch _, err := fsys.tree.Lstat(name); {
		case err == nil:
			return true, nil
		case !errors.Is(err, fs.ErrNotExist):
			return false, err
		}
	}
	return false, nil
}

// namesItself reports whether the guest's etc/fstab says that its root is
// where it is.
func (g *Guest) namesItself(d *Disk) bool {
	for _, l := range g.fstab() {
		if l.target == "/" {
			v, err := d.device(l.source)
			return err == nil && v == g.Mounts[0].Volume
		}
	}
	return false
}

// fstab returns the lines of the guest's etc/fstab. There need not be one.
func (g *Guest) fstab() []fstabLine {
	text, err := g.ReadFile("etc/fstab")
	if err != nil {
		return nil // told by the Err of the root's mount
	}
	return parseFstab(string(text))
}

// newGuest returns the guest whose root is on v.
func (d *Disk) newGuest(v *Volume) (*Guest, error) {
	fsys, err := v.mounted()
	if err != nil {
		return nil, err
	}
	top := &mountPoint{volume: v}
	g := &Guest{FS: vnode.New(mountedDir{fsys.tree.Root(), top}), Mounts: []Mount{{Path: "/", Volume: v}}}
	if _, err := g.ReadFile("etc/fstab"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		g.Mounts[0].Err = fmt.Errorf("nothing else is mounted: %w", err)
	}
	for _, l := range g.fstab() {
		if l.target == "/" || !l.local() {
			continue
		}
		m := Mount{Path: l.target, Source: l.source}
		if m.Volume, m.Err = d.device(l.source); m.Err == nil {
			m.Err = g.mount(top, m)
		}
		g.Mounts = append(g.Mounts, m)
	}
	g.OS = g.osRelease()
	if name, err := g.ReadFile("etc/hostname"); err == nil {
		g.Hostname = strings.TrimSpace(string(name))
	}
	return g, nil
}

var (
	errNoPlace = errors.New("the directory to mount it on is not there")
	errThrough = errors.New("the way to it leads through a symbolic link")
)

// mount adds m to the tree below top.
func (g *Guest) mount(top *mountPoint, m Mount) error {
	if !m.Volume.Readable() {
		_, err := m.Volume.mounted()
		return err
	}
	at := top
	name := ""
	for elem := range strings.SplitSeq(strings.TrimPrefix(m.Path, "/"), "/") {
		name = path.Join(name, vnode.Escape([]byte(elem)))
		switch info, err := g.Lstat(name); {
		case errors.Is(err, fs.ErrNotExist):
			return errNoPlace
		case err != nil:
			return err
		case info.Mode()&fs.ModeSymlink != 0:
			return errThrough
		case !info.IsDir():
			return errNoPlace
		}
		at = at.child(path.Base(name))
	}
	at.volume = m.Volume
	return nil
}

// osRelease returns what the system calls itself (os-release(5)).
func (g *Guest) osRelease() string {
	for _, name := range []string{"etc/os-release", "usr/lib/os-release"} {
		text, err := g.ReadFile(name)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			if value, ok := strings.CutPrefix(strings.TrimSpace(line), "PRETTY_NAME="); ok {
				return strings.Trim(value, `"'`)
			}
		}
	}
	return ""
}

var _ interface {
	fs.ReadDirFS
	fs.ReadFileFS
	fs.ReadLinkFS
	fs.StatFS
	fs.SubFS
} = (*Guest)(nil)

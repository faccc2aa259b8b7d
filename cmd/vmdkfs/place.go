package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/vmdkfs/vmdkfs"
	"github.com/vmdkfs/vmdkfs/internal/walk"
)

// A tree is what a PATH is a path of: the volume tree, or the guest's own.
type tree struct {
	walk.FS
	root string // what a PATH begins with: "/" for the guest's
}

// shown returns the PATH of a file.
func (t tree) shown(name string) string {
	if t.root != "" && name == "." {
		return t.root
	}
	return t.root + name
}

// A place is what an argument PATH names.
type place struct {
	tree
	name string
}

// place returns what the argument PATH means: a path in the volume tree, or,
// when it begins with a slash, or with the drive of a Windows, the guest's own
// path. Names are taken as they are printed; one that is not UTF-8 may be given
// as its raw bytes as well.
func (a *app) place(d *vmdkfs.Disk, arg string) (place, error) {
	p := place{tree{d, ""}, unprintable(arg)}
	_, _, drive := vmdkfs.CutDrive(arg)
	if drive {
		p.name = arg // its backslashes separate
	}
	if drive || strings.HasPrefix(p.name, "/") {
		g, err := d.Guest()
		if err != nil {
			return p, fmt.Errorf("%s; or begin with a volume: %s", reason("", err), volumeList(d))
		}
		if !drive || g.Windows {
			p = place{tree{g, "/"}, g.Path(p.name)}
			a.warnOfMounts(g, p.name)
			return p, nil
		}
	}
	p.name = path.Clean(p.name)
	if !fs.ValidPath(p.name) {
		return p, errors.New("path leads out of the image")
	}
	return p, nil
}

// warnOfMounts tells of what is not mounted at name, above or below it.
func (a *app) warnOfMounts(g *vmdkfs.Guest, name string) {
	for _, m := range g.Mounts {
		at := strings.TrimPrefix(m.Path, "/")
		concerned := name == "." || at == "" || name == at || strings.HasPrefix(name, at+"/") || strings.HasPrefix(at, name+"/")
		if m.Err != nil && concerned && a.first(m.Path) {
			a.tell(m.Path, fmt.Errorf("%s is not mounted: %w", m.Source, m.Err), m.Lost())
		}
	}
}

var errMixed = errors.New("paths of the guest and paths that begin with a volume in one command")

// first reports whether it is asked for the first time about a mount.
func (a *app) first(mount string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	told := a.told[mount]
	a.told[mount] = true
	return !told
}

// existing returns the place that arg names, and reports when there is
// nothing.
func (a *app) existing(d *vmdkfs.Disk, arg string) (p place, ok bool) {
	p, err := a.place(d, arg)
	if err == nil {
		_, err = p.Lstat(p.name)
	}
	a.fail(arg, err)
	return p, err == nil
}

// volumeList names the volumes that a path may begin with.
func volumeList(d *vmdkfs.Disk) string {
	volumes, _ := d.Volumes() // an error shows where its volume is used
	var names []string
	for _, v := range volumes {
		if v.Path != "" && v.Table == nil {
			names = append(names, v.Path)
		}
	}
	if len(names) == 0 {
		return "here, the root of its file system, without a slash"
	}
	return strings.Join(names, ", ")
}

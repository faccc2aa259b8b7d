package vmdkfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/vmdkfs/vmdkfs/internal/vm"
	"github.com/vmdkfs/vmdkfs/layer"
)

// errNotHere is what a name gets that is no path of this machine.
var errNotHere = errors.New("it is no path of this machine")

// A place is where the image of a disk lies.
type place struct {
	fsys     fs.FS
	name     string // in fsys
	dir      string // the root of fsys as a path of the operating system; "" when it has none
	title    string // what the disk's name in the volume tree is made of
	capacity int64  // that the package promises; 0 where it says nothing
	err      error  // why there is nothing to open
}

// A closing collects what is to be closed with the disk.
type closing []io.Closer

func (c *closing) add(x io.Closer) { *c = append(*c, x) }

// Close closes all, the last first.
func (c *closing) Close() error {
	var errs []error
	for i := len(*c) - 1; i >= 0; i-- {
		errs = append(errs, (*c)[i].Close())
	}
	return errors.Join(errs...)
}

// locate returns where a source lies: for a path of the operating system its
// directory, out of which no name leads.
func (d *Disk) locate(s source) (place, error) {
	p := place{fsys: s.fsys, name: s.name, title: s.name}
	if s.fsys == nil {
		real, err := filepath.EvalSymlinks(s.name)
		if err != nil {
			return p, err
		}
		if p.dir, p.name = filepath.Split(real); p.dir == "" {
			p.dir = "."
		}
		if info, err := os.Stat(real); err == nil && info.IsDir() {
			p.dir, p.name = real, "."
		}
		root, err := os.OpenRoot(p.dir)
		if err != nil {
			return p, err
		}
		d.open.add(root)
		p.fsys = root.FS()
	}
	p.fsys = d.counted(p.fsys)
	return p, nil
}

// counted returns fsys so that its reads are told of, if anyone wants that.
func (d *Disk) counted(fsys fs.FS) fs.FS {
	if d.options.onRead == nil {
		return fsys
	}
	return counted{fsys, d.options.onRead}
}

// places returns where the disks lie that a source consists of. Only the first
// source can be a virtual machine: the others are further disks of it.
func (d *Disk) places(s source, first bool) ([]place, error) {
	p, err := d.locate(s)
	if err != nil {
		return nil, err
	}
	m, err := vm.Open(p.fsys, p.name, d.outside(p.dir))
	if err != nil || m == nil {
		return []place{p}, err
	}
	d.open.add(m)
	if m.File != "" && !first {
		return nil, layer.Errorf(layer.ErrUnsupported, "vmdkfs", s.name, -1, "a virtual machine as a further disk; name the disk itself")
	}
	if len(m.Disks) == 0 {
		return nil, noDisks(m)
	}
	return d.addMachine(m, p.dir), nil
}

// outside returns how what lies outside of dir is found, nil unless the caller
// of Open has allowed it.
func (d *Disk) outside(dir string) vm.Outside {
	if !d.options.allowOutside || dir == "" {
		return nil
	}
	return func(name string) (fs.FS, string, error) {
		full, err := osPath(dir, name)
		if err != nil {
			return nil, "", err
		}
		dir, base := filepath.Split(full)
		return outsideFS{d.counted(os.DirFS(dir)), dir}, base, nil
	}
}

// osPath returns the path of the operating system of a file that a descriptor
// in dir names.
func osPath(dir, name string) (string, error) {
	if local := filepath.FromSlash(name); filepath.IsAbs(local) {
		return local, nil
	}
	if len(name) > 1 && name[1] == ':' {
		return "", errNotHere
	}
	return filepath.Join(dir, filepath.FromSlash(name)), nil
}

// An outsideFS is a directory that a configuration led to.
type outsideFS struct {
	fs.FS
	dir string
}

func (o outsideFS) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(o.FS, name) }
func (o outsideFS) Stat(name string) (fs.FileInfo, error)      { return fs.Stat(o.FS, name) }

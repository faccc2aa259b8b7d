package vmdkfs

import (
	"errors"
	"io/fs"
	"slices"

	"github.com/vmdkfs/vmdkfs/ext3"
	"github.com/vmdkfs/vmdkfs/internal/fat"
	"github.com/vmdkfs/vmdkfs/layer"
	"github.com/vmdkfs/vmdkfs/lvm"
	"github.com/vmdkfs/vmdkfs/ntfs"
)

// Volumes returns the disks, each followed by its partitions, then the logical
// volumes. The error tells of disks, partition tables and volume groups that
// could not be read, so that there may be more.
func (d *Disk) Volumes() ([]*Volume, error) {
	var list []*Volume
	var errs []error
	for _, disk := range d.disks {
		list = append(list, disk)
		for _, v := range d.parts {
			if v.disk == disk {
				list = append(list, v)
			}
		}
		if disk.Table != nil {
			if _, err := disk.Table.ReadDir("."); err != nil {
				errs = append(errs, err)
			}
		} else if disk.tableErr != nil {
			errs = append(errs, disk.tableErr)
		}
	}
	for _, f := range d.failed {
		errs = append(errs, f.err)
	}
	g := d.groups()
	if g.err != nil {
		errs = append(errs, g.err)
	}
	return append(list, g.lvs...), join(errs)
}

// Volume returns the volume at a path of the volume tree. The empty path is
// the whole disk, of which there must be one only.
func (d *Disk) Volume(name string) (*Volume, error) {
	var here []*Volume
	switch {
	case d.several() || name != "" && name != ".":
		here = append(d.disks[:len(d.disks):len(d.disks)], d.parts...)
	default:
		return d.disks[0], nil
	}
	for _, v := range here {
		if v.Path == name && name != "" {
			return v, nil
		}
	}
	g := d.groups()
	for _, v := range g.lvs {
		if v.Path == name {
			return v, nil
		}
	}
	err := g.err
	if err == nil {
		err = fs.ErrNotExist
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: err}
}

// Groups returns the volume groups on all disks.
func (d *Disk) Groups() ([]*lvm.Group, error) {
	g := d.groups()
	var list []*lvm.Group
	for _, fsys := range g.all {
		list = append(list, fsys.Groups()...)
	}
	return list, g.err
}

// A Warning is something that is wrong and did not keep a layer from being
// opened.
type Warning struct {
	Path string // of the volume; empty for the disk, or its volume groups
	Err  error
	Loss bool // files may be older than they should be, or missing
}

// Warnings returns what the layers that have been opened so far have to say.
func (d *Disk) Warnings() []Warning {
	list := slices.Clone(d.notes)
	volumes := append(d.disks[:len(d.disks):len(d.disks)], d.parts...)
	for _, disk := range d.disks {
		if disk.Image != nil {
			for _, err := range disk.Image.Warnings() {
				list = append(list, Warning{Path: disk.Path, Err: err, Loss: errors.Is(err, layer.ErrIncomplete)})
			}
		}
		if disk.Table != nil {
			for _, err := range disk.Table.Table().Warnings {
				list = append(list, Warning{Path: disk.Path, Err: err})
			}
		}
	}
	if d.lvm.done.Load() {
		if d.lvm.md != nil {
			for _, err := range d.lvm.md.Warnings() {
				list = append(list, Warning{Err: err})
			}
		}
		for _, fsys := range d.lvm.all {
			for _, err := range fsys.Warnings() {
				list = append(list, Warning{Err: err})
			}
		}
		list = append(list, d.lvm.warnings...)
		volumes = append(volumes, d.lvm.lvs...)
	}
	for _, v := range volumes {
		if !v.mount.done.Load() || v.mount.err != nil {
			continue
		}
		switch x := v.mount.sys.FS.(type) {
		case *fat.FS:
			for _, err := range x.Warnings() {
				list = append(list, Warning{Path: v.Path, Err: err})
			}
		case *ext3.FS:
			for _, err := range x.Warnings() {
				list = append(list, Warning{Path: v.Path, Err: err, Loss: err == x.Journal().Err})
			}
		case *ntfs.FS:
			for _, err := range x.Warnings() {
				list = append(list, Warning{Path: v.Path, Err: err})
			}
		}
	}
	return list
}

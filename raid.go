package vmdkfs

import (
	"io"

	"github.com/vmdkfs/vmdkfs/internal/md"
	"github.com/vmdkfs/vmdkfs/layer"
)

// An Array is a Linux software RAID (md), as the superblocks of its members
// describe it. Its file lies in the root of the volume tree, under its name
// without the host that made it, or "md-" and the start of its UUID where it
// has no name.
type Array = md.Array

// isMember reports whether the volume in r, whose first bytes are head, has an
// md superblock, wherever its version puts it. The file system that seems to
// begin at the start of a mirror's half is the array's.
func isMember(head []byte, r io.ReaderAt, size int64) bool { return md.HasSuperblock(head, r, size) }

// openArrays finds the arrays among the volumes and adds them to g. They may
// hold physical volumes, and are returned for that.
func (d *Disk) openArrays(g *groups) ([]*Volume, error) {
	var devices []md.Device
	for _, v := range d.candidates() {
		kind, err := v.Kind()
		if err == nil && kind != LinuxRAID {
			continue
		}
		var f layer.File
		if err == nil {
			f, err = v.open()
		}
		if err != nil {
			continue // told by those who look for physical volumes
		}
		devices = append(devices, md.Device{Name: v.Path, Reader: f, Size: f.Size()})
	}
	if len(devices) == 0 {
		return nil, nil
	}
	fsys, err := md.Open(devices)
	if err != nil {
		return nil, err
	}
	g.md = fsys
	taken := make(map[string]bool)
	for _, v := range append(d.disks[:len(d.disks):len(d.disks)], d.parts...) {
		taken[v.Path] = true
	}
	var arrays []*Volume
	for _, a := range fsys.Arrays() {
		name := a.Name
		if taken[name] {
			name += "~" + a.UUID[:8]
		}
		v := &Volume{
			Path:    name,
			Size:    a.Size,
			Array:   a,
			options: &d.options,
			open:    func() (layer.File, error) { return openFile(fsys, a.Name) },
		}
		arrays = append(arrays, v)
		g.lvs = append(g.lvs, v)
		g.nodes = append(g.nodes, namedNode{name: name, volume: v})
	}
	return arrays, nil
}

package vmdkfs

import (
	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

// sectorSize is what every disk is a multiple of, in bytes.
const sectorSize = 512

// build makes the volume tree. A file that is taken for a raw image only
// because it is nothing else must at least be as long as a disk can be.
func (d *Disk) build() error {
	root := &dirNode{more: d.groupNodes}
	d.FS = vnode.New(root)
	switch disk := d.disks[0]; {
	case d.several():
		for _, disk := range d.disks {
			root.fixed = append(root.fixed, d.diskNode(disk))
		}
		for _, f := range d.failed {
			root.fixed = append(root.fixed, namedNode{name: f.path, dir: &dirNode{broken: f.err}})
		}
	case disk.Table != nil:
		root.fixed, root.broken = d.partitionNodes(disk)
	case disk.Readable():
		if sys, err := disk.mounted(); err == nil {
			d.FS = sys.tree
		} else {
			d.FS = vnode.New(failedDir{err: err})
		}
	default:
		kind, err := disk.Kind()
		if kind == "" && err == nil && disk.Format == formatRaw && disk.Size%sectorSize != 0 {
			return layer.Errorf(layer.ErrFormat, "vmdkfs", "", -1, "neither a VMDK nor the bytes of a disk")
		}
		if kind != PV {
			root.fixed, root.broken = []namedNode{{name: "disk", file: true, volume: disk}}, err
		}
	}
	return nil
}

// several reports whether there is more than one disk, so that the tree begins
// with their names.
func (d *Disk) several() bool { return len(d.disks)+len(d.failed) > 1 }

// diskNode returns the node of one disk of several: the directory of its
// partitions, or the whole disk.
func (d *Disk) diskNode(disk *Volume) namedNode {
	if disk.Table == nil {
		return namedNode{name: disk.Path, volume: disk}
	}
	dir := &dirNode{}
	dir.fixed, dir.broken = d.partitionNodes(disk)
	return namedNode{name: disk.Path, dir: dir}
}

// partitionNodes returns the nodes of a disk's partitions, and the error that
// there may be more.
func (d *Disk) partitionNodes(disk *Volume) (nodes []namedNode, broken error) {
	for _, v := range d.parts {
		if v.disk == disk {
			nodes = append(nodes, namedNode{name: v.Partition.Name, volume: v})
		}
	}
	_, broken = disk.Table.ReadDir(".")
	return nodes, broken
}

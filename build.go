package vmdkfs

import "github.com/vmdkfs/vmdkfs/internal/vnode"

// build makes the volume tree.
func (d *Disk) build() {
	root := &dirNode{more: d.groupNodes}
	d.FS = vnode.New(root)
	switch disk := d.disks[0]; {
	case len(d.disks) > 1:
		for _, disk := range d.disks {
			root.fixed = append(root.fixed, d.diskNode(disk))
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
		if kind != PV {
			root.fixed, root.broken = []namedNode{{name: "disk", file: true, volume: disk}}, err
		}
	}
}

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

package vmdkfs

import (
	"path"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/ldm"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A DynamicVolume is a volume of a disk group of Windows' Logical Disk
// Manager. In the volume tree it lies below the name of its group.
type DynamicVolume struct {
	Group     string   // name of the disk group
	GroupGUID string   // as all GUIDs in lower case
	Missing   []string // disks of the group that are not there
	Name      string
	GUID      string
	Type      string // "simple", "spanned", "striped", "mirrored" or "RAID-5"
	Hint      string // the drive letter that it should have: "E:"
}

// Types of the partitions of dynamic disks.
const (
	typeDynamicMBR      = "42"
	typeDynamicMetadata = "5808c8aa-7e8f-42e0-85d2-e1e90434cfb3"
	typeDynamicData     = "af9b60a0-1431-4f62-bc68-3311714a69ad"
)

// isDynamic reports whether the volume is a partition of a dynamic disk. What
// its first bytes are is chance: its volumes may lie anywhere in it.
func (v *Volume) isDynamic() bool {
	if v.Partition == nil {
		return false
	}
	switch v.Partition.Type {
	case typeDynamicMBR, typeDynamicMetadata, typeDynamicData:
		return true
	}
	return false
}

// dynamicDisks returns the dynamic disks among all disks.
func (d *Disk) dynamicDisks() ([]ldm.Disk, error) {
	var list []ldm.Disk
	var errs []error
	for _, disk := range d.disks {
		if disk.Table == nil {
			continue
		}
		table, dynamic := disk.Table.Table(), false
		entry := ldm.Disk{Name: disk.Path, Size: disk.Size, SectorSize: table.SectorSize}
		if entry.Name == "" {
			entry.Name = "the disk"
		}
		for _, p := range disk.Table.Partitions() {
			switch p.Type {
			case typeDynamicMBR:
				dynamic = true
			case typeDynamicMetadata:
				dynamic = true
				entry.Metadata = p.Start + p.Size - int64(table.SectorSize)
			}
		}
		if !dynamic {
			continue
		}
		f, err := disk.open()
		if err != nil {
			errs = append(errs, err)
			continue
		}
		entry.Reader = f
		list = append(list, entry)
	}
	return list, join(errs)
}

// openDynamic finds the dynamic disks, and adds the volumes of their groups to
// those of g.
func (d *Disk) openDynamic(g *groups) error {
	disks, err := d.dynamicDisks()
	if len(disks) == 0 {
		return err
	}
	found, openErr := ldm.Open(disks)
	taken := make(map[string]bool) // names in the root that are not of these groups
	for _, v := range append(d.disks, d.parts...) {
		taken[v.Path] = true
	}
	for _, n := range g.nodes {
		taken[n.name] = true
	}
	for _, group := range found {
		d.addDynamic(g, group, taken)
	}
	return join(notNil(err, openErr))
}

// notNil returns those of errs that are errors.
func notNil(errs ...error) []error {
	var list []error
	for _, err := range errs {
		if err != nil {
			list = append(list, err)
		}
	}
	return list
}

// addDynamic makes the nodes of a disk group, and the volumes in it.
func (d *Disk) addDynamic(g *groups, group *ldm.Group, taken map[string]bool) {
	name, dir := safeName(group.Name), &dirNode{}
	if taken[name] {
		name += "~" + group.GUID[:min(8, len(group.GUID))]
	}
	taken[name] = true
	used := make(map[string]bool)
	for _, l := range group.Volumes {
		base := safeName(l.Name)
		if used[base] {
			base += "~" + l.GUID[:min(8, len(l.GUID))]
		}
		used[base] = true
		v := &Volume{
			Path:    path.Join(name, base),
			Size:    l.Size,
			Dynamic: &DynamicVolume{group.Name, group.GUID, group.Missing, l.Name, l.GUID, l.Type, l.Hint},
			options: &d.options,
			open:    func() (layer.File, error) { return openDynamicVolume(l) },
		}
		g.lvs = append(g.lvs, v)
		dir.fixed = append(dir.fixed, namedNode{name: base, volume: v})
	}
	g.nodes = append(g.nodes, namedNode{name: name, dir: dir})
	for _, err := range group.Warnings {
		g.warnings = append(g.warnings, Warning{Path: name, Err: err})
	}
}

// safeName returns a name of the database as one that a path may have.
func safeName(name string) string {
	if name = vnode.Escape([]byte(name)); vnode.Valid([]byte(name)) {
		return name
	}
	return "_"
}

// A dynamicNode is a dynamic volume as the only file of a file system.
type dynamicNode struct {
	fileNode
	open func() (*extent.Reader, error)
}

func (n dynamicNode) Open() (vnode.Content, error) { return n.open() }

// openDynamicVolume opens a dynamic volume as a layer.File.
func openDynamicVolume(l *ldm.Volume) (layer.File, error) {
	root := &vnode.Listing{}
	root.Add("volume", dynamicNode{fileNode{&Volume{Size: l.Size}}, l.Open})
	return openFile(vnode.New(root), "volume")
}

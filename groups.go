package vmdkfs

import (
	"io/fs"
	"path"

	"github.com/vmdkfs/vmdkfs/layer"
	"github.com/vmdkfs/vmdkfs/lvm"
)

// groups are the volume groups on all disks.
type groups struct {
	fsys  *lvm.FS // nil when there are none
	nodes []namedNode
	lvs   []*Volume
	err   error
}

// groups finds the volume groups, once.
func (d *Disk) groups() *groups {
	d.lvm.once.Do(func() {
		d.lvm.err = d.openGroups(&d.lvm.groups)
		d.lvm.done.Store(true)
	})
	return &d.lvm.groups
}

// groupNodes returns the entries of the volume groups in the root.
func (d *Disk) groupNodes() ([]namedNode, error) {
	g := d.groups()
	return g.nodes, g.err
}

// openGroups finds the physical volumes on all disks and opens their groups.
func (d *Disk) openGroups(g *groups) error {
	var pvs []lvm.PV
	var errs []error
	for _, v := range d.candidates() {
		kind, err := v.Kind()
		if err == nil && kind != PV {
			continue
		}
		var f layer.File
		if err == nil {
			f, err = v.open()
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		pvs = append(pvs, lvm.PV{Name: v.Path, Reader: f, Size: f.Size()})
	}
	if len(pvs) > 0 {
		fsys, err := lvm.Open(pvs)
		if err == nil {
			g.fsys = fsys
			err = d.addGroups(g)
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
	return join(errs)
}

// candidates returns the volumes that may be physical volumes. Those on
// logical volumes are not looked for: they belong to guests of the guest.
func (d *Disk) candidates() []*Volume {
	list := make([]*Volume, 0, len(d.disks)+len(d.parts))
	for _, disk := range d.disks {
		if disk.Table == nil && disk.tableErr == nil {
			list = append(list, disk)
		}
	}
	return append(list, d.parts...)
}

// addGroups makes the nodes of every group, and the volumes in it.
func (d *Disk) addGroups(g *groups) error {
	taken := make(map[string]bool) // names in the root that are not of groups
	for _, v := range append(d.disks, d.parts...) {
		taken[v.Path] = true
	}
	for _, vg := range g.fsys.Groups() {
		entries, err := g.fsys.ReadDir(vg.Dir)
		if err != nil {
			return err
		}
		name, dir := vg.Dir, &dirNode{}
		if taken[name] {
			name += "~" + vg.UUID[:min(8, len(vg.UUID))]
		}
		for _, e := range entries {
			info, err := e.Info()
			if err != nil {
				return err
			}
			logical, ok := info.Sys().(*lvm.Volume)
			if !ok {
				return &fs.PathError{Op: "open", Path: path.Join(name, e.Name()), Err: fs.ErrInvalid}
			}
			v := &Volume{
				Path:    path.Join(name, e.Name()),
				Size:    info.Size(),
				Logical: logical,
				Group:   vg,
				options: &d.options,
				open:    func() (layer.File, error) { return openFile(g.fsys, path.Join(vg.Dir, e.Name())) },
			}
			g.lvs = append(g.lvs, v)
			dir.fixed = append(dir.fixed, namedNode{name: e.Name(), volume: v})
		}
		g.nodes = append(g.nodes, namedNode{name: name, dir: dir})
	}
	return nil
}

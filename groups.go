package vmdkfs

import (
	"io/fs"
	"path"
	"strconv"

	"github.com/vmdkfs/vmdkfs/internal/md"
	"github.com/vmdkfs/vmdkfs/layer"
	"github.com/vmdkfs/vmdkfs/lvm"
)

// groups are the volume groups on all disks.
type groups struct {
	all      []*lvm.FS // one, and more where PVs lie on logical volumes; none when there are no PVs
	md       *md.FS    // nil when there are no arrays
	nodes    []namedNode
	lvs      []*Volume // dynamic volumes and arrays too
	warnings []Warning
	err      error
}

// groups finds the volume groups, once.
func (d *Disk) groups() *groups {
	d.lvm.once.Do(func() {
		d.lvm.err = join(notNil(d.openGroups(&d.lvm.groups), d.openDynamic(&d.lvm.groups)))
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
	arrays, err := d.openArrays(g)
	if err != nil {
		errs = append(errs, err)
	}
	for _, v := range append(d.candidates(), arrays...) {
		if v.Array != nil && v.Array.Err != nil {
			continue // told when it is opened
		}
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
		on := v
		if v.disk != nil {
			on = v.disk
		}
		pvs = append(pvs, lvm.PV{Name: v.Path, Reader: f, Size: f.Size(), Disk: on.Path})
	}
	if len(pvs) > 0 {
		if err := d.addPVs(g, pvs, d.options.lvm...); err != nil {
			errs = append(errs, err)
		}
	}
	if d.options.nested {
		errs = append(errs, d.openNested(g)...)
	}
	return join(errs)
}

// addPVs opens physical volumes and adds their groups.
func (d *Disk) addPVs(g *groups, pvs []lvm.PV, opts ...lvm.Option) error {
	fsys, err := lvm.Open(pvs, opts...)
	if err != nil {
		return err
	}
	g.all = append(g.all, fsys)
	return d.addGroups(g, fsys)
}

// candidates returns the volumes that may be physical volumes. Those on
// logical volumes are looked for by openNested.
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
func (d *Disk) addGroups(g *groups, fsys *lvm.FS) error {
	taken := make(map[string]bool) // names in the root
	for _, n := range g.nodes {
		taken[n.name] = true
	}
	for _, v := range append(d.disks, d.parts...) {
		taken[v.Path] = true
	}
	for _, v := range g.lvs { // arrays
		taken[v.Path] = true
	}
	for _, f := range d.failed {
		taken[f.path] = true
	}
	shown := fsys
	if d.options.hidden {
		fsys = fsys.Hidden()
	}
	for _, vg := range fsys.Groups() {
		entries, err := fsys.ReadDir(vg.Dir)
		if err != nil {
			return err
		}
		name, dir := vg.Dir, &dirNode{}
		if taken[name] {
			name += "~" + vg.UUID[:min(8, len(vg.UUID))]
		}
		for i, base := 2, name; taken[name]; i++ {
			name = base + "~" + strconv.Itoa(i)
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
				Hidden:  !exists(shown, path.Join(vg.Dir, e.Name())),
				options: &d.options,
				open:    func() (layer.File, error) { return openFile(fsys, path.Join(vg.Dir, e.Name())) },
			}
			g.lvs = append(g.lvs, v)
			dir.fixed = append(dir.fixed, namedNode{name: e.Name(), volume: v})
		}
		g.nodes = append(g.nodes, namedNode{name: name, dir: dir})
	}
	return nil
}

// exists reports whether a group's directory has the volume.
func exists(fsys *lvm.FS, name string) bool {
	_, err := fsys.Lstat(name)
	return err == nil
}

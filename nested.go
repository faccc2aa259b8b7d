package vmdkfs

import (
	"path"

	"github.com/vmdkfs/vmdkfs/layer"
	"github.com/vmdkfs/vmdkfs/lvm"
)

// maxNested bounds physical volumes within logical volumes within physical
// volumes. A host, its guest and a guest of that are two.
const maxNested = 4

// WithNested looks for physical volumes on logical volumes too. They belong to
// a machine that runs on the one of the disk, and their groups are listed with
// the others, apart from which they are opened.
func WithNested() Option {
	return func(o *options) { o.nested = true }
}

// WithHidden lists the volumes too that LVM makes others of and does not show:
// the legs of a raid and their superblocks, pools, logs, caches. They are there
// to be looked at: neither a guest's file systems nor physical volumes are
// looked for on them.
func WithHidden() Option {
	return func(o *options) { o.hidden = true }
}

// WithSequence shows a volume group as an older copy of its metadata says; see
// [lvm.WithSequence]. [Disk.History] lists the copies.
func WithSequence(group string, seqno int64) Option {
	return func(o *options) { o.lvm = append(o.lvm, lvm.WithSequence(group, seqno)) }
}

// History returns the copies of the metadata of all volume groups, the ones in
// force and the older ones that are still on the disks; see [lvm.FS.History].
func (d *Disk) History() ([]lvm.Version, error) {
	g := d.groups()
	var list []lvm.Version
	errs := []error{g.err}
	for _, fsys := range g.all {
		versions, err := fsys.History()
		list = append(list, versions...)
		errs = append(errs, err)
	}
	return list, join(errs)
}

// openNested opens the groups whose physical volumes lie on logical volumes,
// those of each round on the volumes of the one before.
func (d *Disk) openNested(g *groups) []error {
	var errs []error
	done := 0
	for range maxNested {
		var pvs []lvm.PV
		for _, v := range g.lvs[done:] {
			if v.Logical == nil || v.Hidden {
				continue // an array, which openGroups has looked at, or the leg of one
			}
			kind, err := v.Kind()
			if err != nil || kind != PV || v.Array != nil {
				continue // what is wrong with the volume is told where it is used
			}
			f, err := v.open()
			if err != nil {
				errs = append(errs, err)
				continue
			}
			pvs = append(pvs, lvm.PV{Name: v.Path, Reader: f, Size: f.Size(), Disk: path.Dir(v.Path)})
		}
		done = len(g.lvs)
		if len(pvs) == 0 {
			return errs
		}
		if err := d.addPVs(g, pvs); err != nil {
			errs = append(errs, err)
		}
	}
	return append(errs, layer.Errorf(layer.ErrUnsupported, "vmdkfs", "", -1, "physical volumes on logical volumes, more than %d times", maxNested))
}

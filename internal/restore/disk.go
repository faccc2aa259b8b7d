package restore

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"github.com/vmdkfs/vmdkfs/layer"
	"github.com/vmdkfs/vmdkfs/vmdk"
)

// disk adds the files of a disk and of the disks below it. What is missing is
// a failure, and the rest is added.
func (p *planner) disk(top string) {
	if _, known := p.index[top]; known {
		return
	}
	before := len(p.plan.Failed)
	described := false
	for name := top; name != ""; {
		if _, known := p.index[name]; known {
			break // what is wrong with a chain that has no end, whole says
		}
		parent, d := p.link(name)
		described = described || d != nil
		name = parent
	}
	if len(p.plan.Failed) == before && (described || strings.EqualFold(path.Ext(top), ".vmdk")) {
		p.fail(p.whole(top))
	}
}

// link adds the files of one disk of a chain, and returns the name of its
// parent, and its descriptor, if it has them.
func (p *planner) link(name string) (parent string, d *vmdk.Descriptor) {
	if err := p.add(name, true); err != nil {
		p.fail(missing(err, name, "the disk"))
		return "", nil
	}
	text, room, err := p.descriptor(name)
	if err == nil && text != nil {
		d, err = vmdk.ParseDescriptor(name, text)
	}
	if err != nil || d == nil {
		p.fail(err)
		return "", nil
	}
	dir := path.Dir(name)
	for _, e := range d.Extents {
		if e.File != "" && (room.size == 0 || len(d.Extents) > 1) { // an embedded descriptor means the file that it is in
			p.fail(p.extent(dir, e))
		}
	}
	for named := range quoted(text) {
		at, ok := inside(dir, named)
		if ok && strings.HasSuffix(strings.ToLower(named), "-ctk.vmdk") && p.exists(at) {
			p.fail(p.add(at, false))
		}
	}
	if d.ParentCID == vmdk.NoParent {
		return "", d
	}
	// As vmdk finds it: where the snapshot says, or beside it.
	if at, ok := inside(dir, d.ParentFileNameHint); ok && p.exists(at) {
		return at, d
	}
	if at, ok := inside(dir, baseName(d.ParentFileNameHint)); ok && p.exists(at) {
		return at, d
	}
	p.fail(failed(layer.ErrIncomplete, name, "the parent %q does not exist in its directory", d.ParentFileNameHint))
	return "", d
}

// extent adds the file of an extent.
func (p *planner) extent(dir string, e vmdk.Extent) error {
	at, ok := inside(dir, e.File)
	if !ok {
		return failed(layer.ErrUnsupported, e.File, "the extent is not restored, because it lies outside of the directory")
	}
	if err := p.add(at, false); err != nil {
		return missing(err, at, "the extent")
	}
	if e.Type != vmdk.Flat && e.Type != vmdk.VMFS || e.Offset > maxSectors || e.Sectors > maxSectors {
		return nil
	}
	if have, need := p.plan.Files[p.index[at]].Size, (e.Offset+e.Sectors)*sector; have < need {
		return failed(layer.ErrIncomplete, at, "it has %d bytes, and the descriptor says %d", have, need)
	}
	return nil
}

// maxSectors keeps sums of bytes from overflowing; vmdk refuses what is larger.
const maxSectors = 1 << 50

// whole reports what a disk lacks though its files are all there.
func (p *planner) whole(name string) error {
	d, err := vmdk.Open(p.fsys, name)
	if err != nil {
		return err
	}
	defer d.Close()
	f, err := d.Open("disk")
	if err != nil {
		return err
	}
	defer f.Close()
	if file, ok := f.(layer.File); ok {
		for _, err := range file.Extents() {
			if err != nil {
				return err
			}
		}
	}
	for _, w := range d.Warnings() {
		if errors.Is(w, layer.ErrIncomplete) {
			return w
		}
	}
	return nil
}

func (p *planner) exists(name string) bool {
	info, err := fs.Stat(p.fsys, name)
	return err == nil && info.Mode().IsRegular()
}

// missing returns the error of a file that is named and cannot be copied.
func missing(err error, name, what string) error {
	if errors.Is(err, fs.ErrNotExist) {
		return failed(layer.ErrIncomplete, name, "%s does not exist", what)
	}
	return err
}

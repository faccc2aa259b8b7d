package restore

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"github.com/vmdkfs/vmdkfs/internal/foreign"
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
	for name := top; name != ""; {
		if _, known := p.index[name]; known {
			break // what is wrong with a chain that has no end, whole says
		}
		name = p.link(name)
	}
	if len(p.plan.Failed) == before {
		p.fail(p.whole(top))
	}
}

// link adds the files of one disk of a chain, and returns the name of its
// parent, if it has one.
func (p *planner) link(name string) string {
	if err := p.add(name, true); err != nil {
		p.fail(p.missing(err, name, "the disk"))
		return ""
	}
	text, room, err := p.descriptor(name)
	if err != nil || text == nil {
		p.fail(err)
		return ""
	}
	d, err := vmdk.ParseDescriptor(name, text)
	if err != nil {
		p.fail(err)
		return ""
	}
	dir := path.Dir(name)
	for _, e := range d.Extents {
		if e.File != "" && !embedded(d, room) {
			p.fail(p.extent(dir, e))
		}
	}
	for value := range namesIn(name, text) {
		at, ok := inside(dir, value)
		if ok && strings.HasSuffix(strings.ToLower(value), "-ctk.vmdk") && p.exists(at) {
			p.fail(p.add(at, false))
		}
	}
	if d.ParentCID == vmdk.NoParent {
		return ""
	}
	// As vmdk finds it: where the snapshot says, or beside it.
	if at, ok := inside(dir, d.ParentFileNameHint); ok && p.exists(at) {
		return at
	}
	if at, ok := inside(dir, baseName(d.ParentFileNameHint)); ok && p.exists(at) {
		return at
	}
	p.fail(failed(layer.ErrIncomplete, name, "the parent %q does not exist in its directory", d.ParentFileNameHint))
	return ""
}

// extent adds the file of an extent.
func (p *planner) extent(dir string, e vmdk.Extent) error {
	at, ok := inside(dir, e.File)
	if !ok {
		return failed(layer.ErrUnsupported, e.File, "the extent is not restored, because it lies outside of the directory")
	}
	if err := p.add(at, false); err != nil {
		return p.missing(err, at, "the extent")
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

// whole reports what a disk lacks though the files that it is known to name are
// all there.
func (p *planner) whole(name string) error {
	d, err := vmdk.Open(p.fsys, name)
	if errors.Is(err, layer.ErrUnsupported) {
		return p.foreign(name, err)
	}
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
	for _, l := range d.Chain() {
		if err := p.covers(l); err != nil {
			return err
		}
	}
	return nil
}

// covers reports what the plan lacks of what vmdk has read as one disk of a
// chain. It lacks nothing as long as both know a descriptor by the same.
func (p *planner) covers(l vmdk.Link) error {
	names := []string{l.Name}
	if l.Descriptor != nil {
		_, room, err := p.descriptor(l.Name)
		if err != nil {
			return err
		}
		for _, e := range l.Descriptor.Extents {
			if at, ok := inside(path.Dir(l.Name), e.File); ok && !embedded(l.Descriptor, room) {
				names = append(names, at)
			}
		}
	}
	for _, name := range names {
		if _, known := p.index[name]; !known {
			return failed(layer.ErrUnsupported, name, "it belongs to the disk, and is not restored")
		}
	}
	return nil
}

// embedded reports whether a descriptor means the file that it is in by its
// one extent, whatever the name of that is.
func embedded(d *vmdk.Descriptor, r room) bool { return r.size > 0 && len(d.Extents) == 1 }

// foreign reports what a disk in the format of another hypervisor lacks.
// Refused is why it is no VMDK.
func (p *planner) foreign(name string, refused error) error {
	f, size, err := p.open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, _, err = foreign.Open(f, size, name); errors.Is(err, layer.ErrFormat) {
		return refused
	}
	return err
}

func (p *planner) exists(name string) bool {
	info, err := fs.Stat(p.fsys, name)
	return err == nil && info.Mode().IsRegular()
}

// missing returns the error of a file that is named and cannot be copied.
func (p *planner) missing(err error, name, what string) error {
	if errors.Is(err, fs.ErrNotExist) {
		return failed(layer.ErrIncomplete, name, "%s does not exist", what)
	}
	var cause *fs.PathError
	if info, linkErr := fs.Lstat(p.fsys, name); linkErr == nil && info.Mode()&fs.ModeSymlink != 0 && errors.As(err, &cause) {
		return failed(layer.ErrUnsupported, name, "%s is a link that cannot be followed: %v", what, cause.Err)
	}
	return err
}

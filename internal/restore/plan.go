package restore

import (
	"errors"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/vm"
	"github.com/vmdkfs/vmdkfs/layer"
	"github.com/vmdkfs/vmdkfs/vmdk"
)

// A File is a file that is to be copied.
type File struct {
	Name    string // in the source
	To      string // in the destination
	Size    int64  // in the destination
	Mode    fs.FileMode
	ModTime time.Time

	Text    []byte // what is written instead of the content; nil for a copy
	Patch   []byte // what is written at PatchAt instead of what is there
	PatchAt int64
	Last    bool // it names others, and is placed when they are
}

// A Plan is what is to be copied.
type Plan struct {
	Files []File
	// Failed are files that are named and missing, or lie where nothing is
	// read, and disks that lack something.
	Failed []error
}

// maxText is the largest file that is taken for a text to rewrite: that of a
// machine with many snapshots has some hundred thousand bytes.
const maxText = 4 << 20

// A planner collects files.
type planner struct {
	fsys  fs.FS
	plan  *Plan
	index map[string]int // in Files, by Name
}

// NewPlan finds the files of image, a path in fsys: a disk, a machine's
// configuration, or a directory with either. When name is not empty, the files
// whose names begin with that of the machine or disk are called so, and all
// that refers to them says so.
func NewPlan(fsys fs.FS, image, name string) (*Plan, error) {
	p := &planner{fsys, &Plan{}, make(map[string]int)}
	main, err := p.find(image)
	if err != nil {
		return nil, err
	}
	if name != "" {
		if err := p.rename(stem(main), name); err != nil {
			return nil, err
		}
	}
	return p.plan, nil
}

// find adds all files of image and returns the one that stands for them.
func (p *planner) find(image string) (string, error) {
	ext := strings.ToLower(path.Ext(image))
	if ext == ".ova" {
		return image, p.add(image, false)
	}
	m, err := vm.Open(p.fsys, image, nil)
	if err != nil {
		return "", err
	}
	if m == nil {
		if _, err := fs.Stat(p.fsys, image); err != nil {
			return "", err
		}
		p.disk(image)
		return image, nil
	}
	defer m.Close()
	if ext := strings.ToLower(path.Ext(m.File)); m.File == "" || ext != ".vmx" && ext != ".vmtx" {
		if ext == ".ovf" || ext == ".ova" || len(m.Disks) != 1 || path.Ext(image) == ".001" {
			return "", failed(layer.ErrUnsupported, image, "only disks, machines with a .vmx and their directories are restored")
		}
		p.disk(m.Disks[0].Name)
		return m.Disks[0].Name, nil
	}
	return m.File, p.machine(m)
}

// machine adds the files of a machine.
func (p *planner) machine(m *vm.Machine) error {
	p.plan.Failed = append(p.plan.Failed, m.Warnings...)
	list := strings.TrimSuffix(m.File, path.Ext(m.File)) + ".vmsd"
	for _, text := range []string{m.File, list} {
		if err := p.add(text, true); errors.Is(err, fs.ErrNotExist) && text == list {
			continue
		} else if err != nil {
			return err
		}
		data, err := p.text(text)
		if err != nil {
			return err
		}
		for named := range quoted(data) {
			p.named(path.Dir(text), named)
		}
	}
	for _, d := range m.Disks {
		if d.Err != nil {
			p.fail(d.Err)
			continue
		}
		p.disk(d.Name)
	}
	for _, s := range m.Snapshots.List {
		for _, d := range s.Disks {
			if name, ok := inside(path.Dir(m.File), d.File); ok {
				p.disk(name)
			} else {
				p.fail(failed(layer.ErrUnsupported, d.File, "the disk of the snapshot %q lies outside of the directory", s.Name))
			}
		}
	}
	return nil
}

// kept are the files, beside disks, that a configuration names and a machine
// needs, and whether it can do without: it makes its NVRAM and its further
// configuration when they are missing, but not the state that it was suspended
// in, or that a snapshot has.
var kept = map[string]bool{".nvram": true, ".vmxf": true, ".vmem": true, ".vmss": false, ".vmsn": false}

// named adds a file that a configuration names, if it is one to keep.
func (p *planner) named(dir, value string) {
	ext := strings.ToLower(path.Ext(value))
	optional, keep := kept[ext]
	if !keep {
		return
	}
	name, ok := inside(dir, value)
	if !ok {
		p.fail(failed(layer.ErrUnsupported, value, "it is not restored, because it lies outside of the directory"))
		return
	}
	if err := p.add(name, ext == ".vmxf"); !optional || !errors.Is(err, fs.ErrNotExist) {
		p.fail(err)
	}
	if !optional {
		p.named(dir, strings.TrimSuffix(value, path.Ext(value))+".vmem") // the memory may lie beside the state
	}
}

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

// add adds a file, once.
func (p *planner) add(name string, last bool) error {
	if _, known := p.index[name]; known {
		return nil
	}
	info, err := fs.Stat(p.fsys, name)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return failed(layer.ErrFormat, name, "not a regular file")
	}
	p.index[name] = len(p.plan.Files)
	p.plan.Files = append(p.plan.Files, File{Name: name, To: name, Size: info.Size(), Mode: info.Mode().Perm(), ModTime: info.ModTime(),
		Last: last && info.Size() <= maxText})
	return nil
}

func (p *planner) fail(err error) {
	if err != nil {
		p.plan.Failed = append(p.plan.Failed, err)
	}
}

// inside returns the path in the file system of a file that one in dir names,
// and whether it lies in dir or below.
func inside(dir, name string) (string, bool) {
	name = strings.ReplaceAll(name, `\`, "/")
	if name == "" || path.IsAbs(name) || len(name) > 1 && name[1] == ':' || !fs.ValidPath(path.Clean(name)) || path.Clean(name) == "." {
		return "", false
	}
	return path.Join(dir, name), true
}

// baseName returns the last element of a path of any system.
func baseName(name string) string { return name[strings.LastIndexAny(name, `/\:`)+1:] }

func failed(kind error, object, format string, args ...any) error {
	return layer.Errorf(kind, "restore", object, -1, format, args...)
}

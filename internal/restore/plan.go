package restore

import (
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/vm"
	"github.com/vmdkfs/vmdkfs/layer"
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

func failed(kind error, object, format string, args ...any) error {
	return layer.Errorf(kind, "restore", object, -1, format, args...)
}

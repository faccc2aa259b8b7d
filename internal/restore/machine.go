package restore

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"github.com/vmdkfs/vmdkfs/internal/vm"
	"github.com/vmdkfs/vmdkfs/layer"
)

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
		for value := range namesIn(text, data) {
			p.named(path.Dir(text), value)
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

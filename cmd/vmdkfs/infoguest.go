package main

import (
	"errors"

	"github.com/vmdkfs/vmdkfs"
	"github.com/vmdkfs/vmdkfs/layer"
)

// guestFacts is what the machine itself sees.
type guestFacts struct {
	OS       string       `json:"os,omitempty"`
	Hostname string       `json:"hostname,omitempty"`
	Mounts   []mountFacts `json:"mounts,omitempty"`
	Error    string       `json:"error,omitempty"`
}

type mountFacts struct {
	Path   string `json:"path"`
	Volume string `json:"volume,omitempty"`
	Source string `json:"source,omitempty"`
	Error  string `json:"error,omitempty"`
}

// guestOf returns the facts of the guest, nil when the disks hold no system.
func guestOf(d *vmdkfs.Disk) *guestFacts {
	g, err := d.Guest()
	if errors.Is(err, layer.ErrFormat) {
		return nil
	}
	if err != nil {
		return &guestFacts{Error: printable(reason("", err))}
	}
	f := &guestFacts{OS: g.OS, Hostname: g.Hostname}
	for _, m := range g.Mounts {
		mount := mountFacts{Path: m.Path, Source: m.Source}
		if m.Volume != nil {
			mount.Volume = m.Volume.Path
		}
		if m.Err != nil {
			mount.Error = printable(reason(m.Path, m.Err))
		}
		f.Mounts = append(f.Mounts, mount)
	}
	return f
}

func (g *guestFacts) text(b []byte) []byte {
	if g.Error != "" {
		return line(b, 0, "guest", g.Error)
	}
	b = line(b, 0, "guest", g.OS, put("host name ", g.Hostname))
	for _, m := range g.Mounts {
		where := m.Volume
		if where == "" && m.Error == "" {
			where = "the disk"
		}
		b = line(b, 1, m.Path, where, m.Source, put("not mounted: ", m.Error))
	}
	return b
}

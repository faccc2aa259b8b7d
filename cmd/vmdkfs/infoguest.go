package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/vmdkfs/vmdkfs"
	"github.com/vmdkfs/vmdkfs/layer"
)

// guestFacts is what the machine itself sees.
type guestFacts struct {
	OS       string        `json:"os,omitempty"`
	Version  string        `json:"version,omitempty"`
	Hostname string        `json:"hostname,omitempty"`
	TimeZone string        `json:"time_zone,omitempty"`
	Shutdown *time.Time    `json:"last_shutdown,omitempty"`
	Mounts   []mountFacts  `json:"mounts,omitempty"`
	Others   []systemFacts `json:"other_systems,omitempty"` // that --root chooses
	Error    string        `json:"error,omitempty"`
}

type mountFacts struct {
	Path   string `json:"path"`
	Volume string `json:"volume,omitempty"`
	Source string `json:"source,omitempty"`
	Note   string `json:"note,omitempty"`
	Error  string `json:"error,omitempty"`
}

// systemFacts are those of a system that is not the guest.
type systemFacts struct {
	Volume  string `json:"volume"`
	OS      string `json:"os,omitempty"`
	Version string `json:"version,omitempty"`
}

// guestOf returns the facts of the guest, nil when the disks hold no system,
// and reports what of them cannot be read.
func (a *app) guestOf(d *vmdkfs.Disk) *guestFacts {
	g, err := d.Guest()
	if errors.Is(err, layer.ErrFormat) {
		return nil
	}
	f := &guestFacts{}
	if err != nil {
		f.Error = printable(reason("", err))
		if !errors.Is(err, layer.ErrUnsupported) {
			a.fail("guest", err)
		}
	} else {
		f.add(a, g)
	}
	systems, _ := d.Systems() // why there may be more is told of the volumes
	for _, other := range systems {
		if g != nil && other.Mounts[0].Volume == g.Mounts[0].Volume {
			continue
		}
		system, _ := other.System() // it is named as far as it can be
		f.Others = append(f.Others, systemFacts{other.Mounts[0].Volume.Path, system.Name, system.Version})
	}
	return f
}

// add adds the facts of the guest.
func (f *guestFacts) add(a *app, g *vmdkfs.Guest) {
	system, err := g.System()
	a.fail("guest", err)
	f.OS, f.Version, f.Hostname, f.TimeZone = system.Name, system.Version, system.Hostname, system.TimeZone
	if !system.Shutdown.IsZero() {
		f.Shutdown = &system.Shutdown
	}
	for _, m := range g.Mounts {
		mount := mountFacts{Path: m.Path, Source: m.Source, Note: m.Note}
		if m.Volume != nil {
			mount.Volume = m.Volume.Path
		}
		if m.Err != nil {
			mount.Error = printable(reason(m.Path, m.Err))
			if m.Lost() {
				a.fail(m.Path, m.Err)
			}
		}
		f.Mounts = append(f.Mounts, mount)
	}
}

func (f *guestFacts) text(b []byte) []byte {
	if f.Error != "" {
		b = line(b, 0, "guest", f.Error)
	} else {
		shutdown := ""
		if f.Shutdown != nil {
			shutdown = f.Shutdown.Format(time.RFC3339)
		}
		b = line(b, 0, "guest", f.OS, put("version ", f.Version), put("host name ", f.Hostname), put("time zone ", f.TimeZone), put("last shut down ", shutdown))
	}
	for _, m := range f.Mounts {
		where := m.Volume
		if where == "" && m.Error == "" {
			where = "the disk"
		}
		b = line(b, 1, m.Path, where, m.Source, put("not mounted: ", m.Error), m.Note)
	}
	for _, o := range f.Others {
		b = line(b, 1, "another system", o.OS, put("version ", o.Version), fmt.Sprintf("on %s, which --root chooses", o.Volume))
	}
	return b
}

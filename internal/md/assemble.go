package md

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/internal/raid"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

// An Array is a set of devices with superblocks of one UUID. Callers must not
// change it.
type Array struct {
	Name    string // of its file: that in the superblock without the host, escaped as names of files are, else "md-" and the first 8 digits of the UUID
	UUID    string
	Version string // of the superblocks
	Level   string // "raid5"
	Size    int64  // in bytes; 0 when Err tells why it is not known
	Members []Member
	Err     error // why the array cannot be opened; nil when it can

	mapper *raid.Array
}

// A Member is a device of an array.
type Member struct {
	Device string // Name of the device that was given; empty when there is none
	Role   int    // its place among the members, counted from 0; -1 for a spare
	State  string // "in sync", "missing", "out of date", "faulty", "spare", "recovering", "journal"
}

// A found device has a superblock.
type found struct {
	*Superblock
	device Device
	index  int
}

// assemble builds the array of devices with one UUID.
func (f *FS) assemble(devices []found) *Array {
	slices.SortStableFunc(devices, func(a, b found) int {
		return cmp.Or(cmp.Compare(b.Events, a.Events), cmp.Compare(min(b.role, 0), min(a.role, 0))) // members first
	})
	newest := devices[0]
	a := &Array{Name: vnode.Escape([]byte(newest.ShortName())), UUID: newest.UUID, Version: newest.Version, Level: levelName(newest.Level)}
	if strings.Trim(a.Name, ".") == "" || strings.ContainsAny(a.Name, "/\x00") {
		a.Name = "md-" + a.short()
	}
	config, err := f.config(a, devices)
	if err == nil {
		a.mapper, err = raid.New(config)
	}
	if err != nil {
		a.Err = failure(err, "array "+a.Name, -1, "")
		return a
	}
	a.Size = a.mapper.Size()
	return a
}

// short returns the part of the UUID that tells arrays of one name apart.
func (a *Array) short() string { return a.UUID[:8] }

// levelName returns a level as mdadm calls it.
func levelName(l raid.Level) string {
	switch l {
	case raid.Linear:
		return "linear"
	case -4:
		return "multipath"
	case -5:
		return "faulty"
	case -10:
		return "container"
	}
	return fmt.Sprintf("raid%d", int(l))
}

// config describes the array to package raid. Devices come with the most
// events first; the first superblock's word counts.
func (f *FS) config(a *Array, devices []found) (raid.Config, error) {
	newest := devices[0]
	c := raid.Config{Level: newest.Level, Layout: newest.Layout, Derive: f.derive}
	c.Chunk, c.Size = sizes(newest.Superblock)
	for _, d := range devices {
		if d.refused != "" {
			return c, fmt.Errorf("%s: %s: %w", d.device.Name, d.refused, layer.ErrUnsupported)
		}
	}
	if newest.Devices <= 0 || newest.Devices > maxRoles {
		return c, fmt.Errorf("%d members, of at most %d: %w", newest.Devices, maxRoles, layer.ErrCorrupt)
	}
	var err error
	if c.Members, a.Members, err = members(devices, newest); err != nil {
		return c, err
	}
	if newest.clean < whole {
		known, err := readBitmaps(devices, newest)
		if err != nil {
			return c, err
		}
		c.Consistent = func(off, n int64) bool { return off+n <= newest.clean || known != nil && known.Clean(off, n) }
	}
	return c, nil
}

// members gives the devices their places. Of two for one place, the one that
// is in sync is taken; two that are the same device cannot be told apart.
func members(devices []found, newest found) ([]raid.Member, []Member, error) {
	parts, list := make([]raid.Member, newest.Devices), make([]Member, newest.Devices)
	takes := make([]*found, newest.Devices)
	for i := range parts {
		parts[i].Name = "missing"
		list[i] = Member{Role: i, State: "missing"}
	}
	later := func(d found) int { // a replacement waits for the member that it stands in for
		if d.state(newest) == "in sync" {
			return 0
		}
		return 1
	}
	devices = slices.SortedStableFunc(slices.Values(devices), func(a, b found) int { return later(a) - later(b) })
	for i := range devices {
		d := &devices[i]
		m := Member{d.device.Name, -1, d.state(newest)}
		role := d.role
		if role < 0 || role >= len(parts) {
			list = append(list, m)
			continue
		}
		current := m.State == "in sync" || m.State == "recovering"
		switch {
		case takes[role] == nil && current:
			m.Role, takes[role] = role, d
			parts[role], list[role] = d.member(), m
		case takes[role] == nil:
			m.Role = role
			parts[role].Name, list[role] = d.device.Name+", "+m.State, m
		case current && d.number == takes[role].number:
			return nil, nil, fmt.Errorf("%s and %s are both member %d: open a disk and its clone apart: %w",
				takes[role].device.Name, d.device.Name, role, layer.ErrCorrupt)
		default:
			list = append(list, m)
		}
	}
	return parts, list, nil
}

// sizes returns an array's chunk, and how much of each member it uses.
func sizes(s *Superblock) (chunk, used int64) {
	switch s.Level {
	case raid.RAID1:
		return 0, s.Used
	case raid.Linear, raid.RAID0:
		return s.Chunk, 0
	}
	if s.Chunk > 0 {
		return s.Chunk, s.Used - s.Used%s.Chunk
	}
	return s.Chunk, s.Used
}

// state tells how a device stands to the array as the newest superblock
// describes it. One that is an event behind is current: the power may fail
// between two superblocks (super_1_validate in drivers/md/md.c).
func (d *found) state(newest found) string {
	known, listed := newest.roles[d.number]
	switch {
	case d.role == roleJournal:
		return "journal"
	case d.role == roleFaulty || listed && known == roleFaulty:
		return "faulty"
	case d.role < 0:
		return "spare"
	case d.Events+1 < newest.Events || !listed || known != d.role || d.roles[newest.number] == roleFaulty:
		return "out of date"
	case d.synced < d.size && d.synced < max(d.Used, 1), d.replace:
		return "recovering"
	}
	return "in sync"
}

// member returns the part of the device that the array uses.
func (d *found) member() raid.Member {
	m := raid.Member{
		Name:   d.device.Name,
		Mapper: onDevice{extent.Run{Length: d.size, Source: d.index, Physical: d.data}},
		Reader: io.NewSectionReader(deviceReader{d.device}, d.data, d.size),
		Size:   d.size,
		Synced: min(d.synced, d.size),
		Bad:    d.bad,
		Last:   d.last,
	}
	if d.replace && d.synced < whole {
		m.Synced = min(m.Synced, d.synced)
	}
	return m
}

// onDevice is the mapper of a member: one run.
type onDevice struct{ run extent.Run }

func (o onDevice) Map(int64) (extent.Run, error) { return o.run, nil }

// A deviceReader reads a device, and names it in errors.
type deviceReader struct{ d Device }

func (r deviceReader) ReadAt(p []byte, off int64) (int, error) {
	if err := ondisk.ReadFull(r.d.Reader, p, off); err != nil {
		return 0, failure(err, r.d.Name, off, "reading %d bytes", len(p))
	}
	return len(p), nil
}

// readBitmaps returns the bitmap of the first device that has one which is up
// to date, nil when none has.
func readBitmaps(devices []found, newest found) (*raid.Bitmap, error) {
	for i := range devices {
		d := &devices[i]
		if d.bitmap == 0 || d.state(newest) != "in sync" {
			continue
		}
		b, err := raid.ReadBitmap(deviceReader{d.device}, d.bitmap, newest.Events)
		if b != nil || err != nil && !errors.Is(err, layer.ErrCorrupt) {
			return b, err
		}
	}
	return nil, nil
}

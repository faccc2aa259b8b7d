package ldm

import (
	"cmp"
	"errors"
	"io"
	"slices"

	"github.com/vmdkfs/vmdkfs/layer"
)

// A Disk is a dynamic disk.
type Disk struct {
	Name       string // for errors
	Reader     io.ReaderAt
	Size       int64
	SectorSize int
	// Metadata is where the private header of a GPT disk lies: the last
	// sector of the partition for LDM's metadata. It is 0 for an MBR disk.
	Metadata int64
}

// A Group is a disk group.
type Group struct {
	Name    string // "Disk1Dg0", with the name of the machine before it
	GUID    string // in lower case
	Volumes []*Volume
	// Missing are the names, and in parentheses the GUIDs, of disks that
	// belong to the group and are not there.
	Missing []string
	// Warnings say what is wrong with the group, though it can be read.
	Warnings []error
}

// Open reads the databases of disks, and returns their groups by GUID. The
// error tells of disks whose database cannot be read; the groups of the others
// are returned with it. A disk without a private header is layer.ErrFormat.
func Open(disks []Disk) ([]*Group, error) {
	var errs []error
	byGroup := make(map[string][]*member)
	var order []string
	sources, sizes := make([]io.ReaderAt, len(disks)), make([]int64, len(disks))
	for i, d := range disks {
		sources[i], sizes[i] = d.Reader, d.Size
		m, err := readMember(d, i)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if byGroup[m.group] == nil {
			order = append(order, m.group)
		}
		byGroup[m.group] = append(byGroup[m.group], m)
	}
	slices.Sort(order)
	var groups []*Group
	for _, guid := range order {
		g, err := newGroup(guid, byGroup[guid], sources, sizes)
		if err != nil {
			errs = append(errs, err)
		}
		if g != nil {
			groups = append(groups, g)
		}
	}
	return groups, errors.Join(errs...)
}

// newGroup makes a group of its disks. Each has a copy of the database: the one
// with the last change counts, and of those one that has no change under way.
func newGroup(guid string, members []*member, sources []io.ReaderAt, sizes []int64) (*Group, error) {
	var best *database
	var failures []error
	var from *member
	for _, m := range members {
		d, err := m.readDatabase()
		if err != nil {
			failures = append(failures, err)
			m.stale = true
			continue
		}
		m.seq = d.vmdb.committedSeq()
		if best == nil || cmp.Or(cmp.Compare(m.seq, from.seq), compareBool(d.settled(), best.settled())) > 0 {
			best, from = d, m
		}
	}
	if best == nil {
		return nil, errors.Join(failures...)
	}
	g := &Group{GUID: guid, Name: members[0].groupName, Warnings: failures}
	o, err := best.objects()
	if err != nil {
		return nil, err
	}
	if o.group != "" {
		g.Name = o.group
	}
	if !best.settled() {
		g.Warnings = append(g.Warnings, layer.Errorf(layer.ErrIncomplete, layerName, best.object, best.off,
			"a change to the group was under way (state %d, change %d of %d): it is shown as it was before", best.vmdb.updateStatus(), best.vmdb.committedSeq(), best.vmdb.pendingSeq()))
	}
	b := &builder{objects: o, disks: make(map[uint64]*member), sources: sources, sizes: sizes, sector: uint64(from.SectorSize)}
	for _, m := range members {
		m.stale = m.stale || m.seq < from.seq
		if m.stale {
			g.Warnings = append(g.Warnings, layer.Errorf(layer.ErrIncomplete, layerName, m.Name, noOffset, "its database is older than that of %s: no copies are read from it", from.Name))
		}
		if err := b.place(m); err != nil {
			g.Warnings = append(g.Warnings, err)
		}
	}
	for id, d := range o.disks {
		if b.disks[id] == nil {
			g.Missing = append(g.Missing, d.name+" ("+d.guid+")")
		}
	}
	slices.Sort(g.Missing)
	for _, v := range o.volumes {
		g.Volumes = append(g.Volumes, b.volume(v))
	}
	slices.SortStableFunc(g.Volumes, func(a, b *Volume) int { return cmp.Compare(a.Name, b.Name) })
	return g, nil
}

// compareBool orders false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// place finds out which disk of the group m is. Of two with one GUID, a disk and
// its clone, neither is preferred.
func (b *builder) place(m *member) error {
	for id, d := range b.objects.disks {
		if d.guid != m.guid {
			continue
		}
		if other := b.disks[id]; other != nil {
			return corrupt(m.Name, noOffset, "it has the GUID of %s, which is read", other.Name)
		}
		b.disks[id] = m
		return nil
	}
	return corrupt(m.Name, noOffset, "the group does not know its GUID %s", m.guid)
}

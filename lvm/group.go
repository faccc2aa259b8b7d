package lvm

import (
	"fmt"
	"slices"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
)

const (
	textContents = "Text Format Volume Group"
	textVersion  = 1
)

// A Group is a volume group, as the newest valid copy of its metadata says.
// Callers must not change it.
type Group struct {
	Name       string
	Dir        string   // name of its directory in the FS
	UUID       string   // with dashes
	Seqno      int64    // counts the changes of the metadata
	ExtentSize int64    // of a physical extent, in bytes
	Status     []string // LVM's status and flags: "EXPORTED"
	SystemID   string   // of the host that owns the group; may be empty
	LockType   string   // of a group that hosts share: "sanlock", "dlm"; may be empty
	Tags       []string
	Created    time.Time // the metadata, not the group
	PVs        []PhysicalVolume
	Volumes    []*Volume // hidden ones too, in the order of the metadata
	Historical []HistoricalVolume

	text *metadataText // that it was read from
}

// A HistoricalVolume is a thin volume that was removed, and that LVM keeps a
// record of for the sake of its snapshots.
type HistoricalVolume struct {
	Name    string
	UUID    string // with dashes
	Created time.Time
	Removed time.Time
}

// A PhysicalVolume is a member of a group.
type PhysicalVolume struct {
	Name    string   // in the metadata: "pv0"
	UUID    string   // with dashes
	Device  string   // where the host saw it last: "/dev/sda2"
	Size    int64    // in bytes, as the metadata says
	Start   int64    // of the first physical extent, in bytes of the PV
	Extents int64    // how many physical extents it has
	Status  []string // LVM's status and flags
	Tags    []string
	Missing bool   // no PV with this UUID was given
	PV      string // Name of the PV that was; may be empty

	source int // index of that PV
}

// A metadataText is the parsed text of a metadata area.
type metadataText struct {
	name  string
	vg    *section
	uuid  string
	seqno int64
	made  time.Time

	host, description string // of the command that wrote it
}

// parseMetadata parses a text and reads what tells it from others.
func parseMetadata(text string) (*metadataText, error) {
	root, err := parseText(text)
	if err != nil {
		return nil, err
	}
	d := decode(root)
	if contents := d.text("contents"); d.err == nil && contents != textContents {
		d.fail("contents %q", contents)
	}
	if version := d.count("version"); d.err == nil && version != textVersion {
		return nil, fmt.Errorf("%w %d", errTextVersion, version)
	}
	m := &metadataText{made: d.time("creation_time"), host: d.optionalText("creation_host"), description: d.optionalText("description")}
	for _, e := range root.entries {
		vg, ok := e.value.(*section)
		if !ok {
			continue
		}
		if m.vg != nil {
			d.fail("two groups, %q and %q", m.name, e.key)
		}
		m.name, m.vg = e.key, vg
	}
	if d.err != nil {
		return nil, d.err
	}
	if m.vg == nil || !validName(m.name) {
		return nil, fmt.Errorf("no group, or name %q", m.name)
	}
	d = decode(m.vg)
	m.uuid, m.seqno = d.uuid(), int64(d.count("seqno"))
	if d.err != nil {
		return nil, fmt.Errorf("group %q: %w", m.name, d.err)
	}
	return m, nil
}

// group builds the group that a text describes, on the PVs that are there.
func (m *metadataText) group(set *pvSet) (*Group, error) {
	g := &Group{Name: m.name, UUID: m.uuid, Seqno: m.seqno, Created: m.made, text: m}
	d := decode(m.vg)
	extentSize, ok := ondisk.Mul(d.count("extent_size"), sectorSize)
	if !ok || extentSize == 0 {
		d.fail("extent size of %d sectors", d.count("extent_size"))
	}
	g.ExtentSize = extentSize
	g.Status, g.Tags = append(d.list("status"), d.list("flags")...), d.list("tags")
	g.SystemID, g.LockType = d.optionalText("system_id"), d.optionalText("lock_type")
	if d.err != nil {
		return nil, fmt.Errorf("group %q: %w", m.name, d.err)
	}
	for _, e := range m.vg.sub("physical_volumes").entries {
		pv, err := decodePV(e, set)
		if err == nil && slices.ContainsFunc(g.PVs, func(o PhysicalVolume) bool { return o.UUID == pv.UUID }) {
			err = fmt.Errorf("UUID %s for the second time", pv.UUID)
		}
		if err != nil {
			return nil, fmt.Errorf("group %q: physical volume %q: %w", m.name, e.key, err)
		}
		g.PVs = append(g.PVs, pv)
	}
	g.Historical = decodeHistorical(m.vg.sub("historical_logical_volumes"))
	if err := g.buildVolumes(m.vg.sub("logical_volumes"), set); err != nil {
		return nil, fmt.Errorf("group %q: %w", m.name, err)
	}
	return g, nil
}

// decodeHistorical reads the section historical_logical_volumes. What is wrong
// there costs no data: it is left out.
func decodeHistorical(list *section) []HistoricalVolume {
	var volumes []HistoricalVolume
	for _, e := range list.entries {
		if s, ok := e.value.(*section); ok {
			d := decode(s)
			v := HistoricalVolume{e.key, d.uuid(), d.time("creation_time"), d.time("removal_time")}
			if d.err == nil {
				volumes = append(volumes, v)
			}
		}
	}
	return volumes
}

// decodePV reads a section of physical_volumes.
func decodePV(e entry, set *pvSet) (PhysicalVolume, error) {
	s, ok := e.value.(*section)
	if !ok {
		return PhysicalVolume{}, fmt.Errorf("is no section")
	}
	d := decode(s)
	size, fits := ondisk.Mul(d.optionalCount("dev_size"), sectorSize)
	start, fits2 := ondisk.Mul(d.count("pe_start"), sectorSize)
	if !fits || !fits2 {
		d.fail("a size overflows")
	}
	pv := PhysicalVolume{
		Name:    e.key,
		UUID:    d.uuid(),
		Device:  d.optionalText("device"),
		Size:    size,
		Start:   start,
		Extents: int64(d.count("pe_count")),
		Status:  append(d.list("status"), d.list("flags")...),
		Tags:    d.list("tags"),
		Missing: true,
	}
	if i, ok := set.byUUID[pv.UUID]; ok {
		pv.Missing, pv.PV, pv.source = false, set.pvs[i].Name, i
	}
	return pv, d.err
}

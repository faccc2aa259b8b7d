package lvm

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A Version is a copy of a group's metadata, the one in force or an older one.
// LVM writes each text behind the one before, so that older ones stay until
// the area, which is a ring, has gone round.
type Version struct {
	Group       string // name, as of then
	UUID        string // of the group, with dashes
	Seqno       int64  // for WithSequence
	Created     time.Time
	Host        string // that wrote it
	Description string // of the command that was about to be run, or had been
	PV          string // Name of the PV that it is on, one of several perhaps
	Current     bool   // this is the copy that the group is read by
	// Differs lists the volumes, hidden ones too, that are not described as
	// the version in use describes them, or are in one of the two only.
	Differs []string
}

// maxHistory bounds the area that older copies are looked for in. It holds the
// largest text, and every area that LVM makes by itself (1 MiB) many times over.
const maxHistory = maxText + areaHeaderSize

// History returns the copies of the metadata that are whole, of all groups,
// those of a group together and the newest first. Copies of one version on
// several PVs are listed once. It reads the metadata areas as a whole.
//
// Older copies have no checksum; those are listed that read as metadata from
// their first byte to their last. The error, if it is one, is that of an area
// which cannot be read; the versions in others are returned all the same.
func (f *FS) History() ([]Version, error) {
	inUse := make(map[string][]*metadataText) // by group: several where a disk and its clone are there
	for _, g := range f.groups {
		inUse[g.UUID] = append(inUse[g.UUID], g.text)
	}
	var list []Version
	var first error
	seen := make(map[string]bool)
	for i, label := range f.set.labels {
		if label == nil {
			continue
		}
		for _, area := range label.MetadataAreas {
			texts, err := ringTexts(f.set.pvs[i], area)
			if err != nil && first == nil {
				first = err
			}
			for _, m := range texts {
				used := inUse[m.uuid]
				if seen[m.uuid+m.vg.raw] || used == nil {
					continue
				}
				seen[m.uuid+m.vg.raw] = true
				list = append(list, Version{
					Group: m.name, UUID: m.uuid, Seqno: m.seqno, Created: m.made, Host: m.host, Description: m.description,
					PV:      f.set.pvs[i].Name,
					Current: slices.ContainsFunc(used, func(u *metadataText) bool { return u.vg.raw == m.vg.raw }),
					Differs: m.differs(used[0]),
				})
			}
		}
	}
	slices.SortStableFunc(list, func(a, b Version) int {
		return cmp.Or(strings.Compare(a.Group, b.Group), strings.Compare(a.UUID, b.UUID), cmp.Compare(b.Seqno, a.Seqno))
	})
	return list, first
}

// differs returns the names of the volumes that two texts do not describe
// alike.
func (m *metadataText) differs(other *metadataText) []string {
	volumes := make(map[string]string)
	for _, e := range other.vg.sub("logical_volumes").entries {
		if s, ok := e.value.(*section); ok {
			volumes[e.key] = s.raw
		}
	}
	var names []string
	for _, e := range m.vg.sub("logical_volumes").entries {
		if s, ok := e.value.(*section); ok {
			if raw, exists := volumes[e.key]; !exists || raw != s.raw {
				names = append(names, e.key)
			}
			delete(volumes, e.key)
		}
	}
	for name := range volumes {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// ringTexts returns the metadata texts in an area of pv. A text begins in a
// sector of its own, with the name of the group, and a NUL ends it.
func ringTexts(pv PV, area Area) ([]*metadataText, error) {
	if area.Size < areaHeaderSize || !ondisk.Within(area.Offset, area.Size, pv.Size) {
		return nil, failure(layer.ErrIncomplete, pv.Name, area.Offset, "metadata area of %d bytes goes beyond the %d of the PV", area.Size, pv.Size)
	}
	if area.Size > maxHistory {
		return nil, failure(layer.ErrUnsupported, pv.Name, area.Offset, "older copies in a metadata area of %d bytes, more than %d", area.Size, maxHistory)
	}
	data, err := ondisk.Read(pv.Reader, area.Offset+areaHeaderSize, area.Size-areaHeaderSize)
	if err != nil {
		return nil, failure(err, pv.Name, area.Offset, "reading the metadata area")
	}
	var list []*metadataText
	for start := 0; start+sectorSize <= len(data); start += sectorSize {
		if !beginsText(data[start:]) {
			continue
		}
		text, _, whole := bytes.Cut(data[start:], []byte{0})
		if !whole { // goes round the end of the ring
			var rest []byte
			if rest, _, whole = bytes.Cut(data[:start], []byte{0}); !whole {
				continue
			}
			text = slices.Concat(text, rest)
		}
		if m, err := parseMetadata(string(text)); err == nil { // else its end was written over
			list = append(list, m)
		}
	}
	return list, nil
}

// beginsText reports whether a sector begins as a metadata text does: the name
// of a group, and its section.
func beginsText(sector []byte) bool {
	line, _, ok := bytes.Cut(sector[:sectorSize], []byte(" {\n"))
	return ok && validName(string(line))
}

// version returns the sequence number that was asked for of the group that
// copies are of.
func (s *pvSet) version(copies []metadataCopy) (int64, bool) {
	if n, ok := s.versions[copies[0].uuid]; ok {
		return n, true
	}
	n, ok := s.versions[copies[0].name]
	return n, ok
}

// older returns a group as an older copy on the family's PVs describes it.
func (s *pvSet) older(f family, c metadataCopy, seqno int64) (*Group, error) {
	for _, i := range f {
		for _, area := range s.labels[i].MetadataAreas {
			texts, err := ringTexts(s.pvs[i], area)
			if err != nil {
				s.damaged(err)
				continue
			}
			for _, m := range texts {
				if m.uuid != c.uuid || m.seqno != seqno {
					continue
				}
				g, err := m.group(s)
				if err != nil {
					return nil, failure(layer.ErrCorrupt, s.pvs[i].Name, area.Offset, "metadata of change %d: %v", seqno, err)
				}
				s.notice(nil, i, area.Offset, "group %q is shown as of change %d, of %s", m.name, seqno, m.made.Format(time.RFC3339))
				return g, nil
			}
		}
	}
	return nil, failure(layer.ErrIncomplete, c.name, -1, "no copy of the metadata has change %d", seqno)
}

package lvm

import (
	"cmp"
	"errors"
	"slices"

	"github.com/vmdkfs/vmdkfs/layer"
)

// errTextVersion marks a text that a later LVM has written.
var errTextVersion = errors.New("metadata text format version")

// A metadataCopy is the text of one metadata area.
type metadataCopy struct {
	*metadataText
	pv     int   // index of the PV
	offset int64 // of the area in it
}

// A pvSet is the PVs that are there, and what was found out of order on them.
type pvSet struct {
	pvs      []PV
	labels   []*Label       // by index; nil where there is none
	byUUID   map[string]int // index of the PV
	copies   []metadataCopy
	parsed   map[string]*metadataText // by text: most copies are equal
	damage   []error                  // what could not be read
	warnings []error                  // damage included, in the order of its finding
}

// damaged records what could not be read.
func (s *pvSet) damaged(err error) {
	s.damage = append(s.damage, err)
	s.warnings = append(s.warnings, err)
}

// notice records what a user should know and is no damage.
func (s *pvSet) notice(kind error, pv int, offset int64, format string, args ...any) {
	s.warnings = append(s.warnings, failure(kind, s.pvs[pv].Name, offset, format, args...))
}

// readCopies reads the metadata areas of PV i.
func (s *pvSet) readCopies(i int) {
	for _, area := range s.labels[i].MetadataAreas {
		text, ignored, err := readText(s.pvs[i], area)
		switch {
		case err != nil:
			s.damaged(err)
			continue
		case ignored:
			s.notice(nil, i, area.Offset, "metadata area is set to be ignored")
			continue
		case text == nil:
			continue
		}
		m := s.parsed[string(text)]
		if m == nil {
			if m, err = parseMetadata(string(text)); err != nil {
				kind := layer.ErrCorrupt
				if errors.Is(err, errTextVersion) {
					kind = layer.ErrUnsupported
				}
				s.damaged(failure(kind, s.pvs[i].Name, area.Offset, "metadata: %v", err))
				continue
			}
			s.parsed[string(text)] = m
		}
		s.copies = append(s.copies, metadataCopy{m, i, area.Offset})
	}
}

// groups returns the group of every UUID that the copies tell of, as the
// newest copy that holds together describes it.
func (s *pvSet) groups() []*Group {
	var order []string
	byUUID := make(map[string][]metadataCopy)
	for _, c := range s.copies {
		if byUUID[c.uuid] == nil {
			order = append(order, c.uuid)
		}
		byUUID[c.uuid] = append(byUUID[c.uuid], c)
	}
	var groups []*Group
	for _, uuid := range order {
		if g := s.newest(byUUID[uuid]); g != nil {
			groups = append(groups, g)
		}
	}
	return groups
}

// newest returns the group as the copy of the highest sequence number
// describes it, or the next one where that makes no sense. Of copies with
// equal numbers the first counts.
func (s *pvSet) newest(copies []metadataCopy) *Group {
	slices.SortStableFunc(copies, func(a, b metadataCopy) int { return cmp.Compare(b.seqno, a.seqno) })
	var group *Group
	var from metadataCopy
	for _, c := range copies {
		switch {
		case group == nil:
			g, err := c.group(s)
			if err != nil {
				s.damaged(failure(layer.ErrCorrupt, s.pvs[c.pv].Name, c.offset, "metadata: %v", err))
				continue
			}
			group, from = g, c
		case c.seqno < from.seqno:
			s.notice(nil, c.pv, c.offset, "metadata of group %q, change %d, is out of date: %s has change %d",
				c.name, c.seqno, s.pvs[from.pv].Name, from.seqno)
		case c.vg.raw != from.vg.raw:
			s.notice(layer.ErrCorrupt, c.pv, c.offset, "metadata of group %q differs from that on %s, which has change %d as well and is used",
				c.name, s.pvs[from.pv].Name, from.seqno)
		}
	}
	return group
}

// flagged records the PVs that are there and that their group counts as
// missing, since it was once changed without them. What lies on them may be
// out of date.
func (s *pvSet) flagged(groups []*Group) {
	for _, g := range groups {
		for _, pv := range g.PVs {
			if !pv.Missing && slices.Contains(pv.Status, "MISSING") {
				s.notice(nil, pv.source, -1, "group %q counts PV %s as missing: it may be out of date", g.Name, pv.UUID)
			}
		}
	}
}

// unclaimed records the PVs that no group names.
func (s *pvSet) unclaimed(groups []*Group) {
	claimed := make(map[string]bool)
	for _, g := range groups {
		for _, pv := range g.PVs {
			claimed[pv.UUID] = true
		}
	}
	for i, label := range s.labels {
		switch {
		case label == nil || claimed[label.UUID]:
		case label.Used:
			s.notice(layer.ErrIncomplete, i, label.Offset, "PV %s belongs to a group whose metadata is not there", label.UUID)
		default:
			s.notice(nil, i, label.Offset, "PV %s belongs to no group", label.UUID)
		}
	}
}

package lvm

import (
	"cmp"
	"errors"
	"io"
	"maps"
	"slices"

	"github.com/vmdkfs/vmdkfs/internal/cache"
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
	options
	pvs      []PV
	sources  []io.ReaderAt  // pvs, as the volumes read them
	labels   []*Label       // by index; nil where there is none
	byUUID   map[string]int // index of the PV, of those in the family that is being read
	copies   []metadataCopy
	parsed   map[string]*metadataText // by text: most copies are equal
	damage   []error                  // what could not be read
	warnings []error                  // damage included, in the order of its finding

	blocks       *cache.Cache // over blockVolumes; nil as long as none are needed
	blockVolumes *blockVolumes
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

// notify records what a user should know of a volume.
func (s *pvSet) notify(kind error, object, format string, args ...any) {
	s.warnings = append(s.warnings, failure(kind, object, -1, format, args...))
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

// groups returns the groups of all families.
func (s *pvSet) groups() ([]*Group, error) {
	var groups []*Group
	for _, f := range s.families() {
		s.byUUID = make(map[string]int)
		for _, i := range f {
			s.byUUID[s.labels[i].UUID] = i
		}
		list, err := s.familyGroups(f)
		if err != nil {
			return nil, err
		}
		groups = append(groups, list...)
	}
	for _, name := range slices.Sorted(maps.Keys(s.versions)) {
		if !slices.ContainsFunc(groups, func(g *Group) bool { return g.UUID == name || g.Name == name }) {
			return nil, failure(layer.ErrIncomplete, name, -1, "no such group, of which change %d is asked for", s.versions[name])
		}
	}
	return groups, nil
}

// familyGroups returns the group of every UUID that the copies on a family's
// PVs tell of, as the newest copy that holds together describes it, or the one
// that was asked for.
func (s *pvSet) familyGroups(f family) ([]*Group, error) {
	var order []string
	byUUID := make(map[string][]metadataCopy)
	for _, c := range s.copies {
		if !slices.Contains(f, c.pv) {
			continue
		}
		if byUUID[c.uuid] == nil {
			order = append(order, c.uuid)
		}
		byUUID[c.uuid] = append(byUUID[c.uuid], c)
	}
	var groups []*Group
	for _, uuid := range order {
		copies := byUUID[uuid]
		if seqno, ok := s.version(copies); ok {
			g, err := s.older(f, copies[0], seqno)
			if err != nil {
				return nil, err
			}
			groups = append(groups, g)
		} else if g := s.newest(copies); g != nil {
			groups = append(groups, g)
		}
	}
	return groups, nil
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

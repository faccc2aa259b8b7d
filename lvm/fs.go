package lvm

import (
	"errors"
	"io"
	"slices"

	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A PV is a physical volume: a disk, a partition or what else carries an LVM2
// label.
type PV struct {
	Name   string // what errors call it
	Reader io.ReaderAt
	Size   int64 // in bytes
}

// An FS is the groups on a set of PVs as a file system: a directory for each
// group, in it a file for each visible volume. A file is a [layer.File], whose
// extents name PVs by their place in the slice that [Open] was given.
// FileInfo.Sys returns a *[Group] for a directory, a *[Volume] for a file.
//
// An FS may be used from any number of goroutines.
type FS struct {
	*vnode.FS
	groups   []*Group
	warnings []error
}

// Open returns the groups on pvs, which stay the caller's own and must remain
// readable. Their order does not matter.
//
// The error is [layer.ErrFormat] when none of pvs carries a label, and
// [layer.ErrCorrupt] when two of them carry the same PV UUID, as a disk and
// its clone do, or when no copy of any metadata is valid. What is wrong with a
// part of the set only is told by [FS.Warnings], and by Volume.Err where it
// keeps a volume from being read.
func Open(pvs []PV) (*FS, error) {
	set := &pvSet{
		pvs:    slices.Clone(pvs),
		labels: make([]*Label, len(pvs)),
		byUUID: make(map[string]int),
		parsed: make(map[string]*metadataText),
	}
	if err := set.readLabels(); err != nil {
		return nil, err
	}
	for i, label := range set.labels {
		if label != nil {
			set.readCopies(i)
		}
	}
	groups := set.groups()
	if len(groups) == 0 && len(set.damage) > 0 {
		return nil, set.damage[0]
	}
	set.unclaimed(groups)
	set.flagged(groups)
	nameDirs(groups)
	return &FS{vnode.New(newRoot(groups, set.sources())), groups, set.warnings}, nil
}

// Groups returns the groups, in the order in which their metadata was found.
func (f *FS) Groups() []*Group { return slices.Clone(f.groups) }

// Warnings returns what is out of order and did not keep Open from going on: a
// copy of the metadata that is damaged, ignored or out of date, a PV in no
// group, or shorter than its label says. An error without a kind is a notice.
func (f *FS) Warnings() []error { return slices.Clone(f.warnings) }

// readLabels reads the labels of all PVs.
func (s *pvSet) readLabels() error {
	var first error
	for i, pv := range s.pvs {
		label, err := readLabel(pv)
		if err != nil {
			if first == nil || errors.Is(first, layer.ErrFormat) {
				first = err
			}
			if errors.Is(err, layer.ErrFormat) {
				s.warnings = append(s.warnings, err)
			} else {
				s.damaged(err)
			}
			continue
		}
		if other, ok := s.byUUID[label.UUID]; ok {
			return failure(layer.ErrCorrupt, pv.Name, label.Offset, "PV UUID %s is that of %s as well: open a disk and its clone apart",
				label.UUID, s.pvs[other].Name)
		}
		if pv.Size < label.Size {
			s.notice(layer.ErrIncomplete, i, -1, "PV has %d bytes, its label says %d", pv.Size, label.Size)
		}
		s.labels[i], s.byUUID[label.UUID] = label, i
	}
	switch {
	case len(s.byUUID) > 0:
		return nil
	case first == nil:
		return failure(layer.ErrFormat, "", -1, "no physical volumes")
	}
	return first
}

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
	// Disk names the disk that it is on, where that is known: it tells the
	// PVs of a disk from those of its clone. It may be empty.
	Disk string
}

// An FS is the groups on a set of PVs as a file system: a directory for each
// group, in it a file for each visible volume. A file is a [layer.File], whose
// extents name PVs by their place in the slice that [Open] was given.
// FileInfo.Sys returns a *[Group] for a directory, a *[Volume] for a file.
//
// An FS may be used from any number of goroutines.
type FS struct {
	*vnode.FS
	groups []*Group
	set    *pvSet
}

// Open returns the groups on pvs, which stay the caller's own and must remain
// readable. Their order does not matter, unless a disk and its clone are both
// there and nothing else tells which PVs belong together.
//
// The error is [layer.ErrFormat] when none of pvs carries a label, and
// [layer.ErrCorrupt] when no copy of any metadata is valid. What is wrong with
// a part of the set only is told by [FS.Warnings], and by Volume.Err where it
// keeps a volume from being read.
func Open(pvs []PV, opts ...Option) (*FS, error) {
	set := &pvSet{
		pvs:    slices.Clone(pvs),
		labels: make([]*Label, len(pvs)),
		parsed: make(map[string]*metadataText),
	}
	for _, option := range opts {
		option(&set.options)
	}
	for _, pv := range pvs {
		set.sources = append(set.sources, pvReader{pv})
	}
	if err := set.readLabels(); err != nil {
		return nil, err
	}
	for i, label := range set.labels {
		if label != nil {
			set.readCopies(i)
		}
	}
	groups, err := set.groups()
	if err != nil {
		return nil, err
	}
	if len(groups) == 0 && len(set.damage) > 0 {
		return nil, set.damage[0]
	}
	set.unclaimed(groups)
	set.flagged(groups)
	nameDirs(groups)
	return &FS{vnode.New(newRoot(groups, set.sources, false)), groups, set}, nil
}

// Groups returns the groups, in the order in which their metadata was found.
func (f *FS) Groups() []*Group { return slices.Clone(f.groups) }

// Warnings returns what is out of order and did not keep Open from going on: a
// copy of the metadata that is damaged, ignored or out of date, a PV in no
// group, or shorter than its label says. An error without a kind is a notice.
func (f *FS) Warnings() []error { return slices.Clone(f.set.warnings) }

// readLabels reads the labels of all PVs.
func (s *pvSet) readLabels() error {
	var first error
	found := false
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
		if pv.Size < label.Size {
			s.notice(layer.ErrIncomplete, i, -1, "PV has %d bytes, its label says %d", pv.Size, label.Size)
		}
		s.labels[i], found = label, true
	}
	switch {
	case found:
		return nil
	case first == nil:
		return failure(layer.ErrFormat, "", -1, "no physical volumes")
	}
	return first
}

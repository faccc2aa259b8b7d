package lvm

import (
	"fmt"
	"math"

	"github.com/vmdkfs/vmdkfs/internal/raid"
	"github.com/vmdkfs/vmdkfs/layer"
)

// judge decides which legs are in sync, as the raid target does when it is
// activated (super_load, super_validate and super_init_validation in
// drivers/md/dm-raid.c). The superblock with the most events counts: legs that
// it calls failed have missed what was written since. Of others their own
// superblock says how far they have been recovered. A leg without a superblock
// is new, unless all are: then the raid was never activated.
func (t *raidText) judge() error {
	newest := t.newest()
	if newest == nil {
		return t.withoutSuper()
	}
	if err := t.agrees(newest); err != nil {
		return err
	}
	for i := range t.legs {
		leg := &t.legs[i]
		if leg.meta == "" {
			continue
		}
		if leg.super == nil || newest.failed(i) {
			leg.member.Synced = 0
		} else {
			leg.member.Synced = min(leg.member.Synced, leg.super.synced())
		}
		if leg.super != nil && leg.member.Synced > 0 && leg.super.dataOffset() != newest.dataOffset() {
			return fmt.Errorf("leg %q whose data begins at sector %d, that of others at %d: %w", leg.image, leg.super.dataOffset(), newest.dataOffset(), layer.ErrUnsupported)
		}
	}
	return nil
}

// newest returns the superblock with the most events, nil when there is none.
func (t *raidText) newest() *rmeta {
	var newest *rmeta
	for i := range t.legs {
		if s := t.legs[i].super; s != nil && (newest == nil || s.events() > newest.events()) {
			newest = s
		}
	}
	return newest
}

// degraded tells of the legs that are not read, or not everywhere.
func (b *builder) degraded(s *segmentText, t *raidText) {
	for i := range t.legs {
		switch m := &t.legs[i].member; {
		case t.level == raid.RAID0:
		case m.Mapper == nil:
			b.set.notify(nil, b.current.object(), "%s: %s without leg %d: %s", s.key, s.Type, i, m.Name)
		case m.Synced < m.Size:
			b.set.notify(nil, b.current.object(), "%s: %s with leg %d, %q, not in sync", s.key, s.Type, i, m.Name)
		}
	}
}

// withoutSuper judges legs of which none has a superblock that can be read.
func (t *raidText) withoutSuper() error {
	if t.level == raid.RAID0 {
		return nil // its superblocks, if it has any, say nothing of it
	}
	for i := range t.legs {
		switch leg := &t.legs[i]; {
		case leg.damage != nil:
			return leg.damage
		case leg.member.Mapper == nil:
			return fmt.Errorf("no superblock is there to tell whether the legs beside %s are in sync: %w", leg.member.Name, layer.ErrIncomplete)
		}
	}
	return nil
}

// agrees compares what a superblock says of the array with the segment: a
// conversion that LVM has not finished would be misread.
func (t *raidText) agrees(s *rmeta) error {
	layout := uint32(t.layout)
	if t.level == raid.RAID0 || t.level == raid.RAID1 {
		layout = s.layout()
	}
	if s.level() != int32(t.level) || s.layout() != layout || int64(s.stripeSectors())*sectorSize != t.chunk && t.level != raid.RAID1 {
		return fmt.Errorf("superblock of level %d, layout %#x, stripes of %d sectors: %w", s.level(), s.layout(), s.stripeSectors(), layer.ErrUnsupported)
	}
	return nil
}

// consistent returns what tells whether parity is right: up to where the array
// has been synchronised. Nil is everywhere.
func (t *raidText) consistent() func(off, n int64) bool {
	synced := int64(0)
	for i := range t.legs {
		s := t.legs[i].super
		if s == nil || t.legs[i].member.Synced == 0 {
			continue
		}
		if sectors := s.arrayResyncOffset(); sectors <= math.MaxInt64/sectorSize {
			synced = max(synced, int64(sectors)*sectorSize)
		} else {
			return nil
		}
	}
	return func(off, n int64) bool { return off+n <= synced }
}

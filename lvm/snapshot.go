package lvm

import (
	"strings"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A snapshotText is a segment of type snapshot. It lies in a volume of its own
// that LVM never shows, and says of two others what they show (lib/snapshot/
// snapshot.c): the volume with the changed blocks, an exception store, shows
// the snapshot, and while the snapshot is merged into its origin, the origin
// shows it.
type snapshotText struct {
	segment       *segmentText
	origin, store string
}

// overlay looks at a segment that says of other volumes what they show.
func (b *builder) overlay(holder *volumeText, s *segmentText) {
	if s.Type != "snapshot" {
		return
	}
	holder.Visible = false
	d := decode(s.text)
	t := snapshotText{segment: s, origin: d.optionalText("origin")}
	origin := b.volumes[t.origin]
	if cow := b.volumes[d.optionalText("cow_store")]; cow != nil {
		// lv_is_visible in lib/metadata/lv.c. A virtual origin is itself hidden; its name is reserved.
		cow.Visible = cow.Visible || origin != nil && (origin.Visible || strings.HasSuffix(origin.Name, "_vorigin"))
		t.store = cow.Name
		if b.shows(cow, t); origin != nil && !strings.HasSuffix(t.origin, "_vorigin") {
			cow.Origin = t.origin
		}
		cow.Size = holder.Size
	}
	if cow := b.volumes[d.optionalText("merging_store")]; cow != nil {
		cow.Visible = false
		if t.store = cow.Name; origin != nil {
			origin.Merging = cow.Name
			b.shows(origin, t)
		}
	}
}

// shows records what a volume shows. Two snapshots in one volume are nothing
// that LVM makes.
func (b *builder) shows(v *volumeText, t snapshotText) {
	if v.snapshot != nil && v.Err == nil {
		v.Err = failure(layer.ErrCorrupt, v.object(), -1, "is named by %s and %s, both snapshots", v.snapshot.segment.key, t.segment.key)
	}
	v.snapshot = &t
}

// shown returns what the current volume shows, whose own layout is l.
func (b *builder) shown(v *volumeText, l *layout) (*layout, error) {
	t := v.snapshot
	if t == nil {
		return l, nil
	}
	x := &overlaid{origin: l, cache: l}
	var size int64 // of the origin
	if v.Name == t.store {
		o, err := b.lower(t.segment, t.origin)
		if err != nil {
			return nil, err
		}
		if o.snapshot != nil && o.snapshot.store == o.Name {
			return nil, failure(layer.ErrCorrupt, v.object(), -1, "snapshot of %q, which is one", o.Name)
		}
		x.origin, size = o.base, o.base.size()
	} else {
		o, err := b.lower(t.segment, t.store)
		if err != nil {
			return nil, err
		}
		x.cache, size = o.base, l.size()
	}
	if v.Size > size {
		return nil, failure(layer.ErrCorrupt, v.object(), -1, "snapshot of %d bytes, of an origin of %d", v.Size, size)
	}
	stored := x.cache.size()
	store, err := openStore(extent.NewReader(x.cache, stored, b.set.sources...), stored)
	if err != nil {
		return nil, failure(err, v.object(), -1, "snapshot in %q", t.store)
	}
	x.size, x.load = store.chunk, store.exceptions // they are read when they are first needed: stores are large
	return &layout{object: v.object(), parts: []part{{0, v.Size, x}}, hollow: x.origin.hollow}, nil
}

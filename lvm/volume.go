package lvm

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A Volume is a logical volume. Callers must not change it.
type Volume struct {
	Name     string
	UUID     string   // with dashes
	Size     int64    // in bytes; of a snapshot what it shows, not its store
	Visible  bool     // false for the parts that LVM makes others of; these have no file, and neither have pools
	Status   []string // LVM's status and flags
	Tags     []string
	Created  time.Time // zero where it is not recorded
	Origin   string    // Name of the volume that it is a snapshot of, or the external origin of a thin volume; may be empty
	Merging  string    // Name of the snapshot that the volume is becoming, whose bytes it has already; may be empty
	Pool     string    // Name of the pool that a thin volume takes its space from; may be empty
	Segments []Segment // in order, without a gap; fewer when Err tells why
	Err      error     // why the volume cannot be opened; nil when it can

	group  *Group
	layout *layout // where the bytes lie; nil when Err is not
}

// has reports whether the volume has a flag.
func (v *Volume) has(flag string) bool { return slices.Contains(v.Status, flag) }

// pool reports whether other volumes take their space from this one, which
// shows no bytes of its own.
func (v *Volume) pool() bool {
	return len(v.Segments) > 0 && slices.Contains([]string{"thin-pool", "cache-pool", "vdo-pool"}, v.Segments[0].Type)
}

// object names the volume in errors.
func (v *Volume) object() string { return v.group.Name + "/" + v.Name }

// buildVolumes reads the section logical_volumes. What is wrong with one
// volume is that volume's Err; an error means that their very list is
// unsound.
func (g *Group) buildVolumes(list *section, set *pvSet) error {
	b := &builder{
		group:   g,
		set:     set,
		pvs:     make(map[string]*PhysicalVolume),
		volumes: make(map[string]*volumeText),
		pools:   make(map[string]*thinPool),
		merges:  make(map[string]*segmentText),
	}
	for i := range g.PVs {
		b.pvs[g.PVs[i].Name] = &g.PVs[i]
	}
	for _, e := range list.entries {
		s, ok := e.value.(*section)
		if !ok || !validName(e.key) || b.pvs[e.key] != nil {
			return fmt.Errorf("%q cannot be a logical volume", e.key)
		}
		v := &Volume{Name: e.key, group: g}
		t := &volumeText{Volume: v}
		if err := t.decode(s, g.ExtentSize); err != nil {
			v.Err = failure(layer.ErrCorrupt, v.object(), -1, "%v", err)
		}
		g.Volumes = append(g.Volumes, v)
		b.volumes[v.Name] = t
		b.order = append(b.order, t)
	}
	b.build()
	return nil
}

// A volumeText is a volume that is being built.
type volumeText struct {
	*Volume
	segments []segmentText
	state    buildState
	height   int           // how many volumes lie on each other up to this one, itself included
	snapshot *snapshotText // what it shows in place of its own bytes; nil for these
	base     *layout       // of its own bytes
}

// decode reads the section of a volume and of its segments.
func (v *volumeText) decode(s *section, extentSize int64) error {
	d := decode(s)
	v.UUID = d.uuid()
	v.Status, v.Tags, v.Created = append(d.list("status"), d.list("flags")...), d.list("tags"), d.time("creation_time")
	v.Visible = slices.Contains(v.Status, "VISIBLE")
	count := d.count("segment_count")
	for _, e := range s.entries {
		if sub, ok := e.value.(*section); ok {
			t, err := decodeSegment(e.key, sub, extentSize)
			if err != nil {
				d.fail("%s: %w", e.key, err)
			}
			v.segments = append(v.segments, t) // what it says of other volumes counts all the same
		}
	}
	if d.err != nil {
		return d.err
	}
	if uint64(len(v.segments)) != count || count == 0 {
		return fmt.Errorf("%d segments, of which %d are there", count, len(v.segments))
	}
	slices.SortStableFunc(v.segments, func(a, b segmentText) int { return cmp.Compare(a.Start, b.Start) })
	for _, t := range v.segments {
		if t.Start != v.Size {
			return fmt.Errorf("%s begins at byte %d, the one before ends at %d", t.key, t.Start, v.Size)
		}
		if t.Length > math.MaxInt64-v.Size {
			return fmt.Errorf("%s makes the volume too large", t.key)
		}
		v.Size += t.Length
	}
	return nil
}

// harmlessFlags are the flags of a segment type that change nothing about where
// its bytes lie: what they say is read from the entries themselves.
var harmlessFlags = []string{"METADATA_FORMAT", "CROP_METADATA", "CACHE_USES_CACHEVOL", "RESHAPE", "RESHAPE_DATA_OFFSET"}

// segmentType returns a type of segment without its flags, which LVM appends
// so that an LVM that does not know them leaves the volume alone: "cache-pool+
// METADATA_FORMAT" (SEGTYPE_FLAG in lib/format_text/flags.c). With a flag that
// is not known it stays as it is, and no type that can be read.
func segmentType(s string) string {
	name, flags, _ := strings.Cut(s, "+")
	for flag := range strings.SplitSeq(flags, "+") {
		if flag != "" && !slices.Contains(harmlessFlags, flag) {
			return s
		}
	}
	return name
}

// decodeSegment reads what all types of segment have.
func decodeSegment(key string, s *section, extentSize int64) (segmentText, error) {
	d := decode(s)
	t := segmentText{key: key, text: s}
	t.Type = segmentType(d.text("type"))
	t.extents = d.count("extent_count")
	if raid, ok := raidTypes[t.Type]; ok {
		t.extents -= raid.reshapeExtents(d, t.extents)
	}
	start, ok := ondisk.Mul(d.count("start_extent"), uint64(extentSize))
	length, ok2 := ondisk.Mul(t.extents, uint64(extentSize))
	if d.err == nil && (!ok || !ok2 || length == 0) {
		d.fail("%d extents from %d", t.extents, d.count("start_extent"))
	}
	t.Start, t.Length = start, length
	return t, d.err
}

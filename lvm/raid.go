package lvm

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/internal/raid"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A raidType is a type of segment as device-mapper's raid target has it
// (raid_types in drivers/md/dm-raid.c).
type raidType struct {
	level  raid.Level
	layout raid.Layout
	parity uint64 // members of a row that hold no data
}

var raidTypes = map[string]raidType{
	"raid0":       {raid.RAID0, raid.RAID0Alternate, 0},
	"raid0_meta":  {raid.RAID0, raid.RAID0Alternate, 0},
	"raid1":       {raid.RAID1, 0, 0},
	"raid4":       {raid.RAID5, raid.ParityFirst, 1},
	"raid5":       {raid.RAID5, raid.LeftSymmetric, 1},
	"raid5_la":    {raid.RAID5, raid.LeftAsymmetric, 1},
	"raid5_ra":    {raid.RAID5, raid.RightAsymmetric, 1},
	"raid5_ls":    {raid.RAID5, raid.LeftSymmetric, 1},
	"raid5_rs":    {raid.RAID5, raid.RightSymmetric, 1},
	"raid5_0":     {raid.RAID5, raid.ParityFirst, 1},
	"raid5_n":     {raid.RAID5, raid.ParityLast, 1},
	"raid6":       {raid.RAID6, raid.RotatingZeroRestart, 2},
	"raid6_zr":    {raid.RAID6, raid.RotatingZeroRestart, 2},
	"raid6_nr":    {raid.RAID6, raid.RotatingNRestart, 2},
	"raid6_nc":    {raid.RAID6, raid.RotatingNContinue, 2},
	"raid6_la_6":  {raid.RAID6, raid.LeftAsymmetric6, 2},
	"raid6_ra_6":  {raid.RAID6, raid.RightAsymmetric6, 2},
	"raid6_ls_6":  {raid.RAID6, raid.LeftSymmetric6, 2},
	"raid6_rs_6":  {raid.RAID6, raid.RightSymmetric6, 2},
	"raid6_0_6":   {raid.RAID6, raid.ParityFirst6, 2},
	"raid6_n_6":   {raid.RAID6, raid.ParityLast, 2},
	"raid10":      {raid.RAID10, 0, 0},
	"raid10_near": {raid.RAID10, 0, 0},
}

// A raidText is what a raid segment says of itself.
type raidText struct {
	raidType
	chunk  int64 // bytes
	legs   []raidLeg
	rows   uint64 // extents of each leg
	copies uint64
	offset uint64 // extent of each leg that its data begins at
	spare  uint64 // extents of each leg that data does not need
}

// A raidLeg is a part of a raid, with the volume of its superblock where it
// has one.
type raidLeg struct {
	image, meta string
	member      raid.Member
	super       *rmeta
	damage      error // why there is none
}

// raid returns what maps a raid segment: device_count or stripe_count,
// stripe_size, and raids, the names of the legs' volumes, each behind the one
// with its superblock (lib/raid/raid.c).
func (b *builder) raid(s *segmentText) (extent.Mapper, error) {
	fail := func(err error) (extent.Mapper, error) {
		return nil, failure(err, b.current.object(), -1, "%s: %s", s.key, s.Type)
	}
	if s.Start != 0 {
		return nil, failure(layer.ErrUnsupported, b.current.object(), -1, "%s: %s behind another segment", s.key, s.Type)
	}
	t, err := s.raidText()
	if err != nil {
		return nil, failure(layer.ErrCorrupt, b.current.object(), -1, "%s: %v", s.key, err)
	}
	s.StripeSize = t.chunk
	for i := range t.legs {
		if err := b.superblock(s, t, i); err != nil {
			return nil, err
		}
	}
	if err := t.place(b.group.ExtentSize); err != nil {
		return fail(err)
	}
	for i := range t.legs {
		var stripe Stripe
		err := b.leg(s, t, i, &stripe)
		s.Stripes = append(s.Stripes, stripe)
		if err != nil {
			return nil, err
		}
	}
	config := raid.Config{Level: t.level, Layout: t.layout, Chunk: t.chunk, Derive: b.derive}
	config.Size = int64(t.rows) * b.group.ExtentSize
	if err := t.judge(); err != nil {
		return fail(err)
	}
	b.degraded(s, t)
	config.Consistent = t.consistent()
	for i := range t.legs {
		config.Members = append(config.Members, t.legs[i].member)
	}
	if t.level == raid.RAID0 {
		config.Size = 0
	}
	array, err := raid.New(config)
	if err != nil {
		return fail(err)
	}
	if array.Size() < s.Length {
		return fail(fmt.Errorf("%d bytes of %d: %w", array.Size(), s.Length, layer.ErrCorrupt))
	}
	return array, nil
}

// derive adds a source of bytes that are worked out to those of all volumes.
func (b *builder) derive(r io.ReaderAt) int {
	b.set.sources = append(b.set.sources, extent.Derived{ReaderAt: r})
	return len(b.set.sources) - 1
}

// raidText decodes what the segment says.
func (s *segmentText) raidText() (*raidText, error) {
	t := &raidText{raidType: raidTypes[s.Type], copies: 1}
	d := decode(s.text)
	names, count := d.list("raids"), d.optionalCount("device_count")
	if t.level == raid.RAID0 {
		names, count = append(names, d.list("raid0_lvs")...), d.optionalCount("stripe_count")
	}
	for i := 0; i < len(names); i++ {
		leg := raidLeg{image: names[i]}
		if strings.Contains(names[i], "_rmeta_") && i+1 < len(names) {
			i++
			leg.meta, leg.image = leg.image, names[i]
		}
		t.legs = append(t.legs, leg)
	}
	n := uint64(len(t.legs))
	if d.err == nil && (count != n || n <= t.parity || n > rmetaMaxDevices) {
		d.fail("%d legs, of which %d are there", count, n)
	}
	if d.get("stripe_size") != nil || t.level != raid.RAID1 {
		size, ok := ondisk.Mul(d.count("stripe_size"), sectorSize)
		if t.chunk = size; d.err == nil && (!ok || size == 0) {
			d.fail("stripe size of %d sectors", d.count("stripe_size"))
		}
	}
	if d.err != nil {
		return nil, d.err
	}
	t.spare = d.optionalCount("reshape_count")
	data := n - t.parity
	switch t.level {
	case raid.RAID1:
		data, t.chunk = 1, 0
	case raid.RAID10:
		if t.copies = d.optionalCount("data_copies"); t.copies < 2 {
			t.copies = 2
		}
		if t.copies > n {
			d.fail("%d copies on %d legs", t.copies, n)
			t.copies = n
		}
		t.layout = raid.Layout(t.copies | 1<<8) // near copies, and one far one
	}
	if s.extents > (1<<63-1)/rmetaMaxDevices {
		d.fail("%d extents", s.extents)
	}
	t.rows = (s.extents*t.copies + data - 1) / data
	return t, d.err
}

// superblock reads the superblock of a leg, where it has one and its PVs are
// there.
func (b *builder) superblock(s *segmentText, t *raidText, i int) error {
	leg := &t.legs[i]
	if leg.meta == "" {
		return nil
	}
	var place Stripe
	area, err := b.area(s, &place, stripeText{leg.meta, 0}, 1)
	switch {
	case errors.Is(err, layer.ErrIncomplete):
		return nil
	case err != nil:
		return err
	case b.lost(leg.meta):
		return nil
	}
	leg.super, err = readRmeta(extent.NewReader(area, b.group.ExtentSize, b.set.sources...), i, len(t.legs))
	if errors.Is(err, layer.ErrCorrupt) {
		leg.damage, err = err, nil // as if the leg were new
	}
	if err != nil {
		return failure(err, b.current.object(), -1, "%s: %s", s.key, leg.meta)
	}
	return nil
}

// leg finds the volume of a leg. One whose PVs are missing is a member that
// is, and so is one that LVM has replaced by errors.
func (b *builder) leg(s *segmentText, t *raidText, i int, stripe *Stripe) error {
	leg := &t.legs[i]
	leg.member.Name = leg.image
	area, err := b.area(s, stripe, stripeText{leg.image, t.offset}, t.rows)
	switch {
	case errors.Is(err, layer.ErrIncomplete):
		leg.member.Name = detail(err)
		return nil
	case err != nil:
		return err
	case b.lost(leg.image):
		return nil
	}
	if hollow(area) {
		return failure(layer.ErrUnsupported, b.current.object(), -1, `%s: raid over a segment of type "zero"`, s.key)
	}
	image := b.volumes[leg.image]
	if image == nil {
		return failure(layer.ErrCorrupt, b.current.object(), -1, "%s: leg %q is no volume", s.key, leg.image)
	}
	for _, status := range image.Status {
		if strings.HasPrefix(status, "RESHAPE_") {
			return failure(layer.ErrUnsupported, b.current.object(), -1, "%s: raid that is being reshaped", s.key)
		}
	}
	leg.member.Mapper, leg.member.Size = area, int64(t.rows)*b.group.ExtentSize
	leg.member.Reader = extent.NewReader(area, leg.member.Size, b.set.sources...)
	leg.member.Last = image.has("WRITEMOSTLY")
	leg.member.Synced = leg.member.Size
	if image.has("REBUILD") {
		leg.member.Synced = 0
	}
	return nil
}

// detail returns what an error of this layer says, without its object.
func detail(err error) string {
	var e *layer.Error
	if errors.As(err, &e) {
		return e.Detail
	}
	return err.Error()
}

// lost reports whether LVM has given up a volume: some of it is an error.
func (b *builder) lost(name string) bool {
	v := b.volumes[name]
	return v != nil && slices.ContainsFunc(v.Segments, func(s Segment) bool { return s.Type == "error" })
}

package lvm

import (
	"cmp"
	"encoding/binary"
	"errors"
	"math/bits"
	"slices"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

const (
	writecacheMagic      = 0x23489321
	writecacheVersion    = 1
	writecacheHeaderSize = 64
	writecacheEntrySize  = 16
	maxWritecacheBlock   = 4096 // a page

	// writecacheRead is how many bytes of entries are read at once.
	writecacheRead = 1 << 20
)

// A writecacheSuperblock begins a writecache: struct wc_memory_superblock in
// the kernel's drivers/md/dm-writecache.c. Behind it lie as many entries as
// there are blocks, then, at the next whole block, the blocks. It is the same
// on an SSD and in persistent memory.
type writecacheSuperblock [writecacheHeaderSize]byte

func (s *writecacheSuperblock) magic() uint32     { return binary.LittleEndian.Uint32(s[:]) }
func (s *writecacheSuperblock) version() uint32   { return binary.LittleEndian.Uint32(s[4:]) }
func (s *writecacheSuperblock) blockSize() uint32 { return binary.LittleEndian.Uint32(s[8:]) }
func (s *writecacheSuperblock) blocks() uint64    { return binary.LittleEndian.Uint64(s[16:]) }
func (s *writecacheSuperblock) seqCount() uint64  { return binary.LittleEndian.Uint64(s[24:]) }

// A writecache is a volume that holds blocks which were written to another
// one and have not reached it yet.
type writecache struct {
	volume *extent.Reader
	object string // the volume, for errors
	super  writecacheSuperblock
	size   int64 // of a block
	// sectors is how many the cached volume has.
	sectors uint64
}

// writecached reads the entries of a segment with a writecache: origin,
// writecache, writecache_block_size.
func (b *builder) writecached(s *segmentText) (extent.Mapper, error) {
	d := decode(s.text)
	fail := func(kind error, format string, args ...any) (extent.Mapper, error) {
		return nil, failure(kind, b.current.object(), -1, s.key+": "+format, args...)
	}
	size := int64(d.count("writecache_block_size"))
	names := [2]string{d.text("origin"), d.text("writecache")}
	if d.err == nil && (size < sectorSize || size > maxWritecacheBlock || bits.OnesCount64(uint64(size)) != 1) {
		d.fail("writecache blocks of %d bytes", size)
	}
	if d.err == nil && s.Start != 0 {
		d.fail("behind other segments")
	}
	if d.err != nil {
		return fail(layer.ErrCorrupt, "%v", d.err)
	}
	s.Stripes = []Stripe{{names[0], 0}, {names[1], 0}}
	origin, err := b.lower(s, names[0])
	if err != nil {
		return nil, err
	}
	volume, err := b.lower(s, names[1])
	if err != nil {
		return nil, err
	}
	if origin.Size < s.Length {
		return fail(layer.ErrCorrupt, "%d bytes on an origin of %d", s.Length, origin.Size)
	}
	c := &writecache{volume: b.reader(volume), object: volume.object(), size: size, sectors: uint64(s.Length / sectorSize)}
	start, err := c.open()
	if err != nil {
		var e *layer.Error
		errors.As(err, &e)
		return fail(e.Err, "writecache: %s: %s", e.Object, e.Detail)
	}
	return &overlaid{
		origin: origin.layout,
		cache:  volume.layout,
		start:  start,
		size:   size,
		load:   c.committed,
	}, nil
}

func (c *writecache) fail(kind error, format string, args ...any) error {
	return failure(kind, c.object, -1, format, args...)
}

// open reads the superblock, and returns where the first block lies. A volume
// of zeros is a writecache that was never used.
func (c *writecache) open() (int64, error) {
	if err := ondisk.ReadFull(c.volume, c.super[:], 0); err != nil {
		return 0, c.fail(err, "reading the superblock")
	}
	s := &c.super
	if s.magic() == 0 && s.version() == 0 {
		c.super = writecacheSuperblock{}
		return 0, nil
	}
	entries, ok := ondisk.Mul(s.blocks(), writecacheEntrySize)
	length, ok2 := ondisk.Mul(s.blocks(), uint64(c.size))
	switch {
	case s.magic() != writecacheMagic:
		return 0, c.fail(layer.ErrCorrupt, "superblock with magic %#x", s.magic())
	case s.version() != writecacheVersion:
		return 0, c.fail(layer.ErrUnsupported, "superblock of version %d", s.version())
	case int64(s.blockSize()) != c.size:
		return 0, c.fail(layer.ErrCorrupt, "blocks of %d bytes, %d in the group's metadata", s.blockSize(), c.size)
	case !ok || !ok2 || entries > c.volume.Size() || length > c.volume.Size():
		return 0, c.fail(layer.ErrCorrupt, "%d blocks in %d bytes", s.blocks(), c.volume.Size())
	}
	start := (writecacheHeaderSize + entries + c.size - 1) &^ (c.size - 1)
	if start+length > c.volume.Size() {
		return 0, c.fail(layer.ErrCorrupt, "%d blocks from %d in %d bytes", s.blocks(), start, c.volume.Size())
	}
	return start, nil
}

// committed returns the blocks that count: of each place the newest one, and
// none that was written since the last commit, of which a power cut may have
// left parts only (writecache_resume). The entries are read twice, so that as
// much memory is taken as they need.
func (c *writecache) committed() ([]overlay, error) {
	count := 0
	if err := c.entries(func(overlay) { count++ }); err != nil {
		return nil, err
	}
	all := make([]overlay, 0, count)
	if err := c.entries(func(o overlay) { all = append(all, o) }); err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b overlay) int { return cmp.Or(cmp.Compare(a.block, b.block), cmp.Compare(a.at, b.at)) })
	list := all[:0]
	newest := uint64(0) // sequence of the last of list, as far as it was asked for
	for i, o := range all {
		if i == 0 || o.block != list[len(list)-1].block {
			list, newest = append(list, o), 0
			continue
		}
		last := &list[len(list)-1]
		var err error
		if newest == 0 {
			newest, err = c.sequence(last.at)
		}
		sequence, err2 := c.sequence(o.at)
		switch {
		case err != nil || err2 != nil:
			return nil, cmp.Or(err, err2)
		case sequence == newest:
			return nil, c.fail(layer.ErrCorrupt, "blocks %d and %d of the writecache are both for block %d, of commit %d", last.at, o.at, o.block, sequence)
		case sequence > newest:
			*last, newest = o, sequence
		}
	}
	return list, nil
}

// sequence returns the commit that a block of the cache was written in.
func (c *writecache) sequence(at uint64) (uint64, error) {
	var e [writecacheEntrySize]byte
	if err := ondisk.ReadFull(c.volume, e[:], writecacheHeaderSize+int64(at)*writecacheEntrySize); err != nil {
		return 0, c.fail(err, "reading the entries of the writecache")
	}
	return binary.LittleEndian.Uint64(e[8:]), nil
}

// entries calls do for every block that was committed.
func (c *writecache) entries(do func(overlay)) error {
	count := int64(c.super.blocks())
	perBlock := uint64(c.size / sectorSize)
	buf := make([]byte, min(writecacheRead, count*writecacheEntrySize))
	for first := int64(0); first < count; first += writecacheRead / writecacheEntrySize {
		part := buf[:min(writecacheRead, (count-first)*writecacheEntrySize)]
		if err := ondisk.ReadFull(c.volume, part, writecacheHeaderSize+first*writecacheEntrySize); err != nil {
			return c.fail(err, "reading the entries of the writecache")
		}
		for i := 0; i < len(part); i += writecacheEntrySize {
			sector, sequence := binary.LittleEndian.Uint64(part[i:]), binary.LittleEndian.Uint64(part[i+8:])
			at := uint64(first) + uint64(i/writecacheEntrySize)
			if sequence >= c.super.seqCount() || sector >= c.sectors {
				continue // free, not committed, or behind the end of a volume that was made smaller
			}
			if sector%perBlock != 0 {
				return c.fail(layer.ErrCorrupt, "block %d of the writecache is for sector %d, blocks have %d", at, sector, perBlock)
			}
			do(overlay{sector / perBlock, at})
		}
	}
	return nil
}

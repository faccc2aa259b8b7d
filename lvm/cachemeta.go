package lvm

import (
	"encoding/binary"

	"github.com/vmdkfs/vmdkfs/layer"
)

const (
	cacheMagic         = 0o6142003
	cacheMaxVersion    = 2
	cacheCleanShutdown = 1 << 0
	cacheNeedsCheck    = 1 << 1

	mappingValid    = 1 << 0 // M_VALID
	mappingDirty    = 1 << 1 // M_DIRTY, of version 1
	mappingFlagBits = 16     // below the block of the origin
)

// A cacheSuperblock is block 0 of a cache's metadata: struct
// cache_disk_superblock in the kernel's drivers/md/dm-cache-metadata.c.
type cacheSuperblock block

func (s *cacheSuperblock) flags() uint32             { return binary.LittleEndian.Uint32(s[4:]) }
func (s *cacheSuperblock) magic() uint64             { return binary.LittleEndian.Uint64(s[32:]) }
func (s *cacheSuperblock) version() uint32           { return binary.LittleEndian.Uint32(s[40:]) }
func (s *cacheSuperblock) mappingRoot() uint64       { return binary.LittleEndian.Uint64(s[192:]) }
func (s *cacheSuperblock) dataBlockSize() uint32     { return binary.LittleEndian.Uint32(s[232:]) }
func (s *cacheSuperblock) metadataBlockSize() uint32 { return binary.LittleEndian.Uint32(s[236:]) }
func (s *cacheSuperblock) cacheBlocks() uint32       { return binary.LittleEndian.Uint32(s[240:]) }
func (s *cacheSuperblock) incompatFlags() uint32     { return binary.LittleEndian.Uint32(s[252:]) }
func (s *cacheSuperblock) dirtyRoot() uint64         { return binary.LittleEndian.Uint64(s[284:]) }

// A cacheMetadata is the metadata of a cache of which the superblock is sound.
type cacheMetadata struct {
	*blocks
	super cacheSuperblock
}

// openCache reads the superblock of a cache with chunks of so many bytes.
func openCache(m *blocks, chunk int64) (*cacheMetadata, error) {
	raw, err := m.read(0, cacheSuperblockXOR, 8)
	if err != nil {
		return nil, err
	}
	c := &cacheMetadata{m, cacheSuperblock(*raw)}
	switch s := &c.super; {
	case s.magic() != cacheMagic:
		return nil, m.fail(layer.ErrCorrupt, 0, "superblock with magic %d", s.magic())
	case s.version() < 1 || s.version() > cacheMaxVersion:
		return nil, m.fail(layer.ErrUnsupported, 0, "superblock of version %d", s.version())
	case s.incompatFlags() != 0:
		return nil, m.fail(layer.ErrUnsupported, 0, "superblock with incompatible features %#x", s.incompatFlags())
	case s.metadataBlockSize() != blockSize/sectorSize:
		return nil, m.fail(layer.ErrUnsupported, 0, "metadata blocks of %d sectors", s.metadataBlockSize())
	case int64(s.dataBlockSize())*sectorSize != chunk:
		return nil, m.fail(layer.ErrCorrupt, 0, "chunks of %d sectors, %d bytes in the group's metadata", s.dataBlockSize(), chunk)
	}
	return c, nil
}

// clean reports whether the cache was shut down, so that what its metadata
// says of dirty blocks is so. While a cache is in use, that is kept in memory
// only.
func (c *cacheMetadata) clean() bool { return c.super.flags()&cacheCleanShutdown != 0 }

// dirty returns the blocks of the origin, of which there are so many, that
// differ in the cache: all that are in the cache if it was not shut down, as
// the kernel takes it (load_mappings).
func (c *cacheMetadata) dirty(origin uint64) ([]overlay, error) {
	count := uint64(c.super.cacheBlocks())
	bit := func(uint64) bool { return true }
	if c.clean() && c.super.version() == 2 {
		words := make([]uint64, 0, min((count+63)/64, c.count*arrayPerBlock))
		err := array{newTree(c.blocks, c.super.dirtyRoot(), 8), (count + 63) / 64}.each(func(_, word uint64) bool {
			words = append(words, word)
			return true
		})
		if err != nil {
			return nil, err
		}
		bit = func(i uint64) bool { return words[i/64]>>(i%64)&1 != 0 }
	}
	always := !c.clean() || c.super.version() == 2
	var list []overlay
	var damage error
	err := array{newTree(c.blocks, c.super.mappingRoot(), 8), count}.each(func(i, value uint64) bool {
		if value&mappingValid == 0 || !(always || value&mappingDirty != 0) || !bit(i) {
			return true
		}
		block := value >> mappingFlagBits
		if block >= origin {
			damage = c.fail(layer.ErrCorrupt, 0, "chunk %d of the cache is chunk %d of %d", i, block, origin)
			return false
		}
		list = append(list, overlay{block, i})
		return true
	})
	if err == nil {
		err = damage
	}
	return list, err
}

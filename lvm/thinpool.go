package lvm

import (
	"encoding/binary"
	"errors"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

const (
	thinMagic      = 27022010
	thinMaxVersion = 2
	thinNeedsCheck = 1 // THIN_METADATA_NEEDS_CHECK_FLAG

	minThinChunk = 64 << 10 // DATA_DEV_BLOCK_SIZE_MIN_SECTORS; each size is a multiple of it
	maxThinChunk = 1 << 30  // DATA_DEV_BLOCK_SIZE_MAX_SECTORS

	thinDetailsSize = 24 // struct disk_device_details
	thinTimeBits    = 24 // of a mapping: when it was made, below the block
)

// A thinSuperblock is block 0 of a thin pool's metadata: struct
// thin_disk_superblock in the kernel's drivers/md/dm-thin-metadata.c. It is
// written last in each transaction, in place, and all that it leads to is
// never overwritten before the next one: it is always that of the last commit.
type thinSuperblock block

func (s *thinSuperblock) flags() uint32             { return binary.LittleEndian.Uint32(s[4:]) }
func (s *thinSuperblock) magic() uint64             { return binary.LittleEndian.Uint64(s[32:]) }
func (s *thinSuperblock) version() uint32           { return binary.LittleEndian.Uint32(s[40:]) }
func (s *thinSuperblock) transID() uint64           { return binary.LittleEndian.Uint64(s[48:]) }
func (s *thinSuperblock) heldRoot() uint64          { return binary.LittleEndian.Uint64(s[56:]) }
func (s *thinSuperblock) dataMappingRoot() uint64   { return binary.LittleEndian.Uint64(s[320:]) }
func (s *thinSuperblock) deviceDetailsRoot() uint64 { return binary.LittleEndian.Uint64(s[328:]) }
func (s *thinSuperblock) dataBlockSize() uint32     { return binary.LittleEndian.Uint32(s[336:]) }
func (s *thinSuperblock) metadataBlockSize() uint32 { return binary.LittleEndian.Uint32(s[340:]) }
func (s *thinSuperblock) incompatFlags() uint32     { return binary.LittleEndian.Uint32(s[360:]) }

// A thinPool is a pool whose thin volumes can be read.
type thinPool struct {
	object      string // its volume, for errors
	chunk       int64  // bytes that are mapped together
	chunks      uint64 // that its data volume has
	data        *layout
	metadata    *blocks
	volumes     *btree // by device: the root of the tree of its mapping
	details     *btree // by device
	transaction uint64 // that the metadata is at
	expected    uint64 // and that the group's metadata says
}

// A thinPoolText is what the segment of a pool says.
type thinPoolText struct {
	metadata, data string // names of volumes
	transaction    uint64
	chunk          int64
}

// thinPool returns the pool of that name, whose thin volume is the current
// one. A pool is opened once.
func (b *builder) thinPool(s *segmentText, name string) (*thinPool, error) {
	fail := func(kind error, format string, args ...any) (*thinPool, error) {
		return nil, failure(kind, b.current.object(), -1, s.key+": "+format, args...)
	}
	v := b.volumes[name]
	if v == nil || len(v.segments) != 1 || v.segments[0].Type != "thin-pool" {
		return fail(layer.ErrCorrupt, "%q is no thin pool", name)
	}
	text, err := decodeThinPool(&v.segments[0])
	if err != nil {
		return fail(layer.ErrCorrupt, "thin pool %q: %v", name, err)
	}
	data, err := b.lower(s, text.data)
	if err != nil {
		return nil, err
	}
	metadata, err := b.lower(s, text.metadata)
	if err != nil {
		return nil, err
	}
	pool := b.pools[name]
	if pool == nil {
		if pool, err = b.openThinPool(v, text, data, metadata); err != nil {
			var e *layer.Error
			errors.As(err, &e)
			return fail(e.Err, "thin pool %q: %s: %s", name, e.Object, e.Detail)
		}
		b.pools[name] = pool
	}
	return pool, nil
}

// decodeThinPool reads the entries of a pool's segment.
func decodeThinPool(s *segmentText) (thinPoolText, error) {
	d := decode(s.text)
	t := thinPoolText{metadata: d.text("metadata"), data: d.text("pool"), transaction: d.count("transaction_id")}
	key := "chunk_size"
	if d.get(key) == nil {
		key = "data_block_size" // LVM 2.02.89 and before
	}
	chunk, ok := ondisk.Mul(d.count(key), sectorSize)
	if d.err == nil && (!ok || chunk < minThinChunk || chunk > maxThinChunk || chunk%minThinChunk != 0) {
		d.fail("chunks of %d sectors", d.count(key))
	}
	t.chunk = chunk
	return t, d.err
}

// openThinPool reads the superblock of a pool.
func (b *builder) openThinPool(v *volumeText, text thinPoolText, data, metadata *volumeText) (*thinPool, error) {
	m, err := b.blocks(metadata)
	if err != nil {
		return nil, err
	}
	raw, err := m.read(0, thinSuperblockXOR, 8)
	if err != nil {
		return nil, err
	}
	super := (*thinSuperblock)(raw)
	switch {
	case super.magic() != thinMagic:
		return nil, m.fail(layer.ErrCorrupt, 0, "superblock with magic %d", super.magic())
	case super.version() < 1 || super.version() > thinMaxVersion:
		return nil, m.fail(layer.ErrUnsupported, 0, "superblock of version %d", super.version())
	case super.incompatFlags() != 0:
		return nil, m.fail(layer.ErrUnsupported, 0, "superblock with incompatible features %#x", super.incompatFlags())
	case super.metadataBlockSize() != blockSize/sectorSize:
		return nil, m.fail(layer.ErrUnsupported, 0, "metadata blocks of %d sectors", super.metadataBlockSize())
	case int64(super.dataBlockSize())*sectorSize != text.chunk:
		return nil, m.fail(layer.ErrCorrupt, 0, "chunks of %d sectors, %d bytes in the group's metadata", super.dataBlockSize(), text.chunk)
	}
	p := &thinPool{
		object:      v.object(),
		chunk:       text.chunk,
		chunks:      uint64(data.Size / text.chunk),
		data:        data.layout,
		metadata:    m,
		volumes:     newTree(m, super.dataMappingRoot(), 8),
		details:     newTree(m, super.deviceDetailsRoot(), thinDetailsSize),
		transaction: super.transID(),
		expected:    text.transaction,
	}
	if super.flags()&thinNeedsCheck != 0 {
		b.set.notify(nil, p.object, "the kernel has met errors in the metadata of the thin pool and asks for thin_check")
	}
	if super.heldRoot() != 0 {
		b.set.notify(nil, p.object, "the thin pool holds a snapshot of its metadata, at block %d", super.heldRoot())
	}
	if p.transaction != p.expected {
		b.set.notify(nil, p.object, "the thin pool is at transaction %d, the group's metadata at %d: volumes of which it is not sure that they are the same are not read",
			p.transaction, p.expected)
	}
	return p, nil
}

// mapping returns the tree of the mapping of a device that was created in that
// transaction. When the pool is not at the transaction that the group's
// metadata tells, the number of the device proves nothing: the pool may have
// made another one since. The transaction of its creation does.
func (p *thinPool) mapping(device, created uint64) (*btree, error) {
	root, err := p.volumes.get(device)
	if err != nil {
		return nil, err
	}
	if root == nil {
		kind := layer.ErrCorrupt
		if p.transaction < p.expected {
			kind = layer.ErrIncomplete // to be created when the pool is next used
		}
		return nil, failure(kind, p.object, -1, "the thin pool has no device %d", device)
	}
	if p.transaction != p.expected {
		details, err := p.details.get(device)
		if err != nil {
			return nil, err
		}
		if details == nil || binary.LittleEndian.Uint64(details[8:]) != created {
			return nil, failure(layer.ErrCorrupt, p.object, -1, "device %d of the thin pool is not the one of transaction %d", device, created)
		}
	}
	return newTree(p.metadata, binary.LittleEndian.Uint64(root), 8), nil
}

package lvm

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/vmdkfs/vmdkfs/internal/cache"
	"github.com/vmdkfs/vmdkfs/layer"
)

const (
	blockSize = 4096 // of the metadata of thin pools and caches (THIN_METADATA_BLOCK_SIZE, DM_CACHE_METADATA_BLOCK_SIZE)

	// blockPiece is how many bytes of the metadata are read at once: a tree's
	// nodes lie near each other.
	blockPiece = 64 << 10
	// blockBudget is how many bytes of all metadata of an FS are kept. It
	// holds the mappings of 64 GiB in chunks of 64 KiB, and bounds the memory.
	blockBudget = 8 << 20
	// maxBlocks bounds the metadata of one pool: 16 GiB, the most that LVM
	// makes (DEFAULT_THIN_POOL_MAX_METADATA_SIZE).
	maxBlocks = 16 << 30 / blockSize

	blockVolumeShift = 34 // log2 of maxBlocks*blockSize
)

// A block is a block of metadata in the format of the kernel's
// drivers/md/persistent-data. Its first four bytes are a checksum of the rest.
type block [blockSize]byte

func (b *block) checksumXL() uint32 { return binary.LittleEndian.Uint32(b[:]) }

// The checksums of each kind of block are changed by a number of its own, so
// that one is not taken for another (dm-thin-metadata.c, dm-cache-metadata.c,
// dm-btree-spine.c, dm-array.c).
const (
	thinSuperblockXOR  = 160774
	cacheSuperblockXOR = 9031977
	nodeXOR            = 121107
	arrayXOR           = 595846735
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum returns what checksumXL should be: CRC-32C without the inversion at
// its end (dm_bm_checksum in dm-block-manager.c).
func (b *block) checksum(xor uint32) uint32 { return ^crc32.Checksum(b[4:], castagnoli) ^ xor }

// blockVolumes is the volumes that hold metadata, as one source, so that one
// budget holds for all that is kept of them.
type blockVolumes struct {
	readers []io.ReaderAt
}

func (v *blockVolumes) ReadAt(p []byte, off int64) (int, error) {
	return v.readers[off>>blockVolumeShift].ReadAt(p, off&(1<<blockVolumeShift-1))
}

// blocks is the metadata on one volume.
type blocks struct {
	object string // the volume, for errors
	cache  *cache.Cache
	base   int64 // of the volume in the cache's source
	count  uint64
}

// fail returns what is wrong with a block of metadata.
func (m *blocks) fail(kind error, number uint64, format string, args ...any) error {
	return failure(kind, m.object, -1, "metadata block %d: %s", number, fmt.Sprintf(format, args...))
}

// read returns a block, whose checksum and, at numberAt, its own number are
// right.
func (m *blocks) read(number uint64, xor uint32, numberAt int) (*block, error) {
	if number >= m.count {
		return nil, m.fail(layer.ErrCorrupt, number, "the volume has %d", m.count)
	}
	off := int64(number) * blockSize
	start := off &^ (blockPiece - 1)
	piece, err := m.cache.Get(m.base+start, int(min(blockPiece, int64(m.count)*blockSize-start)))
	if err != nil {
		return nil, m.fail(err, number, "reading it")
	}
	b := (*block)(piece[off-start:])
	if want := b.checksum(xor); b.checksumXL() != want {
		return nil, m.fail(layer.ErrCorrupt, number, "checksum %#08x, computed %#08x", b.checksumXL(), want)
	}
	if own := binary.LittleEndian.Uint64(b[numberAt:]); own != number {
		return nil, m.fail(layer.ErrCorrupt, number, "says that it is %d", own)
	}
	return b, nil
}

// blocks returns the metadata that fills a volume.
func (b *builder) blocks(v *volumeText) (*blocks, error) { return b.blocksIn(v, 0, v.Size) }

// blocksIn returns the metadata in the length bytes from start on of a volume,
// in all of it if the length is 0.
func (b *builder) blocksIn(v *volumeText, start, length int64) (*blocks, error) {
	s := b.set
	if length == 0 {
		length = v.Size
	}
	count := length / blockSize
	if count == 0 || count > maxBlocks {
		return nil, failure(layer.ErrUnsupported, v.object(), -1, "metadata of %d bytes", length)
	}
	if s.blocks == nil {
		s.blockVolumes = &blockVolumes{}
		s.blocks = cache.New(s.blockVolumes, blockBudget)
	}
	base := int64(len(s.blockVolumes.readers)) << blockVolumeShift
	s.blockVolumes.readers = append(s.blockVolumes.readers, io.NewSectionReader(b.reader(v), start, length))
	return &blocks{object: v.object(), cache: s.blocks, base: base, count: uint64(count)}, nil
}

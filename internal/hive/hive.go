package hive

import (
	"encoding/binary"
	"io"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/cache"
	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

const (
	layerName = "hive"

	baseSize = 4096      // of the base block, and the unit of bins
	cached   = 256 << 10 // bytes of a hive that are kept
)

// A baseBlock is the first sector of a hive.
type baseBlock [512]byte

func (b *baseBlock) u32(at int) uint32      { return binary.LittleEndian.Uint32(b[at:]) }
func (b *baseBlock) signature() string      { return string(b[:4]) }
func (b *baseBlock) primarySeqno() uint32   { return b.u32(4) }
func (b *baseBlock) secondarySeqno() uint32 { return b.u32(8) }
func (b *baseBlock) written() uint64        { return binary.LittleEndian.Uint64(b[12:]) }
func (b *baseBlock) major() uint32          { return b.u32(20) }
func (b *baseBlock) minor() uint32          { return b.u32(24) }
func (b *baseBlock) kind() uint32           { return b.u32(28) } // 0: a hive, no log
func (b *baseBlock) format() uint32         { return b.u32(32) } // 1: direct memory load
func (b *baseBlock) root() uint32           { return b.u32(36) }
func (b *baseBlock) binsSize() uint32       { return b.u32(40) }
func (b *baseBlock) checksum() uint32       { return b.u32(508) }

// sum returns the checksum that the block should have.
func (b *baseBlock) sum() (sum uint32) {
	for at := 0; at < 508; at += 4 {
		sum ^= b.u32(at)
	}
	switch sum {
	case 0:
		return 1
	case 0xFFFFFFFF:
		return 0xFFFFFFFE
	}
	return sum
}

// A Hive is an opened hive.
type Hive struct {
	pages *cache.Cache
	base  baseBlock
	size  int64 // of the bins
}

// Open opens the hive in the size bytes of r. What has no base block of one is
// layer.ErrFormat.
func Open(r io.ReaderAt, size int64) (*Hive, error) {
	h := &Hive{}
	if size < baseSize {
		return nil, failed(layer.ErrFormat, 0, "%d bytes are no hive", size)
	}
	if err := ondisk.ReadFull(r, h.base[:], 0); err != nil {
		return nil, err
	}
	b := &h.base
	switch {
	case b.signature() != "regf":
		return nil, failed(layer.ErrFormat, 0, "it does not begin with \"regf\"")
	case b.sum() != b.checksum():
		return nil, failed(layer.ErrCorrupt, 508, "the checksum of its base block is %08x, not %08x", b.sum(), b.checksum())
	case b.major() != 1 || b.kind() != 0 || b.format() != 1:
		return nil, failed(layer.ErrUnsupported, 20, "version %d.%d, type %d, format %d", b.major(), b.minor(), b.kind(), b.format())
	}
	h.size = int64(b.binsSize())
	if h.size > size-baseSize {
		return nil, failed(layer.ErrIncomplete, 40, "%d bytes of bins are announced, and %d are there", h.size, size-baseSize)
	}
	h.pages = cache.New(r, cached)
	return h, nil
}

// Clean reports whether all that was written to the hive is in it. Where it is
// not, what is missing is in the logs beside it.
func (h *Hive) Clean() bool { return h.base.primarySeqno() == h.base.secondarySeqno() }

// Written returns when the hive was written to last.
func (h *Hive) Written() time.Time { return FileTime(h.base.written()) }

// FileTime returns the time of a FILETIME: units of 100 ns since 1601. 0 is the
// zero time.
func FileTime(ft uint64) time.Time {
	if ft == 0 {
		return time.Time{}
	}
	const perSecond = 10_000_000
	const epoch = 11_644_473_600 // 1970 in seconds since 1601
	return time.Unix(int64(ft/perSecond)-epoch, int64(ft%perSecond)*100).UTC()
}

// failed returns an error of this package about an offset in the file.
func failed(kind error, at int64, format string, args ...any) error {
	return layer.Errorf(kind, layerName, "", at, format, args...)
}

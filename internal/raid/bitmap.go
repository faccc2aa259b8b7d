package raid

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

const (
	bitmapMagic  = 0x6d746962 // "bitm"
	bitmapHeader = 256        // bitmap_super_t
	bitmapStale  = 1 << 1     // in state
)

// MaxRegions bounds the regions of an array that a bitmap or a log has bits for,
// as they are kept in memory. It is 32 times what dm-raid takes.
const MaxRegions = 64 << 20

// A Bitmap tells in which regions of an array writes were under way. Its bits
// count the bytes of a member.
type Bitmap struct {
	region int64
	bits   []byte
}

// ReadBitmap reads an array's write-intent bitmap (bitmap_super_t in
// drivers/md/md-bitmap.h, then a bit for each region) at off. It is nil when it
// is out of date, as the number of the array's events tells.
func ReadBitmap(r io.ReaderAt, off int64, events uint64) (*Bitmap, error) {
	var h [bitmapHeader]byte
	if err := ondisk.ReadFull(r, h[:], off); err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	magic, version, state := le.Uint32(h[:]), le.Uint32(h[4:]), le.Uint32(h[48:])
	sectors, region, nodes := le.Uint64(h[40:]), int64(le.Uint32(h[52:])), le.Uint32(h[68:])
	switch {
	case magic != bitmapMagic || region < sectorSize || region&(region-1) != 0 || sectors > 1<<54:
		return nil, fmt.Errorf("bitmap with magic %#08x, regions of %d bytes: %w", magic, region, layer.ErrCorrupt)
	case version != 4 || nodes != 0 || state&bitmapStale != 0 || le.Uint64(h[24:]) < events:
		return nil, nil
	}
	regions := (int64(sectors)*sectorSize + region - 1) / region
	if regions > MaxRegions {
		return nil, fmt.Errorf("bitmap of %d regions, more than %d: %w", regions, MaxRegions, layer.ErrUnsupported)
	}
	bits, err := ondisk.Read(r, off+bitmapHeader, (regions+7)/8)
	if err != nil {
		return nil, err
	}
	return &Bitmap{region, bits}, nil
}

// Clean reports whether no write was under way in the n bytes at off.
func (b *Bitmap) Clean(off, n int64) bool {
	for i := off / b.region; i*b.region < off+n; i++ {
		if i/8 >= int64(len(b.bits)) || b.bits[i/8]>>(i%8)&1 != 0 {
			return false
		}
	}
	return true
}

package lvm

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

const (
	storeMagic     = 0x70416e53 // "SnAp"
	storeVersion   = 1
	storeHeader    = 1  // chunks before the first area
	storeException = 16 // bytes: disk_exception
	storeMaxChunk  = 1 << 30
)

// An exceptionStore holds the chunks of a volume that differ from those of its
// origin: the persistent store of drivers/md/dm-snap-persistent.c. Chunk 0 is
// its header. Then come areas, each a chunk of exceptions, pairs of an old and
// a new chunk's number, before as many chunks as it has exceptions.
type exceptionStore struct {
	r     io.ReaderAt
	size  int64 // bytes
	chunk int64 // bytes
	empty bool  // it was never used
}

// openStore reads the header of a store: disk_header.
func openStore(r io.ReaderAt, size int64) (*exceptionStore, error) {
	var h [16]byte
	if err := ondisk.ReadFull(r, h[:], 0); err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	magic, valid, version, sectors := le.Uint32(h[:]), le.Uint32(h[4:]), le.Uint32(h[8:]), le.Uint32(h[12:])
	chunk := int64(sectors) * sectorSize
	switch {
	case magic == 0:
		return &exceptionStore{chunk: sectorSize, empty: true}, nil // LVM clears the header, and the kernel writes it
	case magic != storeMagic:
		return nil, fmt.Errorf("exception store with magic %#08x: %w", magic, layer.ErrCorrupt)
	case version != storeVersion:
		return nil, fmt.Errorf("exception store of version %d: %w", version, layer.ErrUnsupported)
	case valid == 0:
		return nil, fmt.Errorf("snapshot that the kernel has marked invalid, as when its store is full: %w", layer.ErrIncomplete)
	case chunk == 0 || chunk > storeMaxChunk || chunk&(chunk-1) != 0 || chunk > size:
		return nil, fmt.Errorf("exception store with chunks of %d bytes: %w", chunk, layer.ErrCorrupt)
	}
	return &exceptionStore{r: r, size: size, chunk: chunk}, nil
}

// exceptions reads the areas, up to the first exception that is none. A merge
// into the origin takes them out from the end.
func (s *exceptionStore) exceptions() ([]overlay, error) {
	if s.empty {
		return nil, nil
	}
	var list []overlay
	chunks, perArea := s.size/s.chunk, s.chunk/storeException
	for area := int64(storeHeader); area < chunks; area += 1 + perArea {
		data, err := ondisk.Read(s.r, area*s.chunk, s.chunk)
		if err != nil {
			return nil, err
		}
		for ; len(data) > 0; data = data[storeException:] {
			x := overlay{binary.LittleEndian.Uint64(data), binary.LittleEndian.Uint64(data[8:])}
			switch {
			case x.at == 0:
				return list, nil
			case x.at >= uint64(chunks) || x.block >= uint64(math.MaxInt64/s.chunk):
				return nil, fmt.Errorf("exception of chunk %d in %d of %d: %w", x.block, x.at, chunks, layer.ErrCorrupt)
			}
			list = append(list, x)
		}
	}
	return nil, fmt.Errorf("exceptions go on behind the end of the store: %w", layer.ErrCorrupt)
}

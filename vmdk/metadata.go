package vmdk

import "github.com/vmdkfs/vmdkfs/internal/cache"

const (
	// pieceSize is how much of the grain tables is read at once. A piece has
	// the tables of 1 GiB where grains are of 64 KiB.
	pieceSize = 64 << 10

	// metadataBudget bounds the tables that are kept, of all files of a disk
	// together.
	metadataBudget = 8 << 20

	// fileShift is where the number of a file begins in the offsets by which
	// one cache serves all files: a file may have 256 TiB, and a disk 32,767
	// files. The largest disk, of 62 TiB in extents of 2 GiB, has 31,744.
	fileShift   = 48
	maxFiles    = 1<<(63-fileShift) - 1
	maxFileSize = 1 << fileShift
)

// pooled returns the offset, in the cache of all files, of the byte at off in
// file i.
func pooled(i int, off int64) int64 { return int64(i)<<fileShift | off }

// unpooled returns what pooled was given.
func unpooled(off int64) (i int, offset int64) {
	return int(off >> fileShift), off & (maxFileSize - 1)
}

// A metadata reads what tells where the grains of a file lie.
type metadata struct {
	file  *file
	cache *cache.Cache
}

// from returns the bytes of the file from off to the end of the piece that
// holds off, which the caller must not change; none behind the end of the file.
func (m metadata) from(off int64) ([]byte, error) {
	if off < 0 || off >= m.file.size {
		return nil, nil
	}
	start := off &^ (pieceSize - 1)
	piece, err := m.cache.Get(pooled(m.file.id, start), int(min(pieceSize, m.file.size-start)))
	if err != nil {
		return nil, err
	}
	return piece[off-start:], nil
}

package ext3

import "github.com/vmdkfs/vmdkfs/internal/cache"

const (
	// metadataPiece is how much metadata is read at once. Inodes of one
	// directory lie together, as do the blocks of neighbouring directories, and
	// on a network file system a read costs a round trip whatever its size. It
	// is a multiple of every block size.
	metadataPiece = 64 << 10
	// cacheBudget is how many bytes of metadata a file system keeps: enough for
	// what a walk comes back to, little enough to open many.
	cacheBudget = 8 << 20
)

// block returns a block of metadata, from the cache if it is there. The caller
// must not change it.
func (f *FS) block(block uint64) ([]byte, error) { return f.blockFor(nil, block) }

// blockFor is block for a caller that needs it until it releases h, or gets
// another for it.
func (f *FS) blockFor(h *cache.Hold, block uint64) ([]byte, error) {
	if block >= f.geo.blocks {
		return nil, corrupt("", noOffset, "block %d of %d", block, f.geo.blocks)
	}
	off := f.offset(block)
	start := off &^ (metadataPiece - 1)
	n := min(metadataPiece, f.offset(f.geo.blocks)-start)
	piece, err := f.cache.GetFor(h, start, int(n))
	if err != nil {
		// A bad spot must cost its own block only.
		return f.cache.GetFor(h, off, int(f.geo.blockSize))
	}
	return piece[off-start:][:f.geo.blockSize], nil
}

package ntfs

import (
	"io"

	"github.com/vmdkfs/vmdkfs/internal/cache"
	"github.com/vmdkfs/vmdkfs/internal/ondisk"
)

const (
	// metadataPiece is how much metadata is read at once. The records of one
	// directory's files lie together, as do the blocks of neighbouring indexes,
	// and on a network file system a read costs a round trip whatever its size.
	// It is a multiple of the largest record.
	metadataPiece = 64 << 10
	// recordBudget and indexBudget are how many bytes of file records and of
	// other metadata a volume keeps: enough for what a walk comes back to,
	// little enough to open many.
	recordBudget = 8 << 20
	indexBudget  = 4 << 20
)

// A metadata reads from a volume what is small and likely to be read again,
// or to have neighbours that will be.
type metadata struct {
	device io.ReaderAt
	size   int64 // of the volume
	cache  *cache.Cache
}

func newMetadata(device io.ReaderAt, size int64) *metadata {
	return &metadata{device, size, cache.New(device, indexBudget)}
}

// ReadAt implements io.ReaderAt.
func (m *metadata) ReadAt(p []byte, off int64) (int, error) {
	for done := 0; done < len(p); {
		at := off + int64(done)
		start := at &^ (metadataPiece - 1)
		piece, err := m.cache.Get(start, int(min(metadataPiece, m.size-start)))
		if err != nil || int64(len(piece)) <= at-start {
			// A bad spot must cost no more than what is asked for.
			if err := ondisk.ReadFull(m.device, p[done:], at); err != nil {
				return done, err
			}
			return len(p), nil
		}
		done += copy(p[done:], piece[at-start:])
	}
	return len(p), nil
}

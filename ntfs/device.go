package ntfs

import (
	"io"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A device is the source with the size that it was opened with. What lies past
// its end, of a disk that was copied short, is missing and not corrupt.
type device struct {
	source io.ReaderAt
	size   int64
}

// tooLarge tells of metadata with more bytes than the source: of a volume that
// was copied short some are missing.
func (f *FS) tooLarge(object, what string, n int64) error {
	kind := layer.ErrCorrupt
	if f.geo.size > f.source {
		kind = layer.ErrIncomplete
	}
	return layer.Errorf(kind, layerName, object, noOffset, "an %s of %d bytes in a source of %d", what, n, f.source)
}

// ReadAt implements io.ReaderAt.
func (d *device) ReadAt(p []byte, off int64) (int, error) {
	if !ondisk.Within(off, int64(len(p)), d.size) {
		return 0, layer.Errorf(layer.ErrIncomplete, layerName, "", off, "%d bytes are beyond the end of the source, at %d", len(p), d.size)
	}
	if err := ondisk.ReadFull(d.source, p, off); err != nil {
		return 0, err
	}
	return len(p), nil
}

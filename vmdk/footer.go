package vmdk

import (
	"encoding/binary"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A marker stands before what a stream holds: compressed grains, of which it
// is the first 12 bytes of the same sector, and metadata, which begins in the
// sector behind it ("Virtual Disk Format 5.0", section "Stream-Optimized
// Compressed Sparse Extents").
type marker [512]byte

func (m *marker) val() uint64  { return binary.LittleEndian.Uint64(m[:]) }
func (m *marker) size() uint32 { return binary.LittleEndian.Uint32(m[8:]) }
func (m *marker) kind() uint32 { return binary.LittleEndian.Uint32(m[12:]) }

// The kinds of markers of metadata, whose size is 0.
const (
	markerEnd       = 0 // of the stream
	markerDirectory = 2
	markerFooter    = 3
)

// A footer ends a stream whose header was written before the grain directory
// was known.
type footer struct {
	before marker
	header hostedHeader
	end    marker
}

// readFooter returns the header that takes the place of the one that begins f.
func readFooter(f *file) (*hostedHeader, error) {
	const size = int64(len(footer{}.before) + len(hostedHeader{}) + len(footer{}.end))
	var t footer
	off := f.size - size
	if off < sectorSize {
		return nil, footerMissing(f)
	}
	for _, part := range [][]byte{t.before[:], t.header[:], t.end[:]} {
		if err := ondisk.ReadFull(f, part, off); err != nil {
			return nil, err
		}
		off += int64(len(part))
	}
	if t.before.kind() != markerFooter || t.before.size() != 0 || t.header.magic() != hostedMagic ||
		t.end.val() != 0 || t.end.size() != 0 || t.end.kind() != markerEnd {
		return nil, footerMissing(f)
	}
	off = f.size - size + int64(len(t.before))
	if t.header.gdOffset() == directoryEnd {
		return nil, layer.Errorf(layer.ErrCorrupt, "vmdk", f.path, off, "the footer does not say either where the grain directory is")
	}
	return &t.header, t.header.check(f, off)
}

func footerMissing(f *file) error {
	return layer.Errorf(layer.ErrIncomplete, "vmdk", f.path, f.size, "the stream ends without its footer, which tells where the grains are: the file was cut short")
}

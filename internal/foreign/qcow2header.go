package foreign

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

// qcow2Magic begins every image of QEMU's formats qcow and qcow2.
const qcow2Magic = "QFI\xfb"

// qcow2HeaderSize is how much of the header has a meaning: 104 bytes, and the
// compression type.
const qcow2HeaderSize = 112

// A qcow2Header begins an image (QEMU, docs/interop/qcow2.txt, section
// "Header").
type qcow2Header [qcow2HeaderSize]byte

func (h *qcow2Header) u32(off int) uint32       { return binary.BigEndian.Uint32(h[off:]) }
func (h *qcow2Header) u64(off int) uint64       { return binary.BigEndian.Uint64(h[off:]) }
func (h *qcow2Header) version() uint32          { return h.u32(4) }
func (h *qcow2Header) backingOffset() uint64    { return h.u64(8) }
func (h *qcow2Header) backingLength() uint32    { return h.u32(16) }
func (h *qcow2Header) clusterBits() uint32      { return h.u32(20) }
func (h *qcow2Header) size() uint64             { return h.u64(24) }
func (h *qcow2Header) cryptMethod() uint32      { return h.u32(32) }
func (h *qcow2Header) l1Size() uint32           { return h.u32(36) }
func (h *qcow2Header) l1Offset() uint64         { return h.u64(40) }
func (h *qcow2Header) incompatible() uint64     { return h.u64(72) }
func (h *qcow2Header) setIncompatible(x uint64) { binary.BigEndian.PutUint64(h[72:], x) }
func (h *qcow2Header) length() uint32           { return h.u32(100) }
func (h *qcow2Header) compressionType() uint8   { return h[104] }

// The incompatible features. A dirty image has wrong reference counts, which
// only a writer needs.
const (
	qcow2Dirty = 1 << iota
	qcow2Corrupt
	qcow2DataFile
	qcow2Compression
	qcow2ExtendedL2
)

// maxBackingName is how long the name of a backing file may be.
const maxBackingName = 1023

// parseQcow2 returns the header of an image that the reader reads right, and
// an error for all others.
func parseQcow2(r io.ReaderAt, fileSize int64, object string, head []byte) (*qcow2Header, error) {
	refuse := func(kind error, format string, args ...any) (*qcow2Header, error) {
		return nil, layer.Errorf(kind, "foreign", object, -1, "qcow2: "+format, args...)
	}
	var h qcow2Header
	copy(h[:], head)
	if v := h.version(); v != 2 && v != 3 {
		return refuse(layer.ErrUnsupported, "version %d", v)
	}
	if h.version() == 2 {
		clear(h[72:])
	} else if h.length() <= 104 {
		h[104] = 0
	}
	switch features := h.incompatible(); {
	case len(head) < 72 || h.version() == 3 && (len(head) < 104 || h.length() < 104 || h.length()%8 != 0 || int64(h.length()) > fileSize):
		return refuse(layer.ErrCorrupt, "a header of %d bytes", h.length())
	case h.backingOffset() != 0:
		return refuse(layer.ErrUnsupported, "it has only what differs from the backing file %s", backingName(r, &h))
	case h.cryptMethod() != 0:
		return refuse(layer.ErrUnsupported, "it is encrypted")
	case features&qcow2Corrupt != 0:
		return refuse(layer.ErrCorrupt, "QEMU has marked it as corrupt")
	case features&qcow2DataFile != 0:
		return refuse(layer.ErrUnsupported, "its data lies in another file")
	case features&qcow2ExtendedL2 != 0:
		return refuse(layer.ErrUnsupported, "extended L2 entries (subclusters)")
	case features&^(qcow2Dirty|qcow2Compression) != 0:
		return refuse(layer.ErrUnsupported, "unknown incompatible features %#x", features)
	case h.compressionType() == 1:
		return refuse(layer.ErrUnsupported, "clusters compressed with zstd")
	case h.compressionType() != 0:
		return refuse(layer.ErrUnsupported, "clusters compressed by method %d", h.compressionType())
	case h.clusterBits() < 9 || h.clusterBits() > 21:
		return refuse(layer.ErrCorrupt, "clusters of 2^%d bytes", h.clusterBits())
	}
	// Each entry of the first table leads to a cluster of entries of 8 bytes.
	covered := uint64(1) << (2*h.clusterBits() - 3)
	needed := h.size()/covered + min(1, h.size()%covered)
	switch {
	case h.size() == 0 || h.size() > 1<<62:
		return refuse(layer.ErrCorrupt, "a disk of %d bytes", h.size())
	case uint64(h.l1Size()) < needed:
		return refuse(layer.ErrCorrupt, "an L1 table of %d entries, where the disk needs %d", h.l1Size(), needed)
	case h.l1Offset() == 0 || h.l1Offset() > uint64(fileSize) || !ondisk.Within(int64(h.l1Offset()), int64(h.l1Size())*8, fileSize):
		return refuse(layer.ErrCorrupt, "an L1 table of %d entries at byte %d, outside the file", h.l1Size(), h.l1Offset())
	}
	return &h, nil
}

// backingName returns the name of the backing file, for an error.
func backingName(r io.ReaderAt, h *qcow2Header) string {
	if h.backingOffset() > 1<<62 || h.backingLength() > maxBackingName {
		return "of an impossible name"
	}
	name, err := ondisk.Read(r, int64(h.backingOffset()), int64(h.backingLength()))
	if err != nil {
		return fmt.Sprintf("whose name cannot be read: %v", err)
	}
	return fmt.Sprintf("%q", vnode.Escape(name))
}

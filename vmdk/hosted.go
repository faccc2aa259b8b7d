package vmdk

import (
	"encoding/binary"
	"errors"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A hostedHeader begins a hosted sparse extent, and is repeated as the footer
// of a stream ("Virtual Disk Format 5.0", section "Hosted Sparse Extents",
// SparseExtentHeader). Numbers of sectors are of 512 bytes.
type hostedHeader [512]byte

const (
	hostedMagic = "KDMV"

	// The flags of a hostedHeader.
	flagNewlines   = 1 << 0  // the bytes that detect a conversion of newlines are there
	flagRedundant  = 1 << 1  // there is a redundant grain directory
	flagZeroed     = 1 << 2  // the entry 1 of a table is a grain of zeros
	flagCompressed = 1 << 16 // the grains are compressed
	flagMarkers    = 1 << 17 // markers stand before grains and metadata

	// flagsKnown are those of the upper half that have a meaning. A flag there
	// changes how the data is read; one in the lower half does not.
	flagsKnown   = flagCompressed | flagMarkers
	flagsMatter  = 0xffff0000
	directoryEnd = 0xffffffffffffffff // as gdOffset: the footer has it
)

func (h *hostedHeader) magic() string            { return string(h[:4]) }
func (h *hostedHeader) version() uint32          { return binary.LittleEndian.Uint32(h[4:]) }
func (h *hostedHeader) flags() uint32            { return binary.LittleEndian.Uint32(h[8:]) }
func (h *hostedHeader) capacity() uint64         { return binary.LittleEndian.Uint64(h[12:]) }
func (h *hostedHeader) grainSize() uint64        { return binary.LittleEndian.Uint64(h[20:]) }
func (h *hostedHeader) descriptorOffset() uint64 { return binary.LittleEndian.Uint64(h[28:]) }
func (h *hostedHeader) descriptorSize() uint64   { return binary.LittleEndian.Uint64(h[36:]) }
func (h *hostedHeader) numGTEsPerGT() uint32     { return binary.LittleEndian.Uint32(h[44:]) }
func (h *hostedHeader) rgdOffset() uint64        { return binary.LittleEndian.Uint64(h[48:]) }
func (h *hostedHeader) gdOffset() uint64         { return binary.LittleEndian.Uint64(h[56:]) }
func (h *hostedHeader) overHead() uint64         { return binary.LittleEndian.Uint64(h[64:]) }
func (h *hostedHeader) uncleanShutdown() bool    { return h[72] != 0 }
func (h *hostedHeader) newlines() string         { return string(h[73:77]) }
func (h *hostedHeader) setCapacity(n uint64)     { binary.LittleEndian.PutUint64(h[12:], n) }
func (h *hostedHeader) setGDOffset(n uint64)     { binary.LittleEndian.PutUint64(h[56:], n) }
func (h *hostedHeader) compressAlgorithm() uint16 {
	return binary.LittleEndian.Uint16(h[77:])
}

// holdsData reports whether grains follow. A header without a capacity is there
// only for the descriptor behind it, unless the footer has the capacity.
func (h *hostedHeader) holdsData() bool { return h.capacity() != 0 || h.gdOffset() == directoryEnd }

// check returns why the header cannot be used.
func (h *hostedHeader) check(f *file, off int64) error {
	fail := func(kind error, format string, args ...any) error {
		return layer.Errorf(kind, "vmdk", f.path, off, format, args...)
	}
	packed := h.flags()&flagCompressed != 0
	switch {
	case h.flags()&flagNewlines != 0 && h.newlines() != "\n \r\n":
		return fail(layer.ErrCorrupt, "its newlines were converted, as by a copy in text mode (FTP ASCII): the file is spoilt, copy it again")
	case h.version() < 1 || h.version() > 3:
		return fail(layer.ErrUnsupported, "version %d of a hosted sparse extent", h.version())
	case h.flags()&flagsMatter&^flagsKnown != 0:
		return fail(layer.ErrUnsupported, "flags %#x of a hosted sparse extent", h.flags())
	case packed && h.compressAlgorithm() != 1:
		return fail(layer.ErrUnsupported, "compression algorithm %d", h.compressAlgorithm())
	case !packed && h.compressAlgorithm() != 0:
		return fail(layer.ErrCorrupt, "compression algorithm %d without the flag of compressed grains", h.compressAlgorithm())
	}
	return nil
}

// hostedTables decodes the tables of a hosted sparse extent, which are of
// 32-bit numbers of sectors, and those of COWD extents.
type hostedTables struct {
	zeroed   bool  // 1 is a grain of zeros
	overhead int64 // bytes of the file in which no grain may lie
	size     int64 // of the file
}

func (hostedTables) width() int64 { return 4 }

func (t hostedTables) table(raw []byte) entry { return t.place(raw, sectorSize) }

func (t hostedTables) grain(raw []byte) entry {
	if t.zeroed && binary.LittleEndian.Uint32(raw) == 1 {
		return entry{state: zeroed}
	}
	return t.place(raw, t.overhead)
}

// place decodes a number of a sector that lies at byte lowest or behind it.
func (t hostedTables) place(raw []byte, lowest int64) entry {
	off := int64(binary.LittleEndian.Uint32(raw)) * sectorSize
	switch {
	case off == 0:
		return entry{}
	case off < lowest || off >= t.size:
		return entry{damaged, off}
	}
	return entry{stored, off}
}

// openHosted opens the hosted sparse extent of length bytes in f, which begins
// with h.
func (s *files) openHosted(f *file, h *hostedHeader, length int64) (*sparse, error) {
	if err := h.check(f, 0); err != nil {
		return nil, err
	}
	var found *scan
	if h.gdOffset() == directoryEnd {
		end, err := readFooter(f)
		if errors.Is(err, layer.ErrIncomplete) {
			end, found, err = s.rescue(f, h, length, err)
		}
		if err != nil {
			return nil, err
		}
		h = end
	}
	if h.uncleanShutdown() {
		s.warnings.add(layer.Errorf(nil, "vmdk", f.path, -1, "the disk was not closed: the virtual machine runs, or its host stopped suddenly"))
	}
	overhead, ok := ondisk.Mul(h.overHead(), sectorSize)
	if !ok {
		return nil, layer.Errorf(layer.ErrCorrupt, "vmdk", f.path, 0, "%d sectors of metadata", h.overHead())
	}
	format := hostedTables{zeroed: h.flags()&flagZeroed != 0, overhead: max(overhead, sectorSize), size: f.size}
	packed := h.flags()&flagCompressed != 0
	if packed {
		format.overhead = sectorSize // each grain tells by itself which it is
	}
	redundant := uint64(0)
	if h.flags()&flagRedundant != 0 {
		redundant = h.rgdOffset()
	}
	extent, err := s.newSparse(f, geometry{h.capacity(), h.grainSize(), uint64(h.numGTEsPerGT())}, length, format, h.gdOffset(), redundant)
	if err != nil || !packed {
		return extent, err
	}
	extent.found = found
	return extent, s.pack(extent, h.flags()&flagMarkers != 0)
}

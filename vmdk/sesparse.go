package vmdk

import (
	"encoding/binary"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A seHeader begins a space-efficient sparse extent, which ESXi 6.5 and later
// make of snapshots. VMware has not published the format; what is known is in
// QEMU's block/vmdk.c (VMDKSESparseConstHeader). Places and sizes are in
// sectors.
type seHeader [512]byte

const seMagic = "\xbe\xba\xfe\xca\x00\x00\x00\x00"

func (h *seHeader) u64(i int) uint64          { return binary.LittleEndian.Uint64(h[8*i:]) }
func (h *seHeader) version() uint64           { return h.u64(1) }
func (h *seHeader) capacity() uint64          { return h.u64(2) }
func (h *seHeader) grainSize() uint64         { return h.u64(3) }
func (h *seHeader) grainTableSize() uint64    { return h.u64(4) }
func (h *seHeader) flags() uint64             { return h.u64(5) }
func (h *seHeader) volatileOffset() uint64    { return h.u64(10) }
func (h *seHeader) directoryOffset() uint64   { return h.u64(16) }
func (h *seHeader) directorySize() uint64     { return h.u64(17) }
func (h *seHeader) grainTablesOffset() uint64 { return h.u64(18) }
func (h *seHeader) grainsOffset() uint64      { return h.u64(24) }
func (h *seHeader) reserved() (bits uint64)   { return h.u64(6) | h.u64(7) | h.u64(8) | h.u64(9) }

// The one variant of the format that is known.
const (
	seVersion      = 0x200000001
	seGrain        = 8  // sectors
	seTable        = 64 // sectors of a grain table
	sePerTable     = seTable * sectorSize / 8
	seVolatile     = 0x00000000cafecafe // magic of the volatile header
	seTablePresent = 0x10000000         // upper half of a directory's entry with a table
)

// openSE opens the space-efficient sparse extent of length bytes in f, which
// begins with h.
func (s *files) openSE(f *file, h *seHeader, length int64) (*sparse, error) {
	if h.version() != seVersion || h.grainSize() != seGrain || h.grainTableSize() != seTable || h.flags() != 0 || h.reserved() != 0 {
		return nil, layer.Errorf(layer.ErrUnsupported, "vmdk", f.path, 0,
			"a seSparse extent of version %#x, with grains of %d sectors, tables of %d, flags %#x", h.version(), h.grainSize(), h.grainTableSize(), h.flags())
	}
	if err := checkVolatile(f, h); err != nil {
		return nil, err
	}
	format := seTables{size: f.size}
	var tablesOK, grainsOK bool
	format.tables, tablesOK = ondisk.Mul(h.grainTablesOffset(), sectorSize)
	format.grains, grainsOK = ondisk.Mul(h.grainsOffset(), sectorSize)
	if !tablesOK || !grainsOK || format.tables >= maxFileSize || format.grains >= maxFileSize {
		return nil, layer.Errorf(layer.ErrCorrupt, "vmdk", f.path, 0, "its grain tables are put at sector %d, its grains at %d", h.grainTablesOffset(), h.grainsOffset())
	}
	extent, err := s.newSparse(f, geometry{h.capacity(), seGrain, sePerTable}, length, format, h.directoryOffset(), 0)
	if err != nil {
		return nil, err
	}
	need := uint64(extent.grains+sePerTable-1) / sePerTable
	if entries := h.directorySize(); entries < (need*8+sectorSize-1)/sectorSize {
		return nil, layer.Errorf(layer.ErrCorrupt, "vmdk", f.path, 0, "a grain directory of %d sectors for %d entries", entries, need)
	}
	return extent, nil
}

// checkVolatile reads the header that says whether changes are still in the
// journal (VMDKSESparseVolatileHeader).
func checkVolatile(f *file, h *seHeader) error {
	off, ok := ondisk.Mul(h.volatileOffset(), sectorSize)
	var volatile [sectorSize]byte
	if !ok || !ondisk.Within(off, sectorSize, f.size) {
		return layer.Errorf(layer.ErrCorrupt, "vmdk", f.path, 80, "its volatile header is put at sector %d of a file of %d bytes", h.volatileOffset(), f.size)
	}
	if err := ondisk.ReadFull(f, volatile[:], off); err != nil {
		return err
	}
	switch {
	case binary.LittleEndian.Uint64(volatile[:]) != seVolatile:
		return layer.Errorf(layer.ErrCorrupt, "vmdk", f.path, off, "no volatile header of a seSparse extent")
	case binary.LittleEndian.Uint64(volatile[24:]) != 0:
		return layer.Errorf(layer.ErrUnsupported, "vmdk", f.path, off, "a seSparse extent that was not closed: its journal is not replayed")
	}
	return nil
}

// seTables decodes the tables of a space-efficient sparse extent, which are of
// 64-bit numbers.
type seTables struct {
	tables int64 // where they begin in the file, in bytes
	grains int64 // likewise
	size   int64 // of the file
}

func (seTables) width() int64 { return 8 }

// table decodes an entry of the directory: nothing, or the number of a table.
func (t seTables) table(raw []byte) entry {
	e := binary.LittleEndian.Uint64(raw)
	off := t.tables + int64(uint32(e))*seTable*sectorSize
	switch {
	case e == 0:
		return entry{}
	case e>>32 != seTablePresent || off >= t.size:
		return entry{damaged, off}
	}
	return entry{stored, off}
}

// grain decodes an entry of a table. Its upper 4 bits tell the state; the
// number of a grain has its lowest 12 bits before the others.
func (t seTables) grain(raw []byte) entry {
	e := binary.LittleEndian.Uint64(raw)
	switch e >> 60 {
	case 0:
		if e == 0 {
			return entry{}
		}
	case 1, 2: // unmapped by the guest, or written as zeros
		return entry{state: zeroed}
	case 3:
		index := e>>48&0xfff | e&0xffffffffffff<<12
		if off := int64(index) * seGrain * sectorSize; index < maxFileSize/(seGrain*sectorSize) && off < t.size-t.grains {
			return entry{stored, t.grains + off}
		}
	}
	return entry{damaged, -1}
}

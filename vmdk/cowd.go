package vmdk

import (
	"encoding/binary"

	"github.com/vmdkfs/vmdkfs/layer"
)

// A cowdHeader begins the sparse extents of ESXi before version 6.5, in which
// grains are of 1 sector by default ("Virtual Disk Format 5.0", section "ESX
// Server Sparse Extents", COWDisk_Header; libvmdk, "COWD sparse extent data
// file"). The rest of its 4 sectors is not about where the data lies.
type cowdHeader [512]byte

const cowdMagic = "COWD"

func (h *cowdHeader) version() uint32    { return binary.LittleEndian.Uint32(h[4:]) }
func (h *cowdHeader) numSectors() uint32 { return binary.LittleEndian.Uint32(h[12:]) }
func (h *cowdHeader) grainSize() uint32  { return binary.LittleEndian.Uint32(h[16:]) }
func (h *cowdHeader) gdOffset() uint32   { return binary.LittleEndian.Uint32(h[20:]) }
func (h *cowdHeader) numGDEntries() uint32 {
	return binary.LittleEndian.Uint32(h[24:])
}

// cowdPerTable is how many entries each grain table has.
const cowdPerTable = 4096

// openCOWD opens the COWD extent of length bytes in f, which begins with h.
func (s *files) openCOWD(f *file, h *cowdHeader, length int64) (*sparse, error) {
	if h.version() != 1 {
		return nil, layer.Errorf(layer.ErrUnsupported, "vmdk", f.path, 0, "version %d of a COWD extent", h.version())
	}
	directory := int64(h.gdOffset())*sectorSize + int64(h.numGDEntries())*4
	format := hostedTables{overhead: directory, size: f.size}
	extent, err := s.newSparse(f, geometry{uint64(h.numSectors()), uint64(h.grainSize()), cowdPerTable}, length, format, uint64(h.gdOffset()), 0)
	if err != nil {
		return nil, err
	}
	if need := (extent.grains + cowdPerTable - 1) / cowdPerTable; int64(h.numGDEntries()) < need {
		return nil, layer.Errorf(layer.ErrCorrupt, "vmdk", f.path, 24, "a grain directory of %d entries, of which its %d sectors need %d", h.numGDEntries(), h.numSectors(), need)
	}
	return extent, nil
}

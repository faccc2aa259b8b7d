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
	rmetaMagic = 0x64526d44 // "DmRd"

	rmetaReshape       = 1      // in compat_features: the fields from flags on are there
	rmetaReshapeActive = 1 << 0 // in flags
	rmetaMaxDevices    = 253    // of 256, whose bits failed_devices has (DEFAULT_RAID_MAX_IMAGES)
)

// An rmeta is the superblock that device-mapper's raid target keeps on the
// metadata volume of each leg: dm_raid_superblock in drivers/md/dm-raid.c.
type rmeta [512]byte

func (m *rmeta) u32(off int) uint32 { return binary.LittleEndian.Uint32(m[off:]) }
func (m *rmeta) u64(off int) uint64 { return binary.LittleEndian.Uint64(m[off:]) }

func (m *rmeta) magic() uint32              { return m.u32(0) }
func (m *rmeta) compatFeatures() uint32     { return m.u32(4) }
func (m *rmeta) numDevices() uint32         { return m.u32(8) }
func (m *rmeta) arrayPosition() uint32      { return m.u32(12) }
func (m *rmeta) events() uint64             { return m.u64(16) }
func (m *rmeta) diskRecoveryOffset() uint64 { return m.u64(32) }
func (m *rmeta) arrayResyncOffset() uint64  { return m.u64(40) }
func (m *rmeta) level() int32               { return int32(m.u32(48)) }
func (m *rmeta) layout() uint32             { return m.u32(52) }
func (m *rmeta) stripeSectors() uint32      { return m.u32(56) }

// extended reports whether the superblock has the fields of reshaping.
func (m *rmeta) extended() bool { return m.compatFeatures()&rmetaReshape != 0 }

func (m *rmeta) reshaping() bool { return m.extended() && m.u32(60)&rmetaReshapeActive != 0 }

// dataOffset is where the leg's data begins, in sectors.
func (m *rmeta) dataOffset() uint64 {
	if !m.extended() {
		return 0
	}
	return m.u64(96)
}

func (m *rmeta) incompatFeatures() uint32 {
	if !m.extended() {
		return 0
	}
	return m.u32(144)
}

// failed reports whether the leg of that number was not there, or failed, when
// the superblock was written.
func (m *rmeta) failed(leg int) bool {
	word := m.u64(24)
	if leg >= 64 {
		if !m.extended() {
			return false
		}
		word = m.u64(120 + (leg/64-1)*8)
	}
	return word>>(leg%64)&1 != 0
}

// synced returns how many bytes of the leg are in sync, as its own superblock
// says.
func (m *rmeta) synced() int64 {
	if sectors := m.diskRecoveryOffset(); sectors <= math.MaxInt64/sectorSize {
		return int64(sectors) * sectorSize
	}
	return math.MaxInt64 // all ones when there is nothing left to be done
}

// readRmeta reads the superblock of leg i of n. It is nil where there is none:
// the array was never activated, or the leg is new. One that is damaged is
// layer.ErrCorrupt.
func readRmeta(r io.ReaderAt, i, n int) (*rmeta, error) {
	m := new(rmeta)
	if err := ondisk.ReadFull(r, m[:], 0); err != nil {
		return nil, err
	}
	switch {
	case m.magic() == 0 && *m == rmeta{}:
		return nil, nil
	case m.magic() != rmetaMagic:
		return nil, fmt.Errorf("raid superblock with magic %#08x: %w", m.magic(), layer.ErrCorrupt)
	case m.incompatFeatures() != 0:
		return nil, fmt.Errorf("raid superblock with incompatible features %#x: %w", m.incompatFeatures(), layer.ErrUnsupported)
	case m.reshaping():
		return nil, fmt.Errorf("raid that is being reshaped: %w", layer.ErrUnsupported)
	case m.numDevices() != uint32(n) || m.arrayPosition() != uint32(i):
		return nil, fmt.Errorf("raid that is being converted, with the superblock of leg %d of %d: %w", m.arrayPosition(), m.numDevices(), layer.ErrUnsupported)
	}
	return m, nil
}

package md

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/raid"
	"github.com/vmdkfs/vmdkfs/layer"
)

const (
	reserved90 = 64 << 10 // MD_RESERVED_BYTES: the superblock begins that much before the end, rounded down
	disks90    = 27       // MD_SB_DISKS

	// Bits of a disk's state, and of the array's.
	diskFaulty90      = 1 << 0
	diskActive90      = 1 << 1
	diskSync90        = 1 << 2
	diskWriteMostly90 = 1 << 9
	stateClean90      = 1 << 0
	stateBitmap90     = 1 << 8

	reshapeVersion90 = 91 // minor version of an array that is being reshaped
)

// decode90 decodes mdp_super_t, 1024 words in the byte order of the machine
// that made it; those of big-endian ones are refused.
func decode90(b []byte, size int64, version string, offset int64) (*Superblock, error) {
	if binary.BigEndian.Uint32(b) == magic && binary.BigEndian.Uint32(b[4:]) == 0 {
		return nil, fmt.Errorf("big-endian: %w", layer.ErrUnsupported)
	}
	word := func(i int) uint32 { return binary.LittleEndian.Uint32(b[4*i:]) }
	if word(0) != magic || word(1) != 0 {
		return nil, layer.ErrFormat
	}
	if sum := checksum90(b); word(38) != sum {
		return nil, fmt.Errorf("checksum %#08x, computed %#08x: %w", word(38), sum, layer.ErrCorrupt)
	}
	var uuid [16]byte
	for i, at := range []int{5, 13, 14, 15} { // set_uuid0 to 3
		binary.BigEndian.PutUint32(uuid[4*i:], word(at))
	}
	s := &Superblock{
		Version: version,
		Offset:  offset,
		UUID:    uuidText(uuid[:]),
		Level:   raid.Level(int32(word(7))),
		Layout:  raid.Layout(word(64)),
		Chunk:   int64(word(65)),
		Devices: int(word(10)),
		Used:    int64(word(8)) * 1024,
		Created: time.Unix(int64(word(6)), 0).UTC(),
		Updated: time.Unix(int64(word(32)), 0).UTC(),
		Events:  uint64(word(40))<<32 | uint64(word(39)),
		roles:   make(map[int]int),
		clean:   whole,
		size:    offset,
		synced:  whole,
	}
	switch {
	case word(2) == reshapeVersion90:
		s.refused = "array that is being reshaped"
	case word(2) != 90:
		s.refused = fmt.Sprintf("version 0.%d", word(2))
	}
	if state := word(33); state&stateClean90 == 0 {
		s.clean = 0
		if word(39) == word(41) && word(40) == word(42) { // of the same event as recovery_cp
			s.clean = int64(word(43)) * sectorSize
		}
		if state&stateBitmap90 != 0 {
			s.bitmap = offset + superblockSize
		}
	}
	for i := range disks90 {
		role, _ := disk90(word, 128+32*i)
		s.roles[i] = role
	}
	s.number = int(word(992))
	own, state := disk90(word, 992) // this_disk
	if s.role = own; s.number < disks90 {
		s.role, state = disk90(word, 128+32*s.number)
	}
	s.last = state&diskWriteMostly90 != 0
	if s.Level == raid.RAID0 {
		s.Layout = 0 // not recorded
	}
	if s.Used > s.size {
		return nil, fmt.Errorf("%d bytes of data, of a device of %d: %w", s.Used, size, layer.ErrIncomplete)
	}
	return s, nil
}

// disk90 returns the role and the state of the disk whose descriptor,
// mdp_disk_t, begins at a word.
func disk90(word func(int) uint32, at int) (role int, state uint32) {
	state = word(at + 4)
	switch {
	case state&diskFaulty90 != 0:
		return roleFaulty, state
	case state&(diskActive90|diskSync90) != diskActive90|diskSync90:
		return roleSpare, state
	}
	return int(int32(word(at + 3))), state
}

// checksum90 returns the sum of a superblock's words, its own left out, with
// the carries added (calc_sb_csum).
func checksum90(b []byte) uint32 {
	sum := uint64(0)
	for i := range superblockSize / 4 {
		if i != 38 {
			sum += uint64(binary.LittleEndian.Uint32(b[4*i:]))
		}
	}
	return uint32(sum) + uint32(sum>>32)
}

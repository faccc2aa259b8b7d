package md

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/internal/raid"
	"github.com/vmdkfs/vmdkfs/layer"
)

const (
	superblockSize = 4096
	header1        = 256 // mdp_superblock_1 without its roles
	maxRoles       = (superblockSize - header1) / 2

	// feature_map (MD_FEATURE_*).
	featureBitmap         = 1 << 0
	featureRecovery       = 1 << 1
	featureReshape        = 1 << 2
	featureBadBlocks      = 1 << 3
	featureReplacement    = 1 << 4
	featureNewOffset      = 1 << 6
	featureRecoveryBitmap = 1 << 7
	featureVersioned      = 1 << 8 // bitmap of a cluster
	featureJournal        = 1 << 9
	featurePPL            = 1<<10 | 1<<11
	featureRAID0Layout    = 1 << 12
	featuresKnown         = 1<<13 - 1

	devWriteMostly = 1 // in devflags
)

// decode1 decodes mdp_superblock_1 of a device of that size.
func decode1(b []byte, size int64, version string, offset int64) (*Superblock, error) {
	le := binary.LittleEndian
	u32, u64 := func(at int) uint32 { return le.Uint32(b[at:]) }, func(at int) uint64 { return le.Uint64(b[at:]) }
	if u32(0) != magic || u32(4) != 1 || int64(u64(144)) != offset/sectorSize {
		return nil, layer.ErrFormat
	}
	n := int(u32(220)) // max_dev
	if n > maxRoles {
		return nil, fmt.Errorf("%d roles: %w", n, layer.ErrCorrupt)
	}
	if sum := checksum1(b[:header1+2*n]); u32(216) != sum {
		return nil, fmt.Errorf("checksum %#08x, computed %#08x: %w", u32(216), sum, layer.ErrCorrupt)
	}
	features := u32(8)
	s := &Superblock{
		Version: version,
		Offset:  offset,
		UUID:    uuidText(b[16:32]),
		Name:    strings.TrimRight(string(b[32:64]), "\x00"),
		Level:   raid.Level(int32(u32(72))),
		Layout:  raid.Layout(u32(76)),
		Chunk:   int64(u32(88)) * sectorSize,
		Devices: int(u32(92)),
		Used:    inBytes(u64(80)),
		Created: seconds1(u64(64)),
		Updated: seconds1(u64(192)),
		Events:  u64(200),
		number:  int(u32(160)),
		roles:   make(map[int]int),
		clean:   inBytes(u64(208)),
		data:    inBytes(u64(128)),
		size:    inBytes(u64(136)),
		synced:  whole,
		last:    b[184]&devWriteMostly != 0,
		replace: features&featureReplacement != 0,
	}
	for i := range n {
		s.roles[i] = int(int16(le.Uint16(b[header1+2*i:])))
	}
	role, ok := s.roles[s.number]
	if !ok {
		role = roleSpare
	}
	s.role = role
	switch {
	case features&^featuresKnown != 0:
		s.refused = fmt.Sprintf("features %#x", features)
	case features&(featureReshape|featureNewOffset) != 0:
		s.refused = "array that is being reshaped"
	case features&featureJournal != 0:
		s.refused = "write journal"
	}
	if features&featureRecovery != 0 {
		s.synced = inBytes(u64(152))
	}
	if features&featureRecoveryBitmap != 0 {
		s.synced = 0
	}
	if s.Level == raid.RAID0 && features&featureRAID0Layout == 0 {
		s.Layout = 0 // not recorded
	}
	if features&featureBitmap != 0 && features&(featurePPL|featureVersioned) == 0 {
		s.bitmap = offset + int64(int32(u32(96)))*sectorSize
	}
	if s.data > size || s.size > size-s.data || s.bitmap < 0 {
		return nil, fmt.Errorf("%d bytes of data at %d, of a device of %d: %w", s.size, s.data, size, layer.ErrIncomplete)
	}
	return s, nil
}

// checksum1 returns the sum of a superblock's words, its own left out, with
// the carries added (calc_sb_1_csum).
func checksum1(b []byte) uint32 {
	sum := uint64(0)
	for at := 0; at+4 <= len(b); at += 4 {
		if at != 216 {
			sum += uint64(binary.LittleEndian.Uint32(b[at:]))
		}
	}
	if len(b)%4 == 2 {
		sum += uint64(binary.LittleEndian.Uint16(b[len(b)-2:]))
	}
	return uint32(sum) + uint32(sum>>32)
}

// seconds1 returns a time of which 40 bits are seconds.
func seconds1(v uint64) time.Time { return time.Unix(int64(v&(1<<40-1)), 0).UTC() }

// readBadBlocks reads the log of a version 1 superblock: sectors of the device
// that do not hold what they should, 54 bits of the first and 10 of how many.
// All ones end it.
func (s *Superblock) readBadBlocks(r io.ReaderAt, b []byte) error {
	le := binary.LittleEndian
	if s.Version == "0.90" || le.Uint32(b[8:])&featureBadBlocks == 0 {
		return nil
	}
	shift, n := uint(b[185]), int64(le.Uint16(b[186:]))
	at := s.Offset + int64(int32(le.Uint32(b[188:])))*sectorSize
	if shift > 32 {
		return fmt.Errorf("shift of %d: %w", shift, layer.ErrCorrupt)
	}
	data, err := ondisk.Read(r, at, n*sectorSize)
	if err != nil {
		return err
	}
	for ; len(data) > 0; data = data[8:] {
		v := le.Uint64(data)
		if v == 1<<64-1 {
			break
		}
		first, count := int64(v>>10), int64(v&0x3ff)<<shift
		if count == 0 {
			continue
		}
		if first > whole>>(10+shift) {
			return fmt.Errorf("sector %d<<%d: %w", first, shift, layer.ErrCorrupt)
		}
		s.bad = append(s.bad, raid.Range{Offset: first<<shift*sectorSize - s.data, Length: count * sectorSize})
	}
	slices.SortFunc(s.bad, func(a, b raid.Range) int { return int(min(max(a.Offset-b.Offset, -1), 1)) })
	for i := 1; i < len(s.bad); i++ {
		if s.bad[i].Offset < s.bad[i-1].Offset+s.bad[i-1].Length {
			return fmt.Errorf("sectors that are listed twice: %w", layer.ErrCorrupt)
		}
	}
	return nil
}

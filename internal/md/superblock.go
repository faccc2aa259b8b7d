package md

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/internal/raid"
	"github.com/vmdkfs/vmdkfs/layer"
)

const magic = 0xa92b4efc // MD_SB_MAGIC

// The roles of a device that is no member (MD_DISK_ROLE_*).
const (
	roleSpare   = -1
	roleFaulty  = -2
	roleJournal = -3
)

// A Superblock is what a device says of the array that it belongs to.
type Superblock struct {
	Version string // "0.90", "1.0", "1.1" or "1.2"
	Offset  int64  // of the superblock, in bytes
	UUID    string // of the array, as mdadm prints it
	Name    string // "host:name", or "name"; empty in version 0.90
	Level   raid.Level
	Layout  raid.Layout
	Chunk   int64 // bytes
	Devices int   // members of the array
	Used    int64 // bytes of each member; 0 for levels that use all
	Created time.Time
	Updated time.Time
	Events  uint64

	number  int         // of the device
	role    int         // of the device, or one of the constants
	roles   map[int]int // of all devices, by number
	clean   int64       // bytes of the members that were in sync; all when huge
	data    int64       // where the member's data begins
	size    int64       // bytes of it
	synced  int64       // bytes of the member that are recovered
	bitmap  int64       // where the bitmap begins, 0 for none
	bad     []raid.Range
	last    bool   // write-mostly
	replace bool   // stands in for a member that is still there
	refused string // what keeps the array from being read
}

// whole as a length means all there is.
const whole = 1<<63 - 1

// A location is where superblocks of a version lie.
type location struct {
	version string
	offset  int64
}

// places returns where superblocks lie on a device of that size.
func places(size int64) []location {
	return []location{
		{"1.2", 4096},
		{"1.1", 0},
		{"1.0", (size/sectorSize - 16) &^ 7 * sectorSize},
		{"0.90", size&^(reserved90-1) - reserved90},
	}
}

// ReadSuperblock returns the superblock of a device, looking for each version
// where it lies: at 4 KiB (1.2), at 0 (1.1), and near the end (1.0, 0.90). The
// error is layer.ErrFormat when there is none.
func ReadSuperblock(r io.ReaderAt, size int64) (*Superblock, error) {
	var damaged error
	for _, at := range places(size) {
		if at.offset < 0 || at.offset > size-superblockSize {
			continue
		}
		sb, err := readAt(r, size, at.version, at.offset)
		if err == nil {
			return sb, nil
		}
		if !errors.Is(err, layer.ErrFormat) && damaged == nil {
			damaged = err
		}
	}
	if damaged != nil {
		return nil, damaged
	}
	return nil, failure(layer.ErrFormat, "", -1, "no md superblock")
}

// HasSuperblock reports whether a device, whose first bytes are head, has a
// superblock of any version. Its end is read at once. An end that cannot be
// read holds none.
func HasSuperblock(head []byte, r io.ReaderAt, size int64) bool {
	start := max(size&^(reserved90-1)-reserved90, 0)
	tail := make([]byte, size-start)
	if ondisk.ReadFull(r, tail, start) != nil {
		tail = nil
	}
	for _, p := range places(size) {
		part := head
		if p.offset >= start && p.offset > superblockSize {
			part, p.offset = tail, p.offset-start
		}
		if p.offset < 0 || p.offset > int64(len(part))-8 {
			continue
		}
		major := binary.LittleEndian.Uint32(part[p.offset+4:])
		if binary.LittleEndian.Uint32(part[p.offset:]) == magic && (major == 0) == (p.version == "0.90") && major <= 1 {
			return true
		}
	}
	return false
}

// readAt reads a superblock of that version.
func readAt(r io.ReaderAt, size int64, version string, offset int64) (*Superblock, error) {
	buf := make([]byte, superblockSize)
	if err := ondisk.ReadFull(r, buf, offset); err != nil {
		return nil, failure(err, "", offset, "reading a superblock")
	}
	decode := decode1
	if version == "0.90" {
		decode = decode90
	}
	sb, err := decode(buf, size, version, offset)
	if err != nil {
		return nil, failure(err, "", offset, "superblock %s", version)
	}
	if err := sb.readBadBlocks(r, buf); err != nil {
		return nil, failure(err, "", offset, "superblock %s: bad block log", version)
	}
	return sb, nil
}

// ShortName returns the array's name without the host that made it.
func (s *Superblock) ShortName() string {
	if _, name, ok := strings.Cut(s.Name, ":"); ok {
		return name
	}
	return s.Name
}

// uuidText returns a UUID as mdadm prints it.
func uuidText(b []byte) string { return fmt.Sprintf("%x:%x:%x:%x", b[:4], b[4:8], b[8:12], b[12:16]) }

// inBytes returns a number of sectors in bytes, or whole when that is no number.
func inBytes(sectors uint64) int64 {
	if sectors > whole/sectorSize {
		return whole
	}
	return int64(sectors) * sectorSize
}

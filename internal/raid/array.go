package raid

import (
	"fmt"
	"io"
	"strings"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A Config describes an array. All sizes are in bytes.
type Config struct {
	Level  Level
	Layout Layout
	Chunk  int64 // 0 where there are no chunks: RAID1, Linear
	// Size is how much of each member is used. Linear and RAID0 use all that
	// each of them has, and leave it 0.
	Size    int64
	Members []Member
	// Consistent reports whether the parity of the n bytes at off of the
	// members is known to be that of the data. It is asked only when a member
	// cannot be read. Nil: parity is right everywhere.
	Consistent func(off, n int64) bool
	// Derive adds a source to those of the reader that the array's runs are
	// for, and returns its index. It is called once at most.
	Derive func(io.ReaderAt) int
}

// An Array is the extent.Mapper of an array. It is immutable, and may be used
// from any number of goroutines.
type Array struct {
	geometry
	size int64
}

// A geometry is the mapping of one kind of level.
type geometry interface {
	Map(off int64) (extent.Run, error)
}

// New returns the array, whose members must be as large as it needs them. The
// error is layer.ErrCorrupt for a description that makes no sense,
// layer.ErrUnsupported for a level or layout that is not read, and
// layer.ErrIncomplete when too many members are missing.
func New(c Config) (*Array, error) {
	switch {
	case len(c.Members) == 0 || len(c.Members) > maxMembers:
		return nil, fmt.Errorf("%d members, of at most %d: %w", len(c.Members), maxMembers, layer.ErrCorrupt)
	case c.Chunk < 0 || c.Chunk%sectorSize != 0 || c.Size < 0:
		return nil, fmt.Errorf("chunks of %d bytes, %d bytes of a member: %w", c.Chunk, c.Size, layer.ErrCorrupt)
	case c.Chunk == 0 && c.Level != RAID1 && c.Level != Linear:
		return nil, fmt.Errorf("level %d without a chunk size: %w", c.Level, layer.ErrCorrupt)
	}
	switch c.Level {
	case Linear:
		return newLinear(c)
	case RAID0:
		return newRAID0(c)
	}
	for i := range c.Members {
		if m := &c.Members[i]; m.Mapper != nil && m.Size < c.Size {
			return nil, fmt.Errorf("%s has %d bytes of %d: %w", m.Name, m.Size, c.Size, layer.ErrIncomplete)
		}
	}
	switch c.Level {
	case RAID1:
		return newRAID1(c)
	case RAID4, RAID5, RAID6:
		return newStriped(c)
	case RAID10:
		return newRAID10(c)
	}
	return nil, fmt.Errorf("level %d: %w", c.Level, layer.ErrUnsupported)
}

// Size returns how many bytes the array has.
func (a *Array) Size() int64 { return a.size }

// lacking returns the error that these members are missing or not in sync.
func lacking(members []Member, without func(*Member) bool) error {
	var names []string
	for i := range members {
		if m := &members[i]; without(m) {
			names = append(names, fmt.Sprintf("member %d (%s)", i, m.Name))
		}
	}
	return fmt.Errorf("cannot do without %s: %w", strings.Join(names, ", "), layer.ErrIncomplete)
}

// tooLarge is the error of an array whose size is no number.
func tooLarge(c Config) error {
	return fmt.Errorf("%d members of %d bytes: %w", len(c.Members), c.Size, layer.ErrCorrupt)
}

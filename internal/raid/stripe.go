package raid

import (
	"fmt"

	"github.com/vmdkfs/vmdkfs/layer"
)

// A striped is how rows of chunks with parity lie on the members.
type striped struct {
	level  Level
	layout Layout
	n      int // members
	chunk  int64
}

// A place is where a chunk of data lies.
type place struct {
	row    int64
	member int
}

// checkStriped returns what is wrong with a geometry of level 4, 5 or 6.
func checkStriped(s striped) error {
	least := s.level.parity() + 1
	if s.n < least || s.n > maxParity {
		return fmt.Errorf("level %d of %d members: %w", s.level, s.n, layer.ErrCorrupt)
	}
	switch {
	case s.level == RAID4:
	case s.layout <= ParityLast:
	case s.level == RAID6 && s.layout >= RotatingZeroRestart && s.layout <= RotatingNContinue:
	case s.level == RAID6 && s.layout >= LeftAsymmetric6 && s.layout <= ParityFirst6:
	default:
		return fmt.Errorf("layout %d of level %d: %w", s.layout, s.level, layer.ErrUnsupported)
	}
	return nil
}

// data returns how many chunks of data are in a row.
func (s *striped) data() int { return s.n - s.level.parity() }

// parities returns the members that hold P and Q of a row; q is -1 where
// there is none (raid5_compute_sector in raid5.c).
func (s *striped) parities(row int64) (p, q int) {
	n := int64(s.n)
	switch s.level {
	case RAID4:
		return s.n - 1, -1
	case RAID5:
		return s.parity5(row, n), -1
	}
	switch s.layout {
	case LeftAsymmetric, LeftSymmetric:
		p = int(n - 1 - row%n)
	case RightAsymmetric, RightSymmetric, RotatingZeroRestart:
		p = int(row % n)
	case RotatingNRestart:
		p = int(n - 1 - (row+1)%n)
	case ParityFirst:
		p = 0
	case ParityLast:
		p = s.n - 2
	case RotatingNContinue:
		p = int(n - 1 - row%n)
		return p, (p + s.n - 1) % s.n
	default:
		return s.parity5(row, n-1), s.n - 1
	}
	return p, (p + 1) % s.n
}

// parity5 returns the member that holds P among the first n.
func (s *striped) parity5(row, n int64) int {
	switch s.layout {
	case LeftAsymmetric, LeftSymmetric, LeftAsymmetric6, LeftSymmetric6:
		return int(n - 1 - row%n)
	case RightAsymmetric, RightSymmetric, RightAsymmetric6, RightSymmetric6:
		return int(row % n)
	case ParityFirst, ParityFirst6:
		return 0
	}
	return int(n - 1)
}

// locate returns where the chunk of data of that number lies.
func (s *striped) locate(index int64) place {
	data := int64(s.data())
	row, k := index/data, int(index%data)
	p, q := s.parities(row)
	switch {
	case s.level == RAID4 || s.level == RAID5:
		if s.layout == LeftSymmetric || s.layout == RightSymmetric {
			return place{row, (p + 1 + k) % s.n}
		}
	case s.layout == LeftSymmetric || s.layout == RightSymmetric:
		return place{row, (p + 2 + k) % s.n}
	case s.layout == RotatingNContinue:
		return place{row, (p + 1 + k) % s.n}
	case s.layout == LeftSymmetric6 || s.layout == RightSymmetric6:
		return place{row, (p + 1 + k) % (s.n - 1)}
	}
	// The k-th of the members that hold no parity.
	low, high := min(p, q), max(p, q)
	if low >= 0 && k >= low {
		k++
	}
	if k >= high {
		k++
	}
	return place{row, k}
}

// coefficient returns the exponent of the member's coefficient in Q of a row
// whose parities are p and q. DDF counts all members from the first on;
// md counts those with data from the one behind Q on (raid6_d0 and
// raid6_idx_to_slot in raid5.c).
func (s *striped) coefficient(member, p, q int) int {
	if s.layout >= RotatingZeroRestart && s.layout <= RotatingNContinue {
		return member
	}
	slot := (member - q - 1 + s.n) % s.n
	if (p-q-1+s.n)%s.n < slot {
		slot--
	}
	return slot
}

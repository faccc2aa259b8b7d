package raid

// A Level is an md personality, as superblocks number it.
type Level int

// The levels. dm-raid numbers them alike; its raid4 is a Level 5 with a
// parity member of its own.
const (
	Linear Level = -1
	RAID0  Level = 0
	RAID1  Level = 1
	RAID4  Level = 4
	RAID5  Level = 5
	RAID6  Level = 6
	RAID10 Level = 10
)

// A Layout tells variants of a level apart, in the numbers of md's
// superblocks.
type Layout uint32

// Layouts of RAID5 and RAID6 (ALGORITHM_* in drivers/md/raid5.h). Parity
// moves from the last member to the first (left) or the other way (right);
// data goes on behind the parity of its row (symmetric) or begins with the
// first member (asymmetric).
const (
	LeftAsymmetric  Layout = 0
	RightAsymmetric Layout = 1
	LeftSymmetric   Layout = 2
	RightSymmetric  Layout = 3
	ParityFirst     Layout = 4 // P, and then Q, on the first members
	ParityLast      Layout = 5 // P, and then Q, on the last ones

	// Those of DDF, of RAID6 only.
	RotatingZeroRestart Layout = 8  // raid6_zr
	RotatingNRestart    Layout = 9  // raid6_nr
	RotatingNContinue   Layout = 10 // raid6_nc

	// A RAID5 of all members but the last, which holds Q.
	LeftAsymmetric6  Layout = 16
	RightAsymmetric6 Layout = 17
	LeftSymmetric6   Layout = 18
	RightSymmetric6  Layout = 19
	ParityFirst6     Layout = 20
)

// Layouts of RAID0 whose members are not of one size (raid0.c): which member
// begins a zone.
const (
	RAID0Original  Layout = 1
	RAID0Alternate Layout = 2
)

// parity returns how many members of a row hold no data.
func (l Level) parity() int {
	switch l {
	case RAID4, RAID5:
		return 1
	case RAID6:
		return 2
	}
	return 0
}

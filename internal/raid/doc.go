// Package raid maps arrays to their members as Linux's md driver lays them out
// (drivers/md/raid0.c, raid5.c, raid10.c and md-linear.c in the kernel's
// sources), for md's own arrays and for those of device-mapper's raid target,
// which is md inside.
//
// A byte that a member holds is mapped to that member. Where it cannot be
// read, it is taken from another copy, or rebuilt from parity. A member that is
// missing or not in sync is never read. Errors wrap the kinds of package layer.
package raid

const (
	sectorSize = 512

	// maxMembers is how many members an array can have: the room in md's 1.x
	// superblock. dm-raid has 253.
	maxMembers = 1920

	// maxParity is how many members an array with parity can have: powers of
	// 2 in GF(2^8), which make Q, repeat after 255.
	maxParity = 255

	// maxPiece is how much is rebuilt at once, so that the memory for it does
	// not depend on the chunk size that a superblock names.
	maxPiece = 256 << 10
)

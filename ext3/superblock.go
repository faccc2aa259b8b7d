package ext3

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

var le = binary.LittleEndian

// A superblock is struct ext4_super_block, 1024 bytes from byte 1024 on. Its
// accessors have the names of the kernel's documentation, "The Super Block".
type superblock [1024]byte

const (
	superblockOffset = 1024
	superMagic       = 0xEF53
	// maxLogBlockSize is for blocks of 64 KiB, the largest of the format.
	maxLogBlockSize = 6
	// maxLogClusterSize is for clusters of 1 GiB, EXT4_MAX_CLUSTER_LOG_SIZE.
	maxLogClusterSize = 20
	// goodOldInodeSize is the size of an inode of revision 0, and the part of
	// every inode that is always there.
	goodOldInodeSize = 128
	goodOldFirstIno  = 11
	// superUnsignedHash is the flag of s_flags that is about hashes of names.
	superUnsignedHash = 0x2
)

func (s *superblock) sInodesCount() uint32     { return le.Uint32(s[0x00:0x04]) }
func (s *superblock) sFirstDataBlock() uint32  { return le.Uint32(s[0x14:0x18]) }
func (s *superblock) sLogBlockSize() uint32    { return le.Uint32(s[0x18:0x1C]) }
func (s *superblock) sLogClusterSize() uint32  { return le.Uint32(s[0x1C:0x20]) }
func (s *superblock) sBlocksPerGroup() uint32  { return le.Uint32(s[0x20:0x24]) }
func (s *superblock) sInodesPerGroup() uint32  { return le.Uint32(s[0x28:0x2C]) }
func (s *superblock) sMtime() uint32           { return le.Uint32(s[0x2C:0x30]) }
func (s *superblock) sWtime() uint32           { return le.Uint32(s[0x30:0x34]) }
func (s *superblock) sMntCount() uint16        { return le.Uint16(s[0x34:0x36]) }
func (s *superblock) sMagic() uint16           { return le.Uint16(s[0x38:0x3A]) }
func (s *superblock) sState() uint16           { return le.Uint16(s[0x3A:0x3C]) }
func (s *superblock) sRevLevel() uint32        { return le.Uint32(s[0x4C:0x50]) }
func (s *superblock) sFirstIno() uint32        { return le.Uint32(s[0x54:0x58]) }
func (s *superblock) sInodeSize() uint16       { return le.Uint16(s[0x58:0x5A]) }
func (s *superblock) sBlockGroupNr() uint16    { return le.Uint16(s[0x5A:0x5C]) }
func (s *superblock) sFeatureCompat() uint32   { return le.Uint32(s[0x5C:0x60]) }
func (s *superblock) sFeatureIncompat() uint32 { return le.Uint32(s[0x60:0x64]) }
func (s *superblock) sFeatureROCompat() uint32 { return le.Uint32(s[0x64:0x68]) }
func (s *superblock) sUUID() [16]byte          { return [16]byte(s[0x68:0x78]) }
func (s *superblock) sVolumeName() []byte      { return s[0x78:0x88] }
func (s *superblock) sLastMounted() []byte     { return s[0x88:0xC8] }
func (s *superblock) sJournalUUID() [16]byte   { return [16]byte(s[0xD0:0xE0]) }
func (s *superblock) sJournalInum() uint32     { return le.Uint32(s[0xE0:0xE4]) }
func (s *superblock) sDescSize() uint16        { return le.Uint16(s[0xFE:0x100]) }
func (s *superblock) sFirstMetaBG() uint32     { return le.Uint32(s[0x104:0x108]) }
func (s *superblock) sMkfsTime() uint32        { return le.Uint32(s[0x108:0x10C]) }
func (s *superblock) sErrorCount() uint32      { return le.Uint32(s[0x194:0x198]) }

// The first and the last error that the kernel met have the same fields in
// another order.
func (s *superblock) sFirstErrorTime() uint32  { return le.Uint32(s[0x198:0x19C]) }
func (s *superblock) sFirstErrorIno() uint32   { return le.Uint32(s[0x19C:0x1A0]) }
func (s *superblock) sFirstErrorBlock() uint64 { return le.Uint64(s[0x1A0:0x1A8]) }
func (s *superblock) sFirstErrorFunc() []byte  { return s[0x1A8:0x1C8] }
func (s *superblock) sFirstErrorLine() uint32  { return le.Uint32(s[0x1C8:0x1CC]) }
func (s *superblock) sLastErrorTime() uint32   { return le.Uint32(s[0x1CC:0x1D0]) }
func (s *superblock) sLastErrorIno() uint32    { return le.Uint32(s[0x1D0:0x1D4]) }
func (s *superblock) sLastErrorLine() uint32   { return le.Uint32(s[0x1D4:0x1D8]) }
func (s *superblock) sLastErrorBlock() uint64  { return le.Uint64(s[0x1D8:0x1E0]) }
func (s *superblock) sLastErrorFunc() []byte   { return s[0x1E0:0x200] }

func (s *superblock) sFlags() uint32 { return le.Uint32(s[0x160:0x164]) }
func (s *superblock) sHashSeed() [4]uint32 {
	return [4]uint32{le.Uint32(s[0xEC:0xF0]), le.Uint32(s[0xF0:0xF4]), le.Uint32(s[0xF4:0xF8]), le.Uint32(s[0xF8:0xFC])}
}
func (s *superblock) sChecksumType() uint8  { return s[0x175] }
func (s *superblock) sChecksumSeed() uint32 { return le.Uint32(s[0x270:0x274]) }
func (s *superblock) sEncoding() uint16     { return le.Uint16(s[0x27C:0x27E]) }
func (s *superblock) sBackupBGs() [2]uint32 {
	return [2]uint32{le.Uint32(s[0x24C:0x250]), le.Uint32(s[0x250:0x254])}
}

// The counts of blocks have their upper halves elsewhere, with 64bit only.
func (s *superblock) sBlocksCount() uint64 { return s.joined(s[0x04:0x08], s[0x150:0x154]) }
func (s *superblock) sFreeBlocksCount() uint64 {
	return s.joined(s[0x0C:0x10], s[0x158:0x15C])
}
func (s *superblock) sFreeInodesCount() uint32 { return le.Uint32(s[0x10:0x14]) }

func (s *superblock) joined(lo, hi []byte) uint64 {
	n := uint64(le.Uint32(lo))
	if s.incompat(incompat64Bit) {
		n |= uint64(le.Uint32(hi)) << 32
	}
	return n
}

func (s *superblock) compat(bit uint32) bool   { return s.sFeatureCompat()&bit != 0 }
func (s *superblock) incompat(bit uint32) bool { return s.sFeatureIncompat()&bit != 0 }
func (s *superblock) roCompat(bit uint32) bool { return s.sFeatureROCompat()&bit != 0 }

// readSuperblock reads the primary superblock of r and its geometry.
func readSuperblock(r io.ReaderAt) (*superblock, geometry, error) {
	return readSuperblockAt(r, superblockOffset)
}

// readSuperblockAt reads a superblock at a byte of r, and its geometry.
func readSuperblockAt(r io.ReaderAt, off int64) (*superblock, geometry, error) {
	const object = "superblock"
	s := new(superblock)
	if err := ondisk.ReadFull(r, s[:], off); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, layer.ErrIncomplete) {
			return nil, geometry{}, layer.Errorf(layer.ErrFormat, layerName, object, off, "the source ends before it")
		}
		return nil, geometry{}, failed(object, off, err)
	}
	if s.sMagic() != superMagic {
		return nil, geometry{}, layer.Errorf(layer.ErrFormat, layerName, object, off, "magic is %#04x, not %#04x", s.sMagic(), superMagic)
	}
	if err := s.checkFeatures(); err != nil {
		return nil, geometry{}, err
	}
	g, err := s.geometry()
	return s, g, err
}

// readBackup reads the copy of the superblock at the start of group 1, which
// every file system of more than one group has, unless mke2fs was told not to.
// Where that is depends on the block size, which is not known: a copy says
// which group it is in, and so proves itself.
func readBackup(r io.ReaderAt) (*superblock, geometry, int64, error) {
	for log := range maxLogBlockSize + 1 {
		blockSize := int64(1024) << log
		off := 8 * blockSize * blockSize // a group has as many blocks as its bitmap has bits
		if blockSize == 1024 {
			off += blockSize // behind the boot block
		}
		s, g, err := readSuperblockAt(r, off)
		if err == nil && g.blockSize == blockSize && s.sBlockGroupNr() == 1 {
			return s, g, off, nil
		}
	}
	return nil, geometry{}, 0, layer.Errorf(layer.ErrFormat, layerName, "superblock", noOffset, "no copy of it either")
}

// HasBackup reports whether r holds a copy of a superblock where that of a file
// system whose first one is damaged lies, so that Open will read it through
// the copy.
func HasBackup(r io.ReaderAt) bool {
	_, _, _, err := readBackup(r)
	return err == nil
}

// A geometry is the validated shape of a file system.
type geometry struct {
	blockSize      int64  // bytes
	clusterSize    int64  // bytes; what is allocated at once: a block, without bigalloc
	blocks         uint64 // count; blocks*blockSize fits an int64
	firstDataBlock uint64
	blocksPerGroup uint64
	groups         uint32
	inodes         uint32 // count
	inodesPerGroup uint32
	inodeSize      int64 // bytes
	firstInode     uint32
	descSize       int64 // bytes
}

// geometry checks what the kernel checks when it mounts: after it no division
// by zero, no overflow, and every group and inode has a place.
func (s *superblock) geometry() (geometry, error) {
	bad := func(format string, args ...any) (geometry, error) {
		return geometry{}, corrupt("superblock", superblockOffset, format, args...)
	}
	if s.sLogBlockSize() > maxLogBlockSize {
		return bad("block size 2^%d KiB", s.sLogBlockSize())
	}
	g := geometry{
		blockSize:      1024 << s.sLogBlockSize(),
		blocks:         s.sBlocksCount(),
		firstDataBlock: uint64(s.sFirstDataBlock()),
		blocksPerGroup: uint64(s.sBlocksPerGroup()),
		inodes:         s.sInodesCount(),
		inodesPerGroup: s.sInodesPerGroup(),
		inodeSize:      goodOldInodeSize,
		firstInode:     goodOldFirstIno,
		descSize:       32,
	}
	minDescSize := g.descSize
	if s.sRevLevel() > 0 {
		g.inodeSize, g.firstInode = int64(s.sInodeSize()), s.sFirstIno()
	}
	g.clusterSize = g.blockSize
	if s.roCompat(roCompatBigalloc) {
		if s.sLogClusterSize() > maxLogClusterSize {
			return bad("cluster size 2^%d KiB", s.sLogClusterSize())
		}
		g.clusterSize = 1024 << s.sLogClusterSize()
	}
	if s.incompat(incompat64Bit) {
		g.descSize = int64(s.sDescSize())
		minDescSize = 64
	}
	switch size, ok := ondisk.Mul(g.blocks, uint64(g.blockSize)); {
	case !ok || size == 0:
		return bad("%d blocks of %d bytes", g.blocks, g.blockSize)
	case g.inodeSize < goodOldInodeSize || g.inodeSize > g.blockSize || g.inodeSize&(g.inodeSize-1) != 0:
		return bad("inode size %d", g.inodeSize)
	case g.descSize < minDescSize || g.descSize > g.blockSize || g.descSize&(g.descSize-1) != 0:
		return bad("group descriptor size %d", g.descSize)
	case g.firstDataBlock >= g.blocks:
		return bad("first data block %d of %d", g.firstDataBlock, g.blocks)
	case g.blocksPerGroup == 0:
		return bad("no blocks in a group")
	case g.inodesPerGroup == 0 || int64(g.inodesPerGroup) > 8*g.blockSize:
		return bad("%d inodes in a group", g.inodesPerGroup)
	}
	groups := (g.blocks - g.firstDataBlock + g.blocksPerGroup - 1) / g.blocksPerGroup
	if groups*uint64(g.inodesPerGroup) != uint64(g.inodes) {
		return bad("%d groups of %d inodes are not %d inodes", groups, g.inodesPerGroup, g.inodes)
	}
	g.groups = uint32(groups) // groups*inodesPerGroup fits 32 bits
	return g, nil
}

// cString returns b up to its first NUL.
func cString(b []byte) []byte {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return b[:i]
	}
	return b
}

package ext3

import (
	"io/fs"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/cache"
	"github.com/vmdkfs/vmdkfs/layer"
)

// rootInode is the number of the root directory.
const rootInode = 2

// Flags of an inode.
const (
	flagEncrypt    = 0x00000800
	flagHashIndex  = 0x00001000
	flagExtents    = 0x00080000
	flagEAInode    = 0x00200000
	flagInlineData = 0x10000000
	flagCasefold   = 0x40000000

	// userFlags are those that chattr(1) sets, and fscrypt and fs-verity: not
	// how the data is kept.
	userFlags = 0x6213C8FF // EXT4_FL_USER_VISIBLE, less the bits of the layout
)

// A rawInode is struct ext4_inode, at least 128 bytes. Its accessors have the
// names of the kernel's documentation, "Index Nodes".
type rawInode []byte

func (i rawInode) iMode() uint16 { return le.Uint16(i[0x0:0x2]) }
func (i rawInode) iUID() uint32 {
	return uint32(le.Uint16(i[0x2:0x4])) | uint32(le.Uint16(i[0x78:0x7A]))<<16
}
func (i rawInode) iGID() uint32 {
	return uint32(le.Uint16(i[0x18:0x1A])) | uint32(le.Uint16(i[0x7A:0x7C]))<<16
}
func (i rawInode) iSizeLo() uint32     { return le.Uint32(i[0x4:0x8]) }
func (i rawInode) iSizeHigh() uint32   { return le.Uint32(i[0x6C:0x70]) }
func (i rawInode) iLinksCount() uint16 { return le.Uint16(i[0x1A:0x1C]) }
func (i rawInode) iBlocks() uint64 {
	return uint64(le.Uint32(i[0x1C:0x20])) | uint64(le.Uint16(i[0x74:0x76]))<<32
}
func (i rawInode) iFlags() uint32      { return le.Uint32(i[0x20:0x24]) }
func (i rawInode) iBlock() []byte      { return i[0x28:0x64] }
func (i rawInode) iGeneration() uint32 { return le.Uint32(i[0x64:0x68]) }
func (i rawInode) iFileACL() uint64 {
	return uint64(le.Uint32(i[0x68:0x6C])) | uint64(le.Uint16(i[0x76:0x78]))<<32
}

// extraISize returns how many bytes behind the first 128 hold fields.
func (i rawInode) extraISize() int {
	if len(i) < goodOldInodeSize+4 {
		return 0
	}
	return int(le.Uint16(i[0x80:0x82]))
}

// time decodes a timestamp and its extra field, which may not be there.
func (i rawInode) time(at, extraAt int) time.Time {
	sec, nsec := int64(int32(le.Uint32(i[at:at+4]))), int64(0)
	if extraAt+4 <= goodOldInodeSize+i.extraISize() && extraAt+4 <= len(i) {
		extra := le.Uint32(i[extraAt : extraAt+4])
		sec += int64(extra&3) << 32
		nsec = int64(extra >> 2)
	}
	return time.Unix(sec, nsec).UTC()
}

func (i rawInode) mtime() time.Time { return i.time(0x10, 0x88) }
func (i rawInode) atime() time.Time { return i.time(0x8, 0x8C) }
func (i rawInode) ctime() time.Time { return i.time(0xC, 0x84) }

// crtime is zero when the inode is too small to have one.
func (i rawInode) crtime() time.Time {
	if goodOldInodeSize+i.extraISize() < 0x98 || len(i) < 0x98 {
		return time.Time{}
	}
	return i.time(0x90, 0x94)
}

// iVersion counts the changes of the inode, since Linux 6.1 always; 0 where it
// has never been counted.
func (i rawInode) iVersion() uint64 {
	version := uint64(le.Uint32(i[0x24:0x28]))
	if goodOldInodeSize+i.extraISize() < 0x9C || len(i) < 0x9C {
		return version
	}
	return version | uint64(le.Uint32(i[0x98:0x9C]))<<32
}

// iProjID is 0 when the inode is too small to have it.
func (i rawInode) iProjID() uint32 {
	if goodOldInodeSize+i.extraISize() < 0xA0 || len(i) < 0xA0 {
		return 0
	}
	return le.Uint32(i[0x9C:0xA0])
}

// An Inode holds what the file system knows of a file beside its name: it is
// what FileInfo.Sys returns, as *Inode, and implements [layer.Sys].
type Inode struct {
	Number     uint32
	RawMode    uint16 // type and permission bits as on disk
	Flags      uint32 // EXT4_*_FL
	Generation uint32
	Version    uint64 // counts the changes where the kernel does so
	Links      uint16
	UID, GID   uint32
	Project    uint32 // of the quota, 0 where inodes have no such field
	Length     int64  // bytes
	Sectors    uint64 // of 512 bytes, allocated; with EXT4_HUGE_FILE_FL, file system blocks
	Access     time.Time
	Modify     time.Time
	Change     time.Time
	Birth      time.Time // zero where inodes have no such field

	fsys      *FS
	block     [60]byte // i_block: a map, an extent tree, a target, a device
	xattrAt   uint64   // block of attributes, 0 for none
	xattrBody int      // where the entries of attributes begin in the inode, 0 for nowhere
}

// Unix implements [layer.Sys].
func (i *Inode) Unix() layer.Unix {
	u := layer.Unix{Volume: i.fsys, Inode: uint64(i.Number), Links: uint32(i.Links), UID: i.UID, GID: i.GID,
		Access: i.Access, Change: i.Change, Birth: i.Birth,
		Generation: uint64(i.Generation), Revision: i.Version, Attributes: uint64(i.Flags & userFlags)}
	if t := i.RawMode & modeType; t == modeChar || t == modeBlock {
		u.Major, u.Minor = i.device()
	}
	return u
}

// device decodes the number of a device node: 8 bits each in the first word,
// or 12 and 20 bits in the second.
func (i *Inode) device() (major, minor uint32) {
	if dev := le.Uint32(i.block[0:4]); dev != 0 {
		return dev >> 8 & 0xFF, dev & 0xFF
	}
	dev := le.Uint32(i.block[4:8])
	return dev >> 8 & 0xFFF, dev&0xFF | dev>>12&0xFFF00
}

// The type bits of i_mode.
const (
	modeType    = 0xF000
	modeFIFO    = 0x1000
	modeChar    = 0x2000
	modeDir     = 0x4000
	modeBlock   = 0x6000
	modeRegular = 0x8000
	modeSymlink = 0xA000
	modeSocket  = 0xC000
)

// fileMode returns i_mode as io/fs has it.
func fileMode(raw uint16) fs.FileMode {
	mode := fs.FileMode(raw & 0o777)
	switch raw & modeType {
	case modeFIFO:
		mode |= fs.ModeNamedPipe
	case modeChar:
		mode |= fs.ModeDevice | fs.ModeCharDevice
	case modeDir:
		mode |= fs.ModeDir
	case modeBlock:
		mode |= fs.ModeDevice
	case modeRegular:
	case modeSymlink:
		mode |= fs.ModeSymlink
	case modeSocket:
		mode |= fs.ModeSocket
	default:
		mode |= fs.ModeIrregular
	}
	if raw&0o4000 != 0 {
		mode |= fs.ModeSetuid
	}
	if raw&0o2000 != 0 {
		mode |= fs.ModeSetgid
	}
	if raw&0o1000 != 0 {
		mode |= fs.ModeSticky
	}
	return mode
}

// rawInode returns an inode's bytes, which lie in the cache, and their offset.
func (f *FS) rawInode(number uint32) (rawInode, int64, error) { return f.rawInodeFor(nil, number) }

// rawInodeFor is rawInode for a caller that needs the bytes until it releases
// h.
func (f *FS) rawInodeFor(h *cache.Hold, number uint32) (rawInode, int64, error) {
	if number == 0 || number > f.geo.inodes {
		return nil, noOffset, corrupt(inodeName(number), noOffset, "the last inode is %d", f.geo.inodes)
	}
	group, index := (number-1)/f.geo.inodesPerGroup, (number-1)%f.geo.inodesPerGroup
	table, err := f.inodeTable(group)
	if err != nil {
		return nil, noOffset, err
	}
	// An inode does not cross blocks, as both sizes are powers of two.
	at := int64(index) * f.geo.inodeSize
	if raw, newer := f.fast.inode(number); newer {
		return raw, f.offset(table) + at, nil
	}
	block, err := f.blockFor(h, table+uint64(at/f.geo.blockSize))
	if err != nil {
		return nil, noOffset, failed(inodeName(number), f.offset(table)+at, err)
	}
	return rawInode(block[at%f.geo.blockSize:][:f.geo.inodeSize]), f.offset(table) + at, nil
}

// inode decodes an inode that a directory may name.
func (f *FS) inode(number uint32) (*Inode, error) {
	var h cache.Hold
	defer h.Release()
	raw, at, err := f.rawInodeFor(&h, number)
	if err != nil {
		return nil, err
	}
	if _, newer := f.fast.inode(number); !newer { // that one's checksum is the old inode's
		if err := f.checkInode(number, raw, at); err != nil {
			return nil, err
		}
	}
	return f.decodeInode(number, raw, at)
}

// decodeInode decodes the bytes of an inode in use.
func (f *FS) decodeInode(number uint32, raw rawInode, at int64) (*Inode, error) {
	i := &Inode{
		Number: number, RawMode: raw.iMode(), Flags: raw.iFlags(), Generation: raw.iGeneration(), Version: raw.iVersion(),
		Links: raw.iLinksCount(), UID: raw.iUID(), GID: raw.iGID(), Project: raw.iProjID(), Sectors: raw.iBlocks(),
		Access: raw.atime(), Modify: raw.mtime(), Change: raw.ctime(), Birth: raw.crtime(),
		fsys: f, block: [60]byte(raw.iBlock()), xattrAt: raw.iFileACL(),
	}
	size := uint64(raw.iSizeLo())
	if t := i.RawMode & modeType; t == modeRegular || (t == modeDir && f.super.incompat(incompatLargeDir)) {
		size |= uint64(raw.iSizeHigh()) << 32
	}
	i.Length = int64(size)
	extra := raw.extraISize()
	switch {
	case i.Length < 0:
		return nil, corrupt(inodeName(number), at, "size %d", size)
	case i.Links == 0:
		return nil, corrupt(inodeName(number), at, "a deleted inode is in use")
	case extra > 0 && (goodOldInodeSize+extra > len(raw) || extra%4 != 0):
		return nil, corrupt(inodeName(number), at, "%d extra bytes in an inode of %d", extra, len(raw))
	}
	if body := goodOldInodeSize + extra; extra > 0 && len(raw)-body >= 4 && le.Uint32(raw[body:]) == xattrMagic {
		// Without the magic none were ever set. Most inodes have it, and behind
		// it at once the end of the entries.
		if entries := raw[body+4:]; len(entries) < 4 || le.Uint32(entries) != 0 {
			i.xattrBody = body + 4
		}
	}
	return i, nil
}

package ext3

import (
	"encoding/hex"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/vnode"
)

// Info holds what a superblock says of its file system.
type Info struct {
	Type        string // "ext2", "ext3" or "ext4", by its features
	UUID        string // as blkid shows it
	Label       string
	LastMounted string // directory
	Features    []string
	BlockSize   int64  // bytes
	Blocks      uint64 // count
	FreeBlocks  uint64
	Inodes      uint32
	FreeInodes  uint32
	InodeSize   int64        // bytes
	Clean       bool         // it was unmounted, and no error was met
	Backup      bool         // the superblock was damaged, and this is its copy
	Errors      uint32       // that the kernel met since the last check
	FirstError  *ErrorRecord // nil when there is none
	LastError   *ErrorRecord
	Created     time.Time // zero where it is not recorded
	Mounted     time.Time
	Written     time.Time
	Mounts      uint16 // since the last check
}

// An ErrorRecord is an error that the kernel met in the file system.
type ErrorRecord struct {
	Time     time.Time
	Function string // of the kernel, with the line that met it
	Line     uint32
	Inode    uint32 // 0 when it is not about one
	Block    uint64 // likewise
}

// errorRecord returns an error's record, nil for one that was not met.
func errorRecord(at uint32, function []byte, line, inode uint32, block uint64) *ErrorRecord {
	if at == 0 {
		return nil
	}
	return &ErrorRecord{unixTime(at), vnode.Escape(cString(function)), line, inode, block}
}

// The bits of s_state.
const (
	stateClean  = 0x1
	stateErrors = 0x2
)

// Info returns the facts of the superblock, after recovery. Linux brings the
// counts of free blocks and inodes up to date only when it unmounts.
func (f *FS) Info() Info {
	s := f.super
	return Info{
		Type: s.fsType(), UUID: formatUUID(s.sUUID()), Label: vnode.Escape(cString(s.sVolumeName())),
		LastMounted: vnode.Escape(cString(s.sLastMounted())), Features: s.features(),
		BlockSize: f.geo.blockSize, Blocks: f.geo.blocks, FreeBlocks: s.sFreeBlocksCount(),
		Inodes: f.geo.inodes, FreeInodes: s.sFreeInodesCount(), InodeSize: f.geo.inodeSize,
		Clean:  s.sState()&(stateClean|stateErrors) == stateClean && !f.journal.Needed,
		Backup: f.backup, Errors: s.sErrorCount(), Mounts: s.sMntCount(),
		FirstError: errorRecord(s.sFirstErrorTime(), s.sFirstErrorFunc(), s.sFirstErrorLine(), s.sFirstErrorIno(), s.sFirstErrorBlock()),
		LastError:  errorRecord(s.sLastErrorTime(), s.sLastErrorFunc(), s.sLastErrorLine(), s.sLastErrorIno(), s.sLastErrorBlock()),
		Created:    unixTime(s.sMkfsTime()), Mounted: unixTime(s.sMtime()), Written: unixTime(s.sWtime()),
	}
}

// fsType names the file system as blkid does.
func (s *superblock) fsType() string {
	const ext3Incompat = incompatFiletype | incompatRecover | incompatMetaBG
	const ext3ROCompat = roCompatSparseSuper | roCompatLargeFile | 0x4 // btree_dir
	switch {
	case s.sFeatureIncompat()&^ext3Incompat != 0 || s.sFeatureROCompat()&^ext3ROCompat != 0:
		return "ext4"
	case s.compat(compatHasJournal):
		return "ext3"
	}
	return "ext2"
}

func unixTime(sec uint32) time.Time {
	if sec == 0 {
		return time.Time{}
	}
	return time.Unix(int64(sec), 0).UTC()
}

func formatUUID(u [16]byte) string {
	s := hex.EncodeToString(u[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

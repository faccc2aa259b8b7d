package ext3

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/vmdkfs/vmdkfs/internal/cache"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

// An FS is an opened file system. It implements [io/fs.ReadDirFS],
// [io/fs.StatFS], [io/fs.ReadFileFS], [io/fs.ReadLinkFS] and [io/fs.SubFS];
// FileInfo.Sys returns *Inode, and a regular file is a [layer.File]. It may be
// used from any number of goroutines.
type FS struct {
	*vnode.FS
	super   *superblock
	geo     geometry
	device  io.ReaderAt // the source, recovered
	cache   *cache.Cache
	tables  tableCache
	seed    uint32 // of all checksums
	strict  bool
	backup  bool // the superblock is a copy
	journal Journal
	fast    *fastChanges // nil without fast commits

	mu         sync.Mutex
	warnings   []error
	mismatches map[int64]struct{} // places of checksums that are among the warnings
}

// An Option changes how Open opens a file system.
type Option func(*options)

type options struct {
	noReplay, strict bool
	journal          *device // external, nil for none
}

// WithoutReplay leaves the journal alone: the file system is read as it lies
// on the disk, without its newest changes and possibly inconsistent.
func WithoutReplay() Option { return func(o *options) { o.noReplay = true } }

// WithJournal gives the size bytes of r as the journal of a file system that
// keeps it on a device of its own. They must have the UUID that the file system
// names; a file system with a journal inside ignores them.
func WithJournal(r io.ReaderAt, size int64) Option {
	return func(o *options) { o.journal = &device{r, size} }
}

// Strict makes a checksum of metadata that does not match an error of whatever
// needs that metadata. Without it, it is a warning, as what is there may be all
// that is left.
func Strict() Option { return func(o *options) { o.strict = true } }

// Open opens the ext2, ext3 or ext4 file system in the size bytes of r, which
// stay the caller's. When the file system needs recovery its journal is
// replayed in memory. A damaged superblock is replaced by its first copy, with a
// warning.
//
// The error is layer.ErrFormat when there is no such file system,
// layer.ErrUnsupported when it has a feature that cannot be read, and
// layer.ErrIncomplete when it needs a journal that is elsewhere.
func Open(r io.ReaderAt, size int64, opts ...Option) (*FS, error) {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	source := &device{r, size}
	f, err := newFS(source, o)
	if err != nil {
		return nil, err
	}
	recovered, journal, tags, err := f.openDevice(source, o)
	if err != nil {
		return nil, err
	}
	if journal.Replayed {
		// The superblock itself may be in the journal.
		if f, err = newFS(recovered, o); err != nil {
			return nil, err
		}
		if f.fast, err = f.replayFastCommits(tags); err != nil {
			return nil, err
		}
	}
	f.journal = journal
	if journal.Err != nil {
		f.warnings = append(f.warnings, journal.Err)
	}
	if want := int64(f.geo.blocks) * f.geo.blockSize; want > size {
		f.warnings = append(f.warnings, fmt.Errorf("the file system has %d bytes and its source ends at %d: what lies beyond is missing", want, size))
	}
	if f.super.incompat(incompatCasefold) && f.super.sEncoding() != encodingUTF8 {
		f.warnings = append(f.warnings, unsupported("superblock", "encoding %d: names are found in their own case only", f.super.sEncoding()))
	}
	root, err := f.node(rootInode)
	if err != nil {
		return nil, err
	}
	dir, ok := root.(dirNode)
	if !ok {
		return nil, corrupt("root directory", noOffset, "inode %d is not a directory", rootInode)
	}
	f.FS = vnode.New(dir)
	return f, nil
}

// newFS reads the superblock of a device, or its copy where it is damaged.
func newFS(device io.ReaderAt, o options) (*FS, error) {
	f := &FS{device: device, cache: cache.New(device, cacheBudget), strict: o.strict}
	var err error
	f.super, f.geo, err = readSuperblock(device)
	if errors.Is(err, layer.ErrFormat) || errors.Is(err, layer.ErrCorrupt) {
		backup, geo, off, backupErr := readBackup(device)
		if backupErr != nil {
			return nil, err
		}
		f.super, f.geo, f.backup = backup, geo, true
		f.warnings = append(f.warnings, corrupt("superblock", superblockOffset, "%v: its copy at byte %d is read", err, off))
	} else if err != nil {
		return nil, err
	}
	f.seed = f.super.checksumSeed()
	return f, f.checkSuper()
}

// Journal tells what was done with the journal.
func (f *FS) Journal() Journal { return f.journal }

// Warnings returns what is wrong with the file system and did not keep it from
// being read. Checksums that do not match are added as they are met.
func (f *FS) Warnings() []error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.warnings)
}

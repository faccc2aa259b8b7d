package fat

import (
	"errors"
	"io"

	"github.com/vmdkfs/vmdkfs/internal/cache"
	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

const (
	// metadataPiece is how much of a directory is read at once. Small ones
	// lie together.
	metadataPiece = 32 << 10
	// cacheBudget is how many bytes of the table and of directories are kept.
	// The table of most EFI system partitions has less.
	cacheBudget = 2 << 20
)

// An FS is an opened file system. It implements [io/fs.ReadDirFS],
// [io/fs.StatFS], [io/fs.ReadFileFS], [io/fs.ReadLinkFS] and [io/fs.SubFS];
// FileInfo.Sys returns *Entry, and a regular file is a [layer.File]. It may be
// used from any number of goroutines.
//
// A file can be opened under its name in any case and under its 8.3 name too;
// listings show the long name.
type FS struct {
	*vnode.FS
	source io.ReaderAt
	size   int64
	boot   *bootSector
	geo    geometry
	cache  *cache.Cache
	root   *dirNode
}

// Open opens the FAT12, FAT16 or FAT32 file system in the size bytes of r,
// which stay the caller's. It reads the boot sector; table and directories are
// read when they are needed.
//
// The error is layer.ErrFormat when there is no such file system,
// layer.ErrUnsupported for a version that does not exist yet,
// layer.ErrIncomplete when the source ends before the data begins and
// layer.ErrCorrupt when the boot sector contradicts itself.
func Open(r io.ReaderAt, size int64) (*FS, error) {
	b := new(bootSector)
	if size < bootSectorSize {
		return nil, layer.Errorf(layer.ErrFormat, layerName, "boot sector", 0, "%d bytes are no sector", size)
	}
	if err := ondisk.ReadFull(r, b[:], 0); err != nil {
		return nil, failed("boot sector", 0, err)
	}
	if !b.plausible() {
		return nil, layer.Errorf(layer.ErrFormat, layerName, "boot sector", 0, "no parameters of FAT")
	}
	if b.isFAT32() && b.fsVer() != 0 {
		return nil, layer.Errorf(layer.ErrUnsupported, layerName, "boot sector", 42, "FAT32 of version %d.%d", b.fsVer()>>8, b.fsVer()&0xff)
	}
	geo, err := newGeometry(b, size)
	if err != nil {
		return nil, err
	}
	f := &FS{source: r, size: min(size, geo.size), boot: b, geo: geo, cache: cache.New(r, cacheBudget)}
	f.root = &dirNode{Entry: &Entry{Attributes: Directory, Cluster: geo.rootCluster, fsys: f}, fsys: f}
	f.FS = vnode.New(f.root)
	return f, nil
}

// metadata is the source with the cache in front.
type metadata struct{ f *FS }

// ReadAt implements io.ReaderAt.
func (m metadata) ReadAt(p []byte, off int64) (int, error) {
	for done := 0; done < len(p); {
		at := off + int64(done)
		start := at &^ (metadataPiece - 1)
		n := min(metadataPiece, m.f.size-start)
		if at-start >= n {
			return done, io.EOF
		}
		piece, err := m.f.cache.Get(start, int(n))
		if err != nil { // a bad spot must cost no more than itself
			n, err := m.f.source.ReadAt(p[done:], at)
			return done + n, err
		}
		done += copy(p[done:], piece[at-start:])
	}
	return len(p), nil
}

// Warnings returns what is wrong with the file system and did not keep it from
// being read.
func (f *FS) Warnings() []error {
	var list []error
	if f.size < f.geo.size {
		list = append(list, layer.Errorf(layer.ErrIncomplete, layerName, "", noOffset, "the file system has %d bytes and its source ends at %d: what lies beyond is missing", f.geo.size, f.size))
	}
	if s, err := f.state(); err != nil {
		list = append(list, err)
	} else if s.failed {
		list = append(list, errIO)
	}
	return list
}

var errIO = errors.New("the guest met errors when it last read or wrote the disk")

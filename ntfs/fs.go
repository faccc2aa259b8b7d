package ntfs

import (
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/vmdkfs/vmdkfs/internal/vnode"
)

// An FS is an opened volume. It implements [io/fs.ReadDirFS],
// [io/fs.StatFS], [io/fs.ReadFileFS], [io/fs.ReadLinkFS] and [io/fs.SubFS];
// FileInfo.Sys returns *FileRecord, or *Stream for a named stream, and a regular
// file is a [layer.File]. It may be used from any number of goroutines.
type FS struct {
	*vnode.FS
	geo           geometry
	source        int64       // bytes of it, which may be less than the volume has
	device        io.ReaderAt // the source; what $LogFile has and the disk has not would lie over it
	meta          *metadata   // the same, for what is small
	mft           mft
	caseSensitive bool
	upCase        func() (*upCase, error) // read when it is first needed
	warnings      []error
	scratch       scratch
	security      securityCache
}

// An Option changes how Open opens a volume.
type Option func(*options)

type options struct{ caseSensitive bool }

// CaseSensitive makes the case of names count in every directory. Without it,
// it counts in those only that say so.
func CaseSensitive() Option { return func(o *options) { o.caseSensitive = true } }

// Open opens the NTFS volume in the size bytes of r, which stay the caller's.
// A damaged boot sector, and a damaged record of $MFT, are replaced by their
// copies, with a warning.
//
// The volume is read as it lies on the disk: changes that are in $LogFile only
// are not made up for, and State tells whether there may be such.
//
// The error is layer.ErrFormat when there is no such volume.
func Open(r io.ReaderAt, size int64, opts ...Option) (*FS, error) {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	source := &device{r, size}
	f := &FS{source: size, device: source, caseSensitive: o.caseSensitive}
	var warning, err error
	if f.geo, warning, err = readGeometry(source, size); err != nil {
		return nil, err
	}
	f.warn(warning)
	if f.geo.size > size {
		f.warn(fmt.Errorf("the volume has %d bytes and its source ends at %d: what lies beyond is missing", f.geo.size, size))
	}
	f.meta = newMetadata(source, f.geo.size)
	f.upCase = sync.OnceValues(f.readUpCase)
	if warning, err = f.openMFT(); err != nil {
		return nil, err
	}
	f.warn(warning)
	root, err := f.fileRecord(recordRoot)
	if err != nil {
		return nil, err
	}
	dir, ok := root.node().(dirNode)
	if !ok {
		return nil, corrupt("root directory", noOffset, "file record %d is not a directory", recordRoot)
	}
	f.FS = vnode.New(dir)
	return f, nil
}

func (f *FS) warn(err error) {
	if err != nil {
		f.warnings = append(f.warnings, err)
	}
}

// Warnings returns what is wrong with the volume and did not keep it from
// being read. A State that is not clean is among it.
func (f *FS) Warnings() []error {
	list := slices.Clone(f.warnings)
	s, err := f.State()
	switch {
	case err != nil:
		list = append(list, err)
	case !s.Clean():
		list = append(list, fmt.Errorf("the state of the volume: %s", s))
	}
	return list
}

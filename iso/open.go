package iso

import (
	"bytes"
	"io"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/cache"
	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

const (
	// maxDescriptors is how many volume descriptors are read in search of the
	// one that ends them. Real images have up to five.
	maxDescriptors = 64

	// minBlock is the smallest logical block in bytes (ECMA-119 6.2.2). The
	// largest is a sector.
	minBlock = 512

	// cacheBudget is how much of the directories is kept, in bytes.
	cacheBudget = 4 << 20

	// xaSkip is what CD-ROM XA has at the start of each system use area, where
	// SUSP's fields come behind it.
	xaSkip = 14
)

// A Tree is one of the trees of directories that an image may have.
type Tree int

const (
	// Best is the tree that tells most: RockRidge, else Joliet, else Plain.
	Best Tree = iota
	// RockRidge has names to 255 bytes and all attributes of Unix.
	RockRidge
	// Joliet has names of UCS-2 characters.
	Joliet
	// Plain has the names of ISO 9660 itself, as they are recorded but for the
	// version 1 and a dot at the end.
	Plain
)

func (t Tree) String() string {
	switch t {
	case RockRidge:
		return "Rock Ridge"
	case Joliet:
		return "Joliet"
	case Plain:
		return "ISO 9660"
	}
	return "best"
}

// An OpenOption changes what Open does.
type OpenOption func(*FS)

// WithTree makes Open read the given tree. An image that does not have it is
// [layer.ErrFormat].
func WithTree(t Tree) OpenOption { return func(f *FS) { f.tree = t } }

// An FS is the file system of an image. It and its files may be used from any
// number of goroutines. Its FileInfos have a *[Sys]. Resource forks
// ("associated files") are not listed, and directories that a writer had to
// relocate are shown where they belong.
type FS struct {
	*vnode.FS
	source    io.ReaderAt
	size      int64
	cache     *cache.Cache
	tree      Tree
	volume    *volumeDescriptor
	blockSize int64 // bytes
	setSize   uint16
	sequence  uint16
	skip      int // bytes of a system use area before its fields
}

// Open opens the image of size bytes in r. An image without the signature of
// ISO 9660 is [layer.ErrFormat], or [layer.ErrUnsupported] when it has that of
// UDF alone.
func Open(r io.ReaderAt, size int64, opts ...OpenOption) (*FS, error) {
	f := &FS{source: r, size: size, cache: cache.New(r, cacheBudget)}
	for _, opt := range opts {
		opt(f)
	}
	main, supplementary, err := f.descriptors()
	if err != nil {
		return nil, err
	}
	root, err := f.choose(main, supplementary)
	if err != nil {
		return nil, err
	}
	f.FS = vnode.New(root)
	return f, nil
}

// Label returns the volume's name as the tree that is read has it.
func (f *FS) Label() string { return f.volume.label() }

// Tree returns which tree is read.
func (f *FS) Tree() Tree { return f.tree }

// Created returns when the volume was made, the zero time if that is not
// recorded.
func (f *FS) Created() time.Time { return longDate(f.volume.created()) }

// descriptors reads the volume descriptors (ECMA-119 6.7.1): the primary one,
// and Joliet's, nil if there is none.
func (f *FS) descriptors() (main, supplementary *volumeDescriptor, err error) {
	for i := range int64(maxDescriptors) {
		off := (systemSectors + i) * sectorSize
		d := new(volumeDescriptor)
		if !ondisk.Within(off, sectorSize, f.size) {
			if i == 0 {
				return nil, nil, layer.Errorf(layer.ErrFormat, layerName, "volume descriptor", off, "beyond the end of %d bytes", f.size)
			}
			return nil, nil, layer.Errorf(layer.ErrCorrupt, layerName, "volume descriptor", off, "the image ends before their terminator")
		}
		if err := ondisk.ReadFull(f.source, d[:], off); err != nil {
			return nil, nil, layer.Errorf(err, layerName, "volume descriptor", off, "")
		}
		switch {
		case i == 0 && bytes.Equal(d.standardID(), extendedID):
			return nil, nil, layer.Errorf(layer.ErrUnsupported, layerName, "volume descriptor", off, "a volume of UDF alone")
		case !bytes.Equal(d.standardID(), standardID) && i == 0:
			return nil, nil, layer.Errorf(layer.ErrFormat, layerName, "volume descriptor", off, "no CD001")
		case !bytes.Equal(d.standardID(), standardID), d.kind() == kindTerminator:
			// Some writers forgot the terminator.
			if main == nil {
				return nil, nil, layer.Errorf(layer.ErrCorrupt, layerName, "volume descriptor", off, "there is no primary one")
			}
			return main, supplementary, nil
		case d.kind() == kindPrimary && main == nil:
			main = d
		case d.isJoliet() && supplementary == nil:
			supplementary = d
		}
	}
	return nil, nil, layer.Errorf(layer.ErrCorrupt, layerName, "volume descriptor", systemSectors*sectorSize, "more than %d", maxDescriptors)
}

// choose decides which tree to read, and returns its root.
func (f *FS) choose(main, supplementary *volumeDescriptor) (*directory, error) {
	wanted := f.tree
	if wanted != Joliet {
		root, err := f.root(main, wanted)
		if err != nil {
			return nil, err
		}
		if f.tree == wanted || (wanted == Best && (f.tree == RockRidge || supplementary == nil)) {
			return root, nil
		}
	}
	if supplementary != nil && (wanted == Best || wanted == Joliet) {
		return f.root(supplementary, Joliet)
	}
	return nil, layer.Errorf(layer.ErrFormat, layerName, "", -1, "the image has no tree of %v", wanted)
}

// root returns the root directory of a descriptor's tree, and sets f.tree to
// what was found there.
func (f *FS) root(d *volumeDescriptor, wanted Tree) (*directory, error) {
	const at = systemSectors * sectorSize
	f.volume, f.tree = d, Plain
	f.blockSize = int64(le16(d.blockSize()))
	f.setSize, f.sequence = le16(d.setSize()), le16(d.sequence())
	if f.blockSize < minBlock || f.blockSize > sectorSize || f.blockSize&(f.blockSize-1) != 0 {
		return nil, layer.Errorf(layer.ErrCorrupt, layerName, "volume descriptor", at, "blocks of %d bytes", f.blockSize)
	}
	r := checkRecord(d.root())
	if r == nil || !r.isDir() {
		return nil, layer.Errorf(layer.ErrCorrupt, layerName, "volume descriptor", at, "its root is no directory")
	}
	start := f.address(r)
	self, err := f.self(start)
	if err != nil {
		return nil, err
	}
	var a *attributes
	if d.isJoliet() {
		f.tree = Joliet
	} else if wanted != Plain && f.findSUSP(self) {
		if a, err = f.attributes(self, start); err != nil {
			return nil, err
		}
		if a.rockRidge || a.hasPX {
			f.tree = RockRidge
		} else {
			a = nil
		}
	}
	n := f.base(self, start, a, nil)
	if n.size = int64(r.size()); !n.mode.IsDir() {
		return nil, layer.Errorf(layer.ErrCorrupt, layerName, "root", start, "its PX field says that it is no directory")
	}
	return &directory{inode: n, block: r.block(), start: start}, nil
}

// findSUSP reports whether the root's record "." begins with an SP field (SUSP
// 5.3), alone or behind what CD-ROM XA has there, and sets how much is to be
// skipped in every record.
func (f *FS) findSUSP(self record) bool {
	for _, skip := range []int{0, xaSkip} {
		area := self.systemUse()
		if len(area) >= skip+7 && bytes.Equal(area[skip:skip+6], []byte{'S', 'P', 7, 1, 0xbe, 0xef}) {
			f.skip = skip
			return true
		}
	}
	return false
}

// self reads the record "." of the directory at off.
func (f *FS) self(off int64) (record, error) {
	b, err := f.read("directory", off, sectorSize)
	if err != nil {
		return nil, err
	}
	r := checkRecord(b)
	if r == nil || !r.isSelf() {
		return nil, layer.Errorf(layer.ErrCorrupt, layerName, "directory", off, "its first record is not its own")
	}
	return r, nil
}

// address returns the offset of the first byte of a record's data in the
// image.
func (f *FS) address(r record) int64 {
	return (int64(r.block()) + int64(r.attributeBlocks())) * f.blockSize
}

// read returns n bytes of metadata, which the caller must not change.
func (f *FS) read(object string, off, n int64) ([]byte, error) {
	if !ondisk.Within(off, n, f.size) {
		return nil, layer.Errorf(layer.ErrCorrupt, layerName, object, off, "%d bytes beyond the end of an image of %d", n, f.size)
	}
	b, err := f.cache.Get(off, int(n))
	if err != nil {
		return nil, layer.Errorf(err, layerName, object, off, "")
	}
	return b, nil
}

// Package vmdk opens VMware virtual disks as a file system with one file,
// "disk", which holds the bytes that the virtual machine sees.
//
// It reads disks by their descriptor, whatever extents they have: flat ones,
// hosted sparse extents (monolithicSparse, twoGbMaxExtentSparse,
// streamOptimized), those of ESXi (vmfsSparse, seSparse), ZERO extents, and any
// mixture. Snapshots are read through their chain of parents. A flat extent,
// or any other raw image, is read alone. Disks that lie on a device of the
// host are refused by its name.
//
// The grain tables are read on demand, and a fixed amount of them is kept, so
// that opening a disk costs the same whatever its size.
//
// The format is specified in VMware's technical note "Virtual Disk Format 5.0"
// and, beyond that, in the documentation of libvmdk (libyal).
package vmdk

import (
	"io"
	"io/fs"

	"github.com/vmdkfs/vmdkfs/internal/cache"
	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
)

// sectorSize is the unit of every number in a descriptor, whatever the sectors
// of the disk.
const sectorSize = 512

// An FS is an open disk. It implements [fs.FS] and its extensions; its only
// file is "disk", a layer.File. The sources that the file's extents name are
// the files that hold data, numbered in the order in which the descriptors
// first name them, from the disk itself down to its base. FileInfo.Sys returns
// what [FS.Descriptor] does.
//
// An FS and its file may be used from any number of goroutines at once.
type FS struct {
	*vnode.FS
	chain chain
	files *files
}

// Open opens the disk that the named file of fsys describes or holds: a
// descriptor, a sparse extent with its descriptor in it, or a raw image. All
// that it opens lies in fsys, in the directories of the descriptors and below,
// except by [WithOutside], and stays open until Close. Files need a ReadAt
// method.
//
// The parent of a snapshot is looked for where the snapshot says, and then,
// with the same content ID only, by its last name beside the snapshot, because
// a chain is often copied from where it was made.
//
// The error is a *layer.Error. It is layer.ErrFormat when name is no disk,
// layer.ErrUnsupported when it is one of another kind, which the error names,
// layer.ErrIncomplete when an extent or a parent is missing, layer.ErrCorrupt
// when the descriptor or a header makes no sense, and else the error of fsys.
// Reads fail with layer.ErrCorrupt where a grain table or a grain is damaged, and
// nowhere else.
//
// A flat extent that is shorter than the descriptor promises is read as far as
// it goes; reads of the rest fail with layer.ErrIncomplete. A stream that was
// cut short lacks its grain directory. All of it is followed
// then, from marker to marker; what lies in it can be read, and of the rest
// reads fail with layer.ErrIncomplete.
func Open(fsys fs.FS, name string, opts ...Option) (*FS, error) {
	files := newFiles(fsys, opts)
	f, err := files.openDisk(name)
	if err != nil {
		files.Close() // what was only opened for reading has nothing to add to err
		return nil, err
	}
	return f, nil
}

// Close closes the files of the disk. Reads fail from then on.
func (f *FS) Close() error { return f.files.Close() }

// Descriptor returns the disk's descriptor, which the caller must not change,
// or nil for a raw image.
func (f *FS) Descriptor() *Descriptor { return f.chain[0].descriptor }

// Warnings returns what is wrong with the disk though it can be read: it was
// not closed, a parent was found by a guess or has another content ID, a
// stream lacks its footer, a damaged grain table has been replaced by the
// redundant one. The last is found only when the table is read. Those that are
// layer.ErrIncomplete mean that a part of the disk is not there.
func (f *FS) Warnings() []error { return f.files.warnings.all() }

// A Link is a disk of a chain.
type Link struct {
	// Name is the file of the descriptor, or of the whole disk, in the file
	// system that Open was given; or as WithOutside was asked for it.
	Name string
	// Kind is the createType of the descriptor ("monolithicSparse"), which may
	// be empty, or "raw".
	Kind string
	// Size is the length of the disk in bytes. Snapshots may be larger than
	// their parents.
	Size int64
	// Descriptor has the content IDs and the extents; nil for a raw image.
	Descriptor *Descriptor
}

// Chain returns the disk and the parents that it is a snapshot of, down to the
// base.
func (f *FS) Chain() []Link {
	links := make([]Link, len(f.chain))
	for i, m := range f.chain {
		links[i] = Link{m.file.path, m.kind, m.size, m.descriptor}
	}
	return links
}

func (s *files) openDisk(name string) (*FS, error) {
	f, err := s.openImage(name)
	if err != nil {
		return nil, err
	}
	s.tables = cache.New(s, metadataBudget)
	s.unpacked = cache.New(&s.packs, grainBudget)
	c, err := s.openChain(f)
	if err != nil {
		return nil, err
	}
	var readers []io.ReaderAt
	for _, f := range s.sources {
		readers = append(readers, f)
	}
	for _, p := range s.packs {
		p.source = len(readers)
		readers = append(readers, extent.Derived{ReaderAt: p, Source: p.file.source})
	}
	content := extent.NewReader(c, c[0].size, readers...)
	root := &vnode.Listing{Modified: s.modified()}
	root.Add(diskName, disk{Reader: content, modified: root.Modified, descriptor: c[0].descriptor})
	return &FS{FS: vnode.New(root), chain: c, files: s}, nil
}

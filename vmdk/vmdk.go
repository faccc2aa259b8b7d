// Package vmdk opens VMware virtual disks as a file system with one file,
// "disk", which holds the bytes that the virtual machine sees.
//
// It reads disks of flat extents, by their descriptor, and a flat extent or
// any other raw image alone. Sparse disks, snapshots and disks that lie on a
// device of the host are recognised and refused with [layer.ErrUnsupported].
//
// The format is specified in VMware's technical note "Virtual Disk Format 5.0"
// and, beyond that, in the documentation of libvmdk (libyal).
package vmdk

import (
	"io/fs"
	"math"
	"strings"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

// sectorSize is the unit of every number in a descriptor, whatever the sectors
// of the disk.
const sectorSize = 512

// headSize is how much of a file is read to tell what it is. Most descriptors
// are shorter, so that one read is all they cost.
const headSize = 4096

// An FS is an open disk. It implements [fs.FS] and its extensions; its only
// file is "disk", a [layer.File]. The sources that the file's extents name are
// the files of the disk, numbered in the order in which the descriptor first
// names them. FileInfo.Sys returns what [FS.Descriptor] does.
//
// An FS and its file may be used from any number of goroutines at once.
type FS struct {
	*vnode.FS
	descriptor *Descriptor
	files      *files
}

// Open opens the disk that the named file of fsys describes or holds: a
// descriptor, or a raw image. Everything that it opens lies in the directory
// of name in fsys, and stays open until Close.
//
// The error is a [*layer.Error]. It is layer.ErrFormat when name is no disk,
// layer.ErrUnsupported when it is one of another kind, which the error names,
// layer.ErrIncomplete when an extent is missing or shorter than the descriptor
// promises, layer.ErrCorrupt when the descriptor makes no sense, and else the
// error of fsys.
func Open(fsys fs.FS, name string) (*FS, error) {
	files := newFiles(fsys)
	f, err := open(files, name)
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
func (f *FS) Descriptor() *Descriptor { return f.descriptor }

func open(files *files, name string) (*FS, error) {
	if strings.HasSuffix(strings.ToLower(name), changeTracking) {
		return nil, layer.Errorf(layer.ErrFormat, "vmdk", name, -1, "a change tracking file, which says what changed on a disk and holds none of its data")
	}
	image, err := files.openImage(name)
	if err != nil {
		return nil, err
	}
	head := make([]byte, min(image.size, headSize))
	if err := ondisk.ReadFull(image, head, 0); err != nil {
		return nil, err
	}
	if isDescriptor(head) {
		return openDescriptor(files, image, head)
	}
	if err := refuseForeign(image, head); err != nil {
		return nil, err
	}
	if image.size < sectorSize {
		return nil, layer.Errorf(layer.ErrFormat, "vmdk", name, -1, "%d bytes are neither a descriptor nor a raw image", image.size)
	}
	return newFS(files, nil, []extent.Run{{Length: image.size}}, image.size)
}

// openDescriptor opens the disk that the descriptor in image describes; head
// is how it begins.
func openDescriptor(files *files, image *file, head []byte) (*FS, error) {
	if image.size > maxDescriptor {
		return nil, layer.Errorf(layer.ErrFormat, "vmdk", image.name, -1, "it begins as a descriptor does, and has %d bytes, more than the %d that one may have", image.size, maxDescriptor)
	}
	text := head
	if int64(len(head)) < image.size {
		var err error
		if text, err = ondisk.Read(image, 0, image.size); err != nil {
			return nil, err
		}
	}
	d, err := parseDescriptor(image.name, text)
	if err != nil {
		return nil, err
	}
	if err := d.refuseUnsupported(); err != nil {
		return nil, err
	}
	files.forget() // sources are counted without the descriptor itself
	runs, size, err := d.open(files)
	if err != nil {
		return nil, err
	}
	return newFS(files, d, runs, size)
}

// newFS returns the disk of size bytes that runs map to files.
func newFS(files *files, d *Descriptor, runs []extent.Run, size int64) (*FS, error) {
	sizes := files.sizes()
	denied := len(sizes) // the source of NOACCESS runs, which is no file
	list, err := extent.NewList(runs, append(sizes, math.MaxInt64)...)
	if err != nil {
		return nil, layer.Errorf(layer.ErrCorrupt, "vmdk", "extents", -1, "%v", err)
	}
	content := extent.NewReader(mapper{list, denied}, size, files.readers()...)
	root := &vnode.Listing{Modified: files.modified()}
	root.Add(diskName, disk{Reader: content, modified: root.Modified, descriptor: d})
	return &FS{FS: vnode.New(root), descriptor: d, files: files}, nil
}

package vmdkfs

import (
	"errors"
	"io/fs"
	"sync"
	"sync/atomic"

	"github.com/vmdkfs/vmdkfs/layer"
	"github.com/vmdkfs/vmdkfs/lvm"
	"github.com/vmdkfs/vmdkfs/partition"
	"github.com/vmdkfs/vmdkfs/vmdk"
)

// A Volume is a stretch of bytes that may hold a file system: a whole disk, a
// partition, a logical volume or an array.
type Volume struct {
	Path string // in the volume tree; empty for the only disk
	Size int64  // in bytes

	// What the volume is. Callers must not change it.
	Format    string               // of a whole disk: "VMDK", "raw", "qcow2", "VHD"
	Image     *vmdk.FS             // set for a whole disk that is a VMDK or raw
	Table     *partition.FS        // set for a whole disk that has one
	Partition *partition.Partition // set for a partition
	Logical   *lvm.Volume          // set for a logical volume
	Group     *lvm.Group           // set for a logical volume
	Hidden    bool                 // set for a logical volume that LVM does not show; see WithHidden
	Dynamic   *DynamicVolume       // set for a volume of a dynamic disk
	Array     *Array               // set for a Linux software RAID

	disk    *Volume // of a partition
	options *options
	open    func() (layer.File, error)
	// tableErr is why the partition table of a disk, which is there, cannot be
	// read.
	tableErr error

	probe struct {
		once   sync.Once
		format format
		known  bool
		err    error
	}
	mount struct {
		once sync.Once
		done atomic.Bool
		sys  fileSystem
		err  error
	}
}

// Open opens the volume for its bytes.
func (v *Volume) Open() (layer.File, error) { return v.open() }

// Kind returns what the volume holds. The error is that of reading its first
// bytes, or the partition table that they announce.
func (v *Volume) Kind() (Kind, error) {
	if v.Table != nil || v.tableErr != nil {
		return Partitioned, v.tableErr
	}
	if v.isDynamic() {
		return LDM, nil
	}
	v.probe.once.Do(func() {
		f, err := v.open()
		if err == nil {
			v.probe.format, v.probe.known, err = detect(f, f.Size())
		}
		v.probe.err = err
	})
	return v.probe.format.kind, v.probe.err
}

// Label returns the label of a volume of the Kind PV.
func (v *Volume) Label() (*lvm.Label, error) {
	f, err := v.open()
	if err != nil {
		return nil, err
	}
	return lvm.ReadLabel(f, f.Size())
}

// FS opens the file system in the volume, once, and returns it as its layer
// does: as an *ext3.FS. Volumes of a Kind that has no reader give an error
// that is layer.ErrUnsupported, or layer.ErrFormat when the Kind is not known.
func (v *Volume) FS() (fs.FS, error) {
	sys, err := v.mounted()
	if err != nil {
		return nil, err
	}
	return sys.FS, nil
}

// Readable reports whether the volume is of a Kind that has a reader.
func (v *Volume) Readable() bool {
	v.Kind() // the error, if it is one, is one of every other use too
	return v.probe.format.open != nil
}

// isDir reports whether the volume is a directory of the volume tree. One that
// nobody knows the Kind of is: a path into it then fails with the reason.
func (v *Volume) isDir() bool {
	_, err := v.Kind()
	return err != nil || v.Readable()
}

// mounted opens the volume's file system. Whoever asks again gets the same
// answer.
func (v *Volume) mounted() (fileSystem, error) {
	kind, err := v.Kind()
	switch {
	case err != nil:
		return fileSystem{}, err
	case kind == "":
		return fileSystem{}, layer.Errorf(layer.ErrFormat, "vmdkfs", v.Path, -1, "no known file system")
	case v.probe.format.open == nil:
		return fileSystem{}, layer.Errorf(layer.ErrUnsupported, "vmdkfs", v.Path, -1, "reading %s", kind)
	}
	v.mount.once.Do(func() {
		f, err := v.open()
		if err == nil {
			v.mount.sys, err = v.probe.format.open(f, v.options)
		}
		v.mount.err = err
		v.mount.done.Store(true)
	})
	return v.mount.sys, v.mount.err
}

// join returns errs as one error, nil when there are none.
func join(errs []error) error {
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

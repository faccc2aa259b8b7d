package vmdkfs

import (
	"errors"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/vmdkfs/vmdkfs/ext3"
	"github.com/vmdkfs/vmdkfs/internal/vm"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
	"github.com/vmdkfs/vmdkfs/partition"
)

// A Disk is an opened disk, or a set of disks, as its volume tree. It
// implements fs.ReadDirFS, fs.StatFS, fs.ReadFileFS, fs.ReadLinkFS and
// fs.SubFS, and its regular files are of type [layer.File].
type Disk struct {
	*vnode.FS

	options options
	disks   []*Volume
	parts   []*Volume    // partitions, of all disks
	failed  []failedDisk // of a machine that has others
	vm      *VM
	machine *vm.Machine // likewise; nil where vm is
	notes   []Warning   // of what was opened
	lvm     struct {
		once sync.Once
		done atomic.Bool
		groups
	}
	guest struct {
		once sync.Once
		tree *Guest
		err  error
	}
	systems struct {
		once sync.Once
		list []*Guest
		err  error
	}
	open  closing
	close func() error
}

// Open opens the disk whose descriptor, or whose bytes, are the file name of
// fsys, or all disks of a virtual machine by its configuration (.vmx), its
// package (.ova, .ovf) or its directory. The files that these name are opened
// in fsys too, in the directory of what names them or below, and nowhere else.
func Open(fsys fs.FS, name string, opts ...Option) (*Disk, error) {
	d := &Disk{options: options{sources: []source{{fsys, name}}}}
	for _, set := range opts {
		set(&d.options)
	}
	d.close = sync.OnceValue(d.open.Close)
	if err := d.openAll(); err != nil {
		d.Close() // the error says more
		return nil, err
	}
	return d, nil
}

// OpenFile is Open for a path of the operating system. The files that a
// descriptor names can only lie in its directory, or below.
func OpenFile(name string, opts ...Option) (*Disk, error) { return Open(nil, name, opts...) }

// Close closes the files of the disk. It may be called more than once.
func (d *Disk) Close() error { return d.close() }

// openAll opens the disks, and builds the volume tree.
func (d *Disk) openAll() error {
	var places []place
	for i, s := range d.options.sources {
		more, err := d.places(s, i == 0)
		if err != nil {
			return err
		}
		places = append(places, more...)
	}
	names := make(map[string]bool)
	for i, p := range places {
		path := ""
		if len(places) > 1 {
			path = diskName(p.title, names)
		}
		err := p.err
		if err == nil {
			err = d.add(p, path)
		}
		if !d.attached(i, path, err) && err != nil {
			return err
		}
	}
	if len(d.disks) == 0 {
		var errs []error
		for _, f := range d.failed {
			errs = append(errs, f.err)
		}
		return join(errs)
	}
	if d.options.journal != nil {
		if err := d.addJournal(*d.options.journal); err != nil {
			return err
		}
	}
	return d.build()
}

// addJournal opens the external journal of file systems.
func (d *Disk) addJournal(s source) error {
	p, err := d.locate(s)
	if err != nil {
		return err
	}
	image, err := d.image(p)
	if err != nil {
		return err
	}
	f, err := openFile(image, "disk")
	if err != nil {
		return err
	}
	d.options.ext = append(d.options.ext, ext3.WithJournal(f, f.Size()))
	return nil
}

// add opens one disk and its partition table.
func (d *Disk) add(p place, path string) error {
	image, err := d.image(p)
	if err != nil {
		return err
	}
	disk := &Volume{Path: path, options: &d.options, open: func() (layer.File, error) { return openFile(image, "disk") }}
	disk.Image, disk.Format = image.vmdk, image.format
	f, err := disk.open()
	if err != nil {
		return err
	}
	disk.Size = f.Size()
	d.checkCapacity(p, disk.Size)
	d.disks = append(d.disks, disk)
	table, err := partition.Open(f, f.Size())
	if errors.Is(err, layer.ErrFormat) && !disk.isKnown() {
		table, err = partition.OpenBackup(f, f.Size())
	}
	switch {
	case errors.Is(err, layer.ErrFormat):
	case errors.Is(err, layer.ErrUnsupported) && disk.isKnown():
	case err != nil:
		disk.tableErr = err
	default:
		disk.Table = table
		d.addPartitions(disk)
	}
	return nil
}

// isKnown reports whether the volume holds something that is known. That counts
// more than a partition table which is not read: images of ISO 9660 have an
// Apple map too.
func (v *Volume) isKnown() bool {
	kind, err := v.Kind()
	return err == nil && kind != ""
}

// addPartitions adds the volumes of a disk with a partition table.
func (d *Disk) addPartitions(disk *Volume) {
	for _, p := range disk.Table.Partitions() {
		d.parts = append(d.parts, &Volume{
			Path:      path.Join(disk.Path, p.Name),
			Size:      p.Size,
			Partition: &p,
			disk:      disk,
			options:   &d.options,
			open:      func() (layer.File, error) { return openFile(disk.Table, p.Name) },
		})
	}
}

// diskName returns the name that a disk of several has in the volume tree,
// and adds it to those that are taken.
func diskName(file string, taken map[string]bool) string {
	base := vnode.Escape([]byte(path.Base(file)))
	if stem, ok := strings.CutSuffix(base, ".vmdk"); ok && stem != "" {
		base = stem
	}
	name := base
	for i := 2; taken[name]; i++ {
		name = base + "-" + strconv.Itoa(i)
	}
	taken[name] = true
	return name
}

// openFile opens a regular file of a layer.
func openFile(fsys fs.FS, name string) (layer.File, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	file, ok := f.(layer.File)
	if !ok {
		f.Close()
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	return file, nil
}

var _ interface {
	fs.ReadDirFS
	fs.ReadFileFS
	fs.ReadLinkFS
	fs.StatFS
	fs.SubFS
} = (*Disk)(nil)

package vmdkfs

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/vmdkfs/vmdkfs/ext3"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
	"github.com/vmdkfs/vmdkfs/partition"
	"github.com/vmdkfs/vmdkfs/vmdk"
)

// A Disk is an opened disk, or a set of disks, as its volume tree. It
// implements fs.ReadDirFS, fs.StatFS, fs.ReadFileFS, fs.ReadLinkFS and
// fs.SubFS, and its regular files are of type [layer.File].
type Disk struct {
	*vnode.FS

	options options
	disks   []*Volume
	parts   []*Volume // partitions, of all disks
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
	close func() error
}

// Open opens the disk whose descriptor, or whose bytes, are the file name of
// fsys. The files that a descriptor names are opened in fsys too, and nowhere
// else.
func Open(fsys fs.FS, name string, opts ...Option) (*Disk, error) {
	d := &Disk{options: options{sources: []source{{fsys, name}}}}
	for _, set := range opts {
		set(&d.options)
	}
	var open []io.Closer
	d.close = sync.OnceValue(func() error {
		var errs []error
		for i := len(open) - 1; i >= 0; i-- {
			errs = append(errs, open[i].Close())
		}
		return errors.Join(errs...)
	})
	names := make(map[string]bool)
	for _, s := range d.options.sources {
		closer, err := d.add(s, names)
		open = append(open, closer...)
		if err != nil {
			d.Close()
			return nil, err
		}
	}
	if d.options.journal != nil {
		closer, err := d.addJournal(*d.options.journal)
		open = append(open, closer...)
		if err != nil {
			d.Close()
			return nil, err
		}
	}
	if err := d.build(); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// OpenFile is Open for a path of the operating system. The files that a
// descriptor names can only lie in its directory.
func OpenFile(name string, opts ...Option) (*Disk, error) { return Open(nil, name, opts...) }

// Close closes the files of the disk. It may be called more than once.
func (d *Disk) Close() error { return d.close() }

// image opens the disk of a source. It returns what is to be closed in any
// case.
func (d *Disk) image(s source) (image *vmdk.FS, open []io.Closer, err error) {
	if s.fsys == nil {
		dir, base, err := openDir(s.name)
		if err != nil {
			return nil, nil, err
		}
		open = append(open, dir)
		s = source{dir.FS(), base}
	}
	if d.options.onRead != nil {
		s.fsys = counted{s.fsys, d.options.onRead}
	}
	if image, err = vmdk.Open(s.fsys, s.name); err != nil {
		return nil, open, err
	}
	return image, append(open, image), nil
}

// addJournal opens the external journal of file systems.
func (d *Disk) addJournal(s source) ([]io.Closer, error) {
	image, open, err := d.image(s)
	if err != nil {
		return open, err
	}
	f, err := openFile(image, "disk")
	if err != nil {
		return open, err
	}
	d.options.ext = append(d.options.ext, ext3.WithJournal(f, f.Size()))
	return open, nil
}

// add opens one disk and its partition table. It returns what is to be closed
// in any case.
func (d *Disk) add(s source, names map[string]bool) ([]io.Closer, error) {
	image, open, err := d.image(s)
	if err != nil {
		return open, err
	}
	disk := &Volume{Image: image, options: &d.options, open: func() (layer.File, error) { return openFile(image, "disk") }}
	f, err := disk.open()
	if err != nil {
		return open, err
	}
	disk.Size = f.Size()
	if len(d.options.sources) > 1 {
		disk.Path = diskName(s.name, names)
	}
	d.disks = append(d.disks, disk)
	table, err := partition.Open(f, f.Size())
	switch {
	case errors.Is(err, layer.ErrFormat):
	case err != nil:
		disk.tableErr = err
	default:
		disk.Table = table
		d.addPartitions(disk)
	}
	return open, nil
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
	base := path.Base(file)
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

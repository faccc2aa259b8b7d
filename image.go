package vmdkfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/foreign"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
	"github.com/vmdkfs/vmdkfs/vmdk"
)

// An image is an opened disk: a file system with the one file "disk".
type image struct {
	fs.FS
	vmdk   *vmdk.FS // the same, or nil when it is of another format
	format string
}

// The values of Volume.Format, besides those of other formats.
const (
	formatVMDK = "VMDK"
	formatRaw  = "raw"
)

// image opens the disk at p.
func (d *Disk) image(p place) (image, error) {
	opts := d.options.vmdk
	if d.options.allowOutside && p.dir != "" {
		opts = append(opts[:len(opts):len(opts)], vmdk.WithOutside(func(name string) (fs.File, error) {
			full, err := osPath(p.dir, name)
			if err != nil {
				return nil, err
			}
			dir, base := filepath.Split(full)
			return d.counted(os.DirFS(dir)).Open(base)
		}))
	}
	f, err := vmdk.Open(p.fsys, p.name, opts...)
	if errors.Is(err, layer.ErrUnsupported) {
		return d.foreign(p, err)
	}
	if err != nil {
		return image{}, err
	}
	d.open.add(f)
	format := formatVMDK
	if f.Chain()[0].Kind == formatRaw {
		format = formatRaw
	}
	return image{f, f, format}, nil
}

// foreign opens the disk at p if it is in a format of another hypervisor that
// is read. Otherwise it returns refused, the error with which vmdk told that
// the image is not its own.
func (d *Disk) foreign(p place, refused error) (image, error) {
	f, err := p.fsys.Open(p.name)
	if err != nil {
		return image{}, err
	}
	d.open.add(f)
	info, err := f.Stat()
	if err != nil {
		return image{}, err
	}
	r, ok := f.(io.ReaderAt)
	if !ok {
		return image{}, refused
	}
	content, format, err := foreign.Open(r, info.Size(), p.name)
	if errors.Is(err, layer.ErrFormat) {
		return image{}, refused
	}
	if err != nil {
		return image{}, err
	}
	root := &vnode.Listing{Modified: info.ModTime()}
	root.Add("disk", foreignDisk{content, info.ModTime()})
	return image{vnode.New(root), nil, format}, nil
}

// A foreignDisk is a disk of another format, as a node.
type foreignDisk struct {
	vnode.Content
	modified time.Time
}

func (foreignDisk) Mode() fs.FileMode              { return 0o444 }
func (f foreignDisk) ModTime() time.Time           { return f.modified }
func (foreignDisk) Sys() any                       { return nil }
func (f foreignDisk) Open() (vnode.Content, error) { return f.Content, nil }

// Descriptor returns the descriptor of a whole disk that is a VMDK, and nil of
// all else.
func (v *Volume) Descriptor() *vmdk.Descriptor {
	if v.Image == nil {
		return nil
	}
	return v.Image.Descriptor()
}

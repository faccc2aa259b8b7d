package vmdk

import (
	"io/fs"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

// diskName is the name of the one file.
const diskName = "disk"

// A disk is the node of the one file. The reader is its content, and its size.
type disk struct {
	*extent.Reader
	modified   time.Time
	descriptor *Descriptor
}

func (disk) Mode() fs.FileMode              { return 0o444 }
func (d disk) ModTime() time.Time           { return d.modified }
func (d disk) Open() (vnode.Content, error) { return d.Reader, nil }

func (d disk) Sys() any {
	if d.descriptor == nil {
		return nil
	}
	return d.descriptor
}

// A mapper is the list of the disk's runs. Those of NOACCESS extents are in a
// source of their own, which nobody may read.
type mapper struct {
	extent.List
	denied int
}

func (m mapper) Map(off int64) (extent.Run, error) {
	run, err := m.List.Map(off)
	if err == nil && run.Source == m.denied {
		return extent.Run{}, layer.Errorf(fs.ErrPermission, "vmdk", diskName, off, "the descriptor says NOACCESS of this extent")
	}
	return run, err
}

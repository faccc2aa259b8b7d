package vmdk

import (
	"io/fs"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
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

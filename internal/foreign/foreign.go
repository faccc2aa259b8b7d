// Package foreign opens disk images of other hypervisors, as far as there is a
// reader that can be trusted with them.
package foreign

import (
	"bytes"
	"io"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

// Open returns the disk in the image of size bytes in r, and the name of its
// format. The error is layer.ErrFormat when it is none of these formats, and
// layer.ErrUnsupported when it is one of them and has what its reader would
// read wrong. Object is what errors name the image by.
func Open(r io.ReaderAt, size int64, object string) (disk vnode.Content, format string, err error) {
	head := make([]byte, min(size, qcow2HeaderSize))
	if err := ondisk.ReadFull(r, head, 0); err != nil {
		return nil, "", layer.Errorf(err, "foreign", object, 0, "")
	}
	if bytes.HasPrefix(head, []byte(qcow2Magic)) {
		disk, err := openQcow2(r, size, object, head)
		return disk, "qcow2", err
	}
	disk, err = openFixedVHD(r, size, object)
	return disk, "VHD", err
}

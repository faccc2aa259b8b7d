package restore

import (
	"bytes"
	"encoding/binary"
	"io/fs"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

// Places in the header of a hosted sparse extent ("Virtual Disk Format 5.0"),
// in sectors.
const (
	sector               = 512
	hostedDescriptor     = 28
	hostedDescriptorSize = 36
)

// room is where a descriptor lies in a sparse extent.
type room struct{ at, size int64 }

// descriptor returns the descriptor of a disk: the whole file, or a part of a
// sparse extent, whose room is returned then. It is nil for what has none.
func (p *planner) descriptor(name string) ([]byte, room, error) {
	f, err := p.fsys.Open(name)
	if err != nil {
		return nil, room{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, room{}, err
	}
	r, ok := f.(interface {
		ReadAt(p []byte, off int64) (int, error)
	})
	if !ok {
		return nil, room{}, &fs.PathError{Op: "read", Path: name, Err: fs.ErrInvalid}
	}
	head, err := ondisk.Read(r, 0, min(info.Size(), sector))
	if err != nil {
		return nil, room{}, err
	}
	if !bytes.HasPrefix(head, []byte("KDMV")) || len(head) < sector {
		if info.Size() <= maxText && bytes.Contains(head, []byte("# Disk DescriptorFile")) {
			data, err := p.text(name)
			return data, room{}, err
		}
		return nil, room{}, nil
	}
	at, atOK := ondisk.Mul(binary.LittleEndian.Uint64(head[hostedDescriptor:]), sector)
	size, sizeOK := ondisk.Mul(binary.LittleEndian.Uint64(head[hostedDescriptorSize:]), sector)
	if at == 0 || size == 0 {
		return nil, room{}, nil // an extent of several
	}
	if !atOK || !sizeOK || size > maxText || !ondisk.Within(at, size, info.Size()) {
		return nil, room{}, failed(layer.ErrCorrupt, name, "its descriptor lies outside")
	}
	data, err := ondisk.Read(r, at, size)
	return bytes.TrimRight(data, "\x00"), room{at, size}, err
}

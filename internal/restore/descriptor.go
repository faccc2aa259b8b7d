package restore

import (
	"bytes"
	"encoding/binary"
	"io"
	"io/fs"
	"regexp"

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

// isDescriptor matches what a descriptor begins with: a comment that says so, or
// the version as its first line that is no comment.
var isDescriptor = regexp.MustCompile(`(?i)^(?:[ \t\r]*(?:#[^\n]*)?\n)*[ \t]*(?:#[ \t]*Disk DescriptorFile[ \t]*\r?(?:\n|$)|version[ \t]*=[ \t]*"?0*[1-9])`)

// room is where a descriptor lies in a sparse extent.
type room struct{ at, size int64 }

// descriptor returns the descriptor of a disk: the whole file, or a part of a
// sparse extent, whose room is returned then. It is nil for what has none.
func (p *planner) descriptor(name string) ([]byte, room, error) {
	f, length, err := p.open(name)
	if err != nil {
		return nil, room{}, err
	}
	defer f.Close()
	head, err := ondisk.Read(f, 0, min(length, sector))
	if err != nil {
		return nil, room{}, err
	}
	if !bytes.HasPrefix(head, []byte("KDMV")) || len(head) < sector {
		if length <= maxText && isDescriptor.Match(head) {
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
	if !atOK || !sizeOK || size > maxText || !ondisk.Within(at, size, length) {
		return nil, room{}, failed(layer.ErrCorrupt, name, "its descriptor lies outside")
	}
	data, err := ondisk.Read(f, at, size)
	if data = bytes.TrimRight(data, "\x00"); len(data) == 0 {
		return nil, room{}, err // so too, as qemu-img makes them
	}
	return data, room{at, size}, err
}

// A sourceFile is an opened file of the source.
type sourceFile interface {
	fs.File
	io.ReaderAt
}

// open opens a file of the source, and returns its length.
func (p *planner) open(name string) (sourceFile, int64, error) {
	f, err := p.fsys.Open(name)
	if err != nil {
		return nil, 0, err
	}
	r, ok := f.(sourceFile)
	info, err := f.Stat()
	if err == nil && !ok {
		err = &fs.PathError{Op: "read", Path: name, Err: fs.ErrInvalid}
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return r, info.Size(), nil
}

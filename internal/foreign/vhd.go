package foreign

import (
	"encoding/binary"
	"io"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A vhdFooter ends a fixed VHD, which is raw before it ("Virtual Hard Disk
// Image Format Specification", section "Hard Disk Footer Format").
type vhdFooter [512]byte

func (f *vhdFooter) cookie() string      { return string(f[:8]) }
func (f *vhdFooter) currentSize() uint64 { return binary.BigEndian.Uint64(f[48:]) }
func (f *vhdFooter) diskType() uint32    { return binary.BigEndian.Uint32(f[60:]) }
func (f *vhdFooter) checksum() uint32    { return binary.BigEndian.Uint32(f[64:]) }

// vhdFixed is the disk type of a VHD that holds the bytes as they are.
const vhdFixed = 2

// sum returns what the checksum must be: the complement of the sum of all
// bytes but its own.
func (f *vhdFooter) sum() uint32 {
	sum := uint32(0)
	for i, b := range f {
		if i < 64 || i >= 68 {
			sum += uint32(b)
		}
	}
	return ^sum
}

// openFixedVHD opens a fixed VHD. Others have their footer at the beginning
// too, and are not read.
func openFixedVHD(r io.ReaderAt, size int64, object string) (vnode.Content, error) {
	var f vhdFooter
	length := size - int64(len(f))
	if length < int64(len(f)) {
		return nil, layer.Errorf(layer.ErrFormat, "foreign", object, -1, "")
	}
	if err := ondisk.ReadFull(r, f[:], length); err != nil {
		return nil, layer.Errorf(err, "foreign", object, length, "")
	}
	switch {
	case f.cookie() != "conectix" || f.diskType() != vhdFixed || f.currentSize() != uint64(length):
		return nil, layer.Errorf(layer.ErrFormat, "foreign", object, -1, "")
	case f.checksum() != f.sum():
		return nil, layer.Errorf(layer.ErrCorrupt, "foreign", object, length, "the checksum of the VHD's footer is %08x, and should be %08x", f.checksum(), f.sum())
	}
	list, err := extent.NewList([]extent.Run{{Length: length}}, length)
	if err != nil {
		return nil, layer.Errorf(layer.ErrCorrupt, "foreign", object, -1, "%v", err)
	}
	return extent.NewReader(list, length, r), nil
}

package vmdk

import (
	"bytes"
	"encoding/binary"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

// foreign has the files that are no raw images, by the bytes at an offset.
var foreign = []struct {
	offset int
	magic  string
	name   string
}{
	{0, "QFI\xfb", "a QEMU disk (qcow or qcow2)"},
	{0, "QED\x00", "a QEMU disk (QED)"},
	{0, "conectix", "a dynamic Hyper-V disk (VHD)"},
	{0, "vhdxfile", "a Hyper-V disk (VHDX)"},
	{0, "WithoutFreeSpace", "a Parallels disk (HDD)"},
	{0, "WithouFreSpacExt", "a Parallels disk (HDD)"},
	{0, "EVF\x09\x0d\x0a\xff\x00", "an EnCase evidence file (EWF)"},
	{0x40, "\x7f\x10\xda\xbe", "a VirtualBox disk (VDI)"},
}

// refuseForeign returns an error if image, which begins with head, is a disk
// in a format of its own, which read as raw would be garbage.
func refuseForeign(image *file, head []byte) error {
	refuse := func(name string) error {
		return layer.Errorf(layer.ErrUnsupported, "vmdk", image.path, -1, "%s", name)
	}
	for _, f := range foreign {
		if len(head) < f.offset || !bytes.HasPrefix(head[f.offset:], []byte(f.magic)) {
			continue
		}
		return refuse(f.name)
	}
	if image.size < 2*sectorSize {
		return nil
	}
	var footer vhdFooter
	if err := ondisk.ReadFull(image, footer[:], image.size-int64(len(footer))); err != nil {
		return err
	}
	if footer.isFixed(image.size) {
		return refuse("a fixed Hyper-V disk (VHD)")
	}
	return nil
}

// A vhdFooter ends a fixed VHD, which is raw before it ("Virtual Hard Disk
// Image Format Specification", section "Hard Disk Footer Format").
type vhdFooter [512]byte

func (f *vhdFooter) cookie() string      { return string(f[:8]) }
func (f *vhdFooter) currentSize() uint64 { return binary.BigEndian.Uint64(f[48:]) }
func (f *vhdFooter) diskType() uint32    { return binary.BigEndian.Uint32(f[60:]) }

// isFixed reports whether this ends a fixed VHD of size bytes. The sizes must
// agree, because a guest may have left a footer anywhere on its disk.
func (f *vhdFooter) isFixed(size int64) bool {
	return f.cookie() == "conectix" && f.diskType() == 2 && f.currentSize() == uint64(size)-uint64(len(f))
}

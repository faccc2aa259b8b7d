package vmdk

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

// changeTracking ends the names of the files in which ESXi tracks what
// changes on a disk.
const changeTracking = "-ctk.vmdk"

// createTypes has the kinds of disk that "Virtual Disk Format 5.0" lists and
// those that ESXi has added, in lower case, with what keeps them from being
// read; nothing where flat extents are all they have.
var createTypes = map[string]string{
	"":                            "", // the extents are read by their own types
	"custom":                      "",
	"monolithicflat":              "",
	"twogbmaxextentflat":          "",
	"2gbmaxextentflat":            "",
	"vmfs":                        "",
	"vmfsthin":                    "",
	"vmfspreallocated":            "",
	"vmfseagerzeroedthick":        "",
	"monolithicsparse":            "a sparse disk",
	"twogbmaxextentsparse":        "a sparse disk",
	"2gbmaxextentsparse":          "a sparse disk",
	"vmfssparse":                  "a sparse disk",
	"vmfsthinsparse":              "a sparse disk",
	"sesparse":                    "a sparse disk",
	"streamoptimized":             "a compressed sparse disk",
	"fulldevice":                  "its data lies on a disk of the host",
	"partitioneddevice":           "its data lies in partitions of the host",
	"vmfsraw":                     "its data lies on a device of the host",
	"vmfsrdm":                     "its data lies on a mapped device",
	"vmfsrdmp":                    "its data lies on a mapped device",
	"vmfsrawdevicemap":            "its data lies on a mapped device",
	"vmfspassthroughrawdevicemap": "its data lies on a mapped device",
}

// extentTypes has the types of extent that are not read, likewise.
var extentTypes = map[string]string{
	"SPARSE":     "sparse extents",
	"VMFSSPARSE": "sparse extents of ESXi",
	"SESPARSE":   "sparse extents of ESXi",
	"VMFSRDM":    "extents on a mapped device",
	"VMFSRAW":    "extents on a device of the host",
}

// refuseUnsupported returns an error if the disk is of a kind that is not
// read.
func (d *Descriptor) refuseUnsupported() error {
	refuse := func(format string, args ...any) error {
		return layer.Errorf(layer.ErrUnsupported, "vmdk", d.name, -1, format, args...)
	}
	if d.Version < 1 || d.Version > 3 {
		return refuse("version %d", d.Version)
	}
	if d.ParentCID != NoParent {
		parent := "a disk that it does not name"
		if d.ParentFileNameHint != "" {
			parent = fmt.Sprintf("%q", d.ParentFileNameHint)
		}
		return refuse("a snapshot, which holds only what changed since %s", parent)
	}
	switch reason, known := createTypes[strings.ToLower(d.CreateType)]; {
	case !known:
		return refuse("unknown createType %.80q", d.CreateType)
	case reason != "":
		return refuse("createType %s: %s", d.CreateType, reason)
	}
	for _, e := range d.Extents {
		switch e.Type {
		case Flat, VMFS, Zero:
			continue
		}
		if reason, ok := extentTypes[e.Type]; ok {
			return refuse("extents of type %s: %s", e.Type, reason)
		}
		return refuse("unknown extent type %.80q", e.Type)
	}
	return nil
}

// compressed is the flag of a hosted sparse extent that says that its grains
// are compressed ("Virtual Disk Format 5.0", SparseExtentHeader.flags).
const compressed = 1 << 16

// foreign has the files that are no raw images, by the bytes at an offset.
var foreign = []struct {
	offset int
	magic  string
	name   string
}{
	{0, "KDMV", "a hosted sparse VMDK (monolithicSparse, or an extent of twoGbMaxExtentSparse)"},
	{0, "COWD", "an ESXi sparse VMDK (vmfsSparse)"},
	{0, "\xbe\xba\xfe\xca\x00\x00\x00\x00", "an ESXi sparse VMDK (seSparse)"},
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
		return layer.Errorf(layer.ErrUnsupported, "vmdk", image.name, -1, "%s", name)
	}
	for _, f := range foreign {
		if len(head) < f.offset || !bytes.HasPrefix(head[f.offset:], []byte(f.magic)) {
			continue
		}
		if f.magic == "KDMV" && len(head) >= 12 && binary.LittleEndian.Uint32(head[8:])&compressed != 0 {
			return refuse("a compressed hosted sparse VMDK (streamOptimized)")
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

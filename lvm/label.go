package lvm

import (
	"encoding/binary"
	"io"
	"math"
	"strings"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

const (
	labelSectors = 4 // where a label may be (LABEL_SCAN_SECTORS)
	labelID      = "LABELONE"
	labelType    = "LVM2 001"

	extensionUsed = 1 // PV_EXT_USED in pv_header_extension
)

// A Label is what a physical volume says of itself.
type Label struct {
	UUID          string // of the PV, with dashes
	Offset        int64  // of the label's sector in the PV, in bytes
	Size          int64  // of the device when the label was written, in bytes
	Used          bool   // the PV belongs to a group; labels of older LVMs do not tell
	DataAreas     []Area // usually one, of size 0: up to the end
	MetadataAreas []Area // none, one or two
}

// An Area is a part of a physical volume, in bytes.
type Area struct {
	Offset, Size int64
}

// A labelHeader is the sector that holds a label: label_header in
// lib/label/label.h, and behind it the pv_header.
type labelHeader [sectorSize]byte

func (h *labelHeader) id() string       { return string(h[:8]) }
func (h *labelHeader) sectorXL() uint64 { return binary.LittleEndian.Uint64(h[8:]) }
func (h *labelHeader) crcXL() uint32    { return binary.LittleEndian.Uint32(h[16:]) }
func (h *labelHeader) offsetXL() uint32 { return binary.LittleEndian.Uint32(h[20:]) }
func (h *labelHeader) typ() string      { return string(h[24:32]) }

// checksum returns what crcXL should be.
func (h *labelHeader) checksum() uint32 { return checksum(h[20:]) }

// ReadLabel returns the LVM2 label of the physical volume that r holds, size
// bytes long, with one read. It is [layer.ErrFormat] when there is none,
// [layer.ErrUnsupported] when there is one of LVM1, and [layer.ErrCorrupt]
// when there are only damaged ones.
func ReadLabel(r io.ReaderAt, size int64) (*Label, error) {
	return readLabel(PV{Reader: r, Size: size})
}

func readLabel(pv PV) (*Label, error) {
	n := min(pv.Size, labelSectors*sectorSize)
	if n < sectorSize {
		return nil, failure(layer.ErrFormat, pv.Name, -1, "%d bytes hold no LVM2 label", pv.Size)
	}
	head := make([]byte, n)
	if err := ondisk.ReadFull(pv.Reader, head, 0); err != nil {
		return nil, failure(err, pv.Name, 0, "reading the label")
	}
	var damaged error
	for sector := range n / sectorSize {
		h := labelHeader(head[sector*sectorSize:])
		if h.id() != labelID {
			continue
		}
		label, err := h.decode(pv.Name, sector)
		if err == nil {
			return label, nil
		}
		if damaged == nil {
			damaged = err
		}
	}
	switch {
	case damaged != nil:
		return nil, damaged
	case isLVM1(head):
		return nil, failure(layer.ErrUnsupported, pv.Name, 0, "LVM1 physical volume")
	}
	return nil, failure(layer.ErrFormat, pv.Name, -1, "no LVM2 label in the first %d sectors", labelSectors)
}

// decode returns the label in a sector that begins as one.
func (h *labelHeader) decode(object string, sector int64) (*Label, error) {
	l := &Label{Offset: sector * sectorSize}
	corrupt := func(format string, args ...any) (*Label, error) {
		return nil, failure(layer.ErrCorrupt, object, l.Offset, "label: "+format, args...)
	}
	switch want := h.checksum(); {
	case h.crcXL() != want:
		return corrupt("checksum %#08x, computed %#08x", h.crcXL(), want)
	case h.sectorXL() != uint64(sector):
		return corrupt("is that of sector %d", h.sectorXL())
	case h.typ() != labelType:
		return nil, failure(layer.ErrUnsupported, object, l.Offset, "label type %q", h.typ())
	case h.offsetXL() < 32 || h.offsetXL() > sectorSize:
		return corrupt("contents at %d", h.offsetXL())
	}

	// pv_header, and pv_header_extension behind its two lists.
	c := ondisk.NewCursor(h[h.offsetXL():], binary.LittleEndian)
	uuid, ok := formatUUID(string(c.Bytes(uuidLen)))
	size := c.U64() // device_size_xl
	l.DataAreas = readAreas(c)
	l.MetadataAreas = readAreas(c)
	if err := c.Err(); err != nil {
		return corrupt("%v", err)
	}
	if version, flags := c.U32(), c.U32(); c.Err() == nil && version > 1 {
		l.Used = flags&extensionUsed != 0
	}
	if !ok {
		return corrupt("no PV UUID")
	}
	if size > math.MaxInt64 {
		return corrupt("device of %d bytes", size)
	}
	for _, a := range append(l.DataAreas, l.MetadataAreas...) {
		if a.Offset < 0 || a.Size < 0 || a.Offset > math.MaxInt64-a.Size {
			return corrupt("area of %d bytes at %d", uint64(a.Size), uint64(a.Offset))
		}
	}
	l.UUID, l.Size = uuid, int64(size)
	return l, nil
}

// readAreas reads a list of disk_locn, which one of offset 0 ends. The sector
// bounds it.
func readAreas(c *ondisk.Cursor) []Area {
	var areas []Area
	for {
		a := Area{Offset: int64(c.U64()), Size: int64(c.U64())}
		if a.Offset == 0 {
			return areas
		}
		areas = append(areas, a)
	}
}

// isLVM1 reports whether head begins as pv_disk of LVM1 does: "HM", version 1
// or 2, and the place of the structure itself, 1024 bytes at 0
// (lib/format1/disk-rep.h in LVM2 before 2.03).
func isLVM1(head []byte) bool {
	le := binary.LittleEndian
	version := le.Uint16(head[2:])
	return strings.HasPrefix(string(head[:2]), "HM") && (version == 1 || version == 2) &&
		le.Uint32(head[4:]) == 0 && le.Uint32(head[8:]) == 1024
}

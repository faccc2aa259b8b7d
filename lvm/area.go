package lvm

import (
	"encoding/binary"
	"io"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

const (
	areaHeaderSize = 512 // MDA_HEADER_SIZE: the ring begins behind it
	areaMagic      = " LVM2 x[5A%r0N*>"
	areaVersion    = 1

	locationSize    = 24
	locationIgnored = 1 // RAW_LOCN_IGNORED

	// A metadata text is bounded by leastText on the smallest PV and by maxText
	// on any: what is made of a text takes more memory than the text. A segment
	// takes about 250 bytes; 64 MiB is a quarter of a million of them, and larger
	// than the areas of every installer and of oVirt (128 MiB, of which LVM fills
	// at most half).
	leastText = 4 << 20
	maxText   = 64 << 20
)

// textLimit returns how large a text on a PV of size bytes may be.
func textLimit(size int64) int64 { return min(max(size/256, leastText), maxText) }

// An areaHeader is the first sector of a metadata area: mda_header in
// lib/format_text/layout.h.
type areaHeader [areaHeaderSize]byte

func (h *areaHeader) checksumXL() uint32 { return binary.LittleEndian.Uint32(h[:]) }
func (h *areaHeader) magic() string      { return string(h[4:20]) }
func (h *areaHeader) version() uint32    { return binary.LittleEndian.Uint32(h[20:]) }
func (h *areaHeader) start() uint64      { return binary.LittleEndian.Uint64(h[24:]) }
func (h *areaHeader) size() uint64       { return binary.LittleEndian.Uint64(h[32:]) }

// committed returns the first of the raw_locns, that of the text in force. The
// second is that of a text which was written and not committed.
func (h *areaHeader) committed() textLocation { return textLocation(h[40:]) }

// checksum returns what checksumXL should be.
func (h *areaHeader) checksum() uint32 { return checksum(h[4:]) }

// A textLocation is where a text lies in its area: raw_locn.
type textLocation [locationSize]byte

func (l *textLocation) offset() uint64   { return binary.LittleEndian.Uint64(l[:]) }
func (l *textLocation) size() uint64     { return binary.LittleEndian.Uint64(l[8:]) }
func (l *textLocation) checksum() uint32 { return binary.LittleEndian.Uint32(l[16:]) }
func (l *textLocation) ignored() bool    { return binary.LittleEndian.Uint32(l[20:])&locationIgnored != 0 }

// readText returns the metadata text in an area of pv. The text is nil when
// the area holds none, or when it is ignored: LVM keeps such an area in
// reserve and does not update it, so that a text in it is of no value.
func readText(pv PV, area Area) (text []byte, ignored bool, err error) {
	fail := func(kind error, format string, args ...any) ([]byte, bool, error) {
		return nil, false, failure(kind, pv.Name, area.Offset, "metadata area: "+format, args...)
	}
	if !ondisk.Within(area.Offset, areaHeaderSize, pv.Size) {
		return fail(layer.ErrIncomplete, "lies beyond the %d bytes of the PV", pv.Size)
	}
	var h areaHeader
	if err := ondisk.ReadFull(pv.Reader, h[:], area.Offset); err != nil {
		return fail(err, "reading the header")
	}
	if want := h.checksum(); h.checksumXL() != want {
		return fail(layer.ErrCorrupt, "header has checksum %#08x, computed %#08x", h.checksumXL(), want)
	}
	size := int64(h.size())
	switch {
	case h.magic() != areaMagic:
		return fail(layer.ErrCorrupt, "magic %q", h.magic())
	case h.version() != areaVersion:
		return fail(layer.ErrUnsupported, "version %d", h.version())
	case h.start() != uint64(area.Offset):
		return fail(layer.ErrCorrupt, "header is that of an area at %d", h.start())
	case size < areaHeaderSize || size > area.Size:
		return fail(layer.ErrCorrupt, "header says %d bytes, the label %d", h.size(), area.Size)
	case !ondisk.Within(area.Offset, size, pv.Size):
		return fail(layer.ErrIncomplete, "its %d bytes go beyond the %d of the PV", size, pv.Size)
	}

	loc := h.committed()
	switch {
	case loc.ignored():
		return nil, true, nil
	case loc.offset() == 0:
		return nil, false, nil
	case loc.offset() < areaHeaderSize || loc.offset() >= h.size() || loc.size() == 0 || loc.size() > h.size()-areaHeaderSize:
		return fail(layer.ErrCorrupt, "text of %d bytes at %d in %d", loc.size(), loc.offset(), size)
	case loc.size() > uint64(textLimit(pv.Size)):
		return fail(layer.ErrUnsupported, "text of %d bytes, more than the %d that are read of a PV of %d", loc.size(), textLimit(pv.Size), pv.Size)
	}
	text, err = readRing(pv.Reader, Area{area.Offset, size}, int64(loc.offset()), int64(loc.size()))
	if err != nil {
		return fail(err, "reading the text")
	}
	if want := checksum(text); loc.checksum() != want {
		return fail(layer.ErrCorrupt, "text has checksum %#08x, computed %#08x", loc.checksum(), want)
	}
	return text, false, nil
}

// readRing returns the n bytes that begin at off in the area. What goes beyond
// the area's end goes on behind its header.
func readRing(r io.ReaderAt, area Area, off, n int64) ([]byte, error) {
	first := min(n, area.Size-off)
	text, err := ondisk.Read(r, area.Offset+off, first)
	if err != nil || first == n {
		return text, err
	}
	rest, err := ondisk.Read(r, area.Offset+areaHeaderSize, n-first)
	return append(text, rest...), err
}

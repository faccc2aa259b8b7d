package vmdk

import (
	"bytes"
	"fmt"
	"path"
	"strings"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

// headSize is how much of a file is read to tell what it is. Most descriptors
// are shorter, so that one read is all they cost.
const headSize = 4096

// maxEmbedded is how much of a sparse extent may be its descriptor; VMware's
// programs have 10 KB for it.
const maxEmbedded = 1 << 20

// An image is one disk of a chain.
type image struct {
	file       *file
	descriptor *Descriptor // nil for a raw image
	kind       string      // as Link has it
	parts      []part
	size       int64
}

// Map returns what the image itself says of the byte at off. A disk that is
// smaller than its snapshot is followed by zeros.
func (m *image) Map(off int64) (extent.Run, error) {
	if off >= m.size {
		return extent.Run{Offset: m.size, Length: 1<<63 - 1 - m.size, Source: extent.Hole}, nil
	}
	p := findPart(m.parts, off)
	run, err := p.extent.Map(off - p.start)
	if err != nil {
		return extent.Run{}, err
	}
	run.Offset += p.start
	return clip(run, extent.Run{Offset: p.start, Length: p.end - p.start}), nil
}

// openImageIn opens the disk that f describes or holds.
func (s *files) openImageIn(f *file) (*image, error) {
	if strings.HasSuffix(strings.ToLower(f.path), changeTracking) {
		return nil, layer.Errorf(layer.ErrFormat, "vmdk", f.path, -1, "a change tracking file, which says what changed on a disk and holds none of its data")
	}
	head := make([]byte, min(f.size, headSize))
	if err := ondisk.ReadFull(f, head, 0); err != nil {
		return nil, err
	}
	switch {
	case isDescriptor(head):
		text, err := s.readText(f, head)
		if err != nil {
			return nil, err
		}
		return s.openDescribed(f, text, nil)
	case len(head) >= sectorSize && string(head[:4]) == hostedMagic:
		return s.openMonolithic(f, (*hostedHeader)(head))
	case len(head) >= sectorSize && string(head[:4]) == cowdMagic:
		return nil, lone(f, "a COWD extent (vmfsSparse)", "-delta.vmdk")
	case len(head) >= sectorSize && string(head[:8]) == seMagic:
		return nil, lone(f, "a seSparse extent", "-sesparse.vmdk")
	}
	if err := refuseForeign(f, head); err != nil {
		return nil, err
	}
	if f.size < sectorSize {
		return nil, layer.Errorf(layer.ErrFormat, "vmdk", f.path, -1, "%d bytes are neither a descriptor nor a raw image", f.size)
	}
	s.use(f)
	whole := part{end: f.size, extent: fixed{Length: f.size, Source: f.source}}
	return &image{file: f, kind: "raw", parts: []part{whole}, size: f.size}, nil
}

// readText returns the text of the descriptor in f, which begins with head.
func (s *files) readText(f *file, head []byte) ([]byte, error) {
	if f.size > maxDescriptor {
		return nil, layer.Errorf(layer.ErrFormat, "vmdk", f.path, -1, "it begins as a descriptor does, and has %d bytes, more than the %d that one may have", f.size, maxDescriptor)
	}
	if int64(len(head)) == f.size {
		return head, nil
	}
	return ondisk.Read(f, 0, f.size)
}

// openDescribed opens the disk that text in f describes; h is the header of f
// where the descriptor is embedded in a sparse extent.
func (s *files) openDescribed(f *file, text []byte, h *hostedHeader) (*image, error) {
	d, err := ParseDescriptor(f.path, text)
	if err != nil {
		return nil, err
	}
	if err := d.refuseUnsupported(); err != nil {
		return nil, err
	}
	m := &image{file: f, descriptor: d, kind: d.CreateType}
	m.parts, m.size, err = s.openExtents(f, d, h)
	return m, err
}

// openMonolithic opens the disk in a sparse extent that has its descriptor in
// it.
func (s *files) openMonolithic(f *file, h *hostedHeader) (*image, error) {
	if err := h.check(f, 0); err != nil {
		return nil, err
	}
	off, ok := ondisk.Mul(h.descriptorOffset(), sectorSize)
	size, sizeOK := ondisk.Mul(h.descriptorSize(), sectorSize)
	switch {
	case off == 0:
		return nil, lone(f, sparsePart, "-s001.vmdk")
	case !ok || !sizeOK || size > maxEmbedded || !ondisk.Within(off, size, f.size):
		return nil, layer.Errorf(layer.ErrCorrupt, "vmdk", f.path, 28, "its descriptor is put at sector %d, with %d sectors, of a file of %d bytes", h.descriptorOffset(), h.descriptorSize(), f.size)
	}
	text, err := ondisk.Read(f, off, size)
	if err != nil {
		return nil, err
	}
	if text, _, _ = bytes.Cut(text, []byte{0}); len(text) == 0 {
		return nil, lone(f, sparsePart, "-s001.vmdk") // QEMU leaves room for one
	}
	return s.openDescribed(f, text, h)
}

const sparsePart = "a sparse extent (twoGbMaxExtentSparse)"

// lone returns the error of an extent that is opened without its descriptor.
// The descriptor's name is guessed from the ending that VMware's programs give
// to such extents.
func lone(f *file, what, ending string) error {
	descriptor := "its descriptor"
	if stem, ok := strings.CutSuffix(f.path, ending); ok {
		descriptor = fmt.Sprintf("its descriptor (%q, by its name)", path.Base(stem)+".vmdk")
	}
	return layer.Errorf(layer.ErrIncomplete, "vmdk", f.path, -1, "%s, which is a part of a disk: open %s, which tells of the other parts and of the parent", what, descriptor)
}

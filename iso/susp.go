package iso

import (
	"io"
	"iter"

	"github.com/vmdkfs/vmdkfs/layer"
)

// A system use field (SUSP 4.1) is a signature of two letters, its length, its
// version, and data. What does not fit in a record goes on in a continuation
// area, whose place a CE field tells (SUSP 5.1).
const (
	fieldHeader = 4
	ceSize      = 28

	// maxContinuations ends a chain of continuation areas. Linux reads 32; no
	// name of 255 bytes with a target of 4096 takes more than 4.
	maxContinuations = 64
	// maxContinuation is how long one area may be in bytes. Linux wants it in
	// one block, writers for other systems in one sector.
	maxContinuation = 64 << 10
)

// appendField appends a field of the given data.
func appendField(b []byte, signature string, data ...byte) []byte {
	b = append(b, signature[0], signature[1], byte(fieldHeader+len(data)), 1)
	return append(b, data...)
}

// A place is where a continuation area lies, in bytes from the first.
type place struct{ off, size int64 }

// A continuationWriter lays the continuation areas of one directory's records
// one behind the other. None crosses a sector: Linux reads no such.
type continuationWriter struct {
	out     io.Writer
	start   uint32 // sector of the first
	size    int64  // bytes given to areas
	written int64  // bytes written
	area    []byte // scratch
}

// pack appends fields to system, the system use area of a record, as far as
// they fit in room bytes, and writes the rest as continuation areas.
func (c *continuationWriter) pack(system, fields []byte, room int) ([]byte, error) {
	if len(fields) <= room {
		return append(system, fields...), nil
	}
	n := fit(fields, room-ceSize)
	system, fields = append(system, fields[:n]...), fields[n:]
	at := c.claim(fields)
	system = c.appendCE(system, at)
	for len(fields) > sectorSize {
		n := fit(fields, sectorSize-ceSize)
		next := c.claim(fields[n:])
		c.area = c.appendCE(append(c.area[:0], fields[:n]...), next)
		if err := c.write(c.area, at); err != nil {
			return nil, err
		}
		fields, at = fields[n:], next
	}
	return system, c.write(fields, at)
}

// fit returns how many of the bytes of fields that lie in whole fields are at
// most limit.
func fit(fields []byte, limit int) int {
	n := 0
	for n < len(fields) && n+int(fields[n+2]) <= limit {
		n += int(fields[n+2])
	}
	return n
}

// claim sets space aside for the next area, which holds as much of fields as
// it can.
func (c *continuationWriter) claim(fields []byte) place {
	n := int64(len(fields))
	if n > sectorSize {
		n = int64(fit(fields, sectorSize-ceSize)) + ceSize
	}
	if c.size%sectorSize+n > sectorSize {
		c.size = sectors(c.size) * sectorSize
	}
	at := place{c.size, n}
	c.size += n
	return at
}

// write writes an area at its place.
func (c *continuationWriter) write(area []byte, at place) error {
	if err := writeZeros(c.out, at.off-c.written); err != nil {
		return err
	}
	c.written = at.off + at.size
	_, err := c.out.Write(area)
	return err
}

// appendCE appends a CE field for the area at a place.
func (c *continuationWriter) appendCE(b []byte, at place) []byte {
	b = append(b, 'C', 'E', ceSize, 1)
	b = appendBoth32(b, c.start+uint32(at.off/sectorSize))
	b = appendBoth32(b, uint32(at.off%sectorSize))
	return appendBoth32(b, uint32(at.size))
}

// A field is a system use field of an image.
type field struct {
	signature [2]byte
	data      []byte // behind the header
	off       int64  // of the field, in bytes of the image
}

// fields yields the fields of a system use area that lies at off, and of its
// continuation areas; then at most one error.
func (f *FS) fields(area []byte, off int64) iter.Seq2[field, error] {
	return func(yield func(field, error) bool) {
		for range maxContinuations {
			next, err, ok := fieldsOf(area, off, yield)
			if !ok {
				return
			}
			if err != nil {
				yield(field{}, err)
				return
			}
			if next == nil {
				return
			}
			if area, off, err = f.continuation(next.data, next.off); err != nil {
				yield(field{}, err)
				return
			}
		}
		yield(field{}, layer.Errorf(layer.ErrCorrupt, layerName, "continuation area", off, "more than %d in a row", maxContinuations))
	}
}

// fieldsOf yields the fields of one area. It returns the CE field in it, if
// there is one, and whether the caller wants more.
func fieldsOf(area []byte, off int64, yield func(field, error) bool) (next *field, err error, ok bool) {
	for pos := 0; len(area)-pos >= fieldHeader; {
		n := int(area[pos+2])
		if n == 0 {
			break // padding
		}
		if n < fieldHeader || n > len(area)-pos {
			return nil, layer.Errorf(layer.ErrCorrupt, layerName, "system use field", off+int64(pos), "length %d of %d", n, len(area)-pos), true
		}
		fd := field{signature: [2]byte(area[pos:]), data: area[pos+fieldHeader : pos+n], off: off + int64(pos)}
		pos += n
		switch string(fd.signature[:]) {
		case "CE":
			next = &fd
		case "ST": // SUSP 5.4: the area ends here
			return next, nil, true
		default:
			if !yield(fd, nil) {
				return nil, nil, false
			}
		}
	}
	return next, nil, true
}

// continuation reads the area that the data of a CE field tells of.
func (f *FS) continuation(data []byte, off int64) ([]byte, int64, error) {
	if len(data) < ceSize-fieldHeader {
		return nil, 0, layer.Errorf(layer.ErrCorrupt, layerName, "CE field", off, "%d bytes of data", len(data))
	}
	block, skip, size := int64(le32(data)), int64(le32(data[8:])), int64(le32(data[16:]))
	if size > maxContinuation || skip > maxContinuation {
		return nil, 0, layer.Errorf(layer.ErrCorrupt, layerName, "CE field", off, "area of %d bytes at %d of a block, more than %d", size, skip, maxContinuation)
	}
	// The whole blocks are read: they hold the next record's area as well.
	start := block * f.blockSize
	whole := (skip + size + f.blockSize - 1) / f.blockSize * f.blockSize
	b, err := f.read("continuation area", start, min(whole, max(f.size-start, skip+size)))
	if err != nil {
		return nil, 0, err
	}
	return b[skip : skip+size], start + skip, nil
}

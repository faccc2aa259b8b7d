package partition

import (
	"errors"
	"io"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

const (
	sectorSize  = 512  // of nearly every disk, and the length of an MBR anywhere
	sectorSize4 = 4096 // of disks without 512-byte emulation ("4Kn")

	// headSize is what Open reads at once: the MBR, the header of a GPT and
	// 128 entries of 128 bytes, on a disk of 4096-byte sectors. For nearly
	// every disk that is all.
	headSize = 2*sectorSize4 + 128*128
)

// A disk is the source of a table, with its first bytes at hand.
type disk struct {
	r    io.ReaderAt
	size int64
	head []byte
}

// newDisk returns the disk of size bytes in r.
func newDisk(r io.ReaderAt, size int64) (*disk, error) {
	if size < sectorSize {
		return nil, layer.Errorf(layer.ErrFormat, "partition", "disk", -1, "%d bytes are no sector", size)
	}
	head := make([]byte, min(size, headSize))
	n, err := r.ReadAt(head, 0)
	if n < sectorSize {
		return nil, sourceError(err, "MBR", 0)
	}
	// What could not be read behind the first sector is met again if it is
	// wanted.
	return &disk{r: r, size: size, head: head[:n]}, nil
}

// ReadAt reads from the disk's first bytes, or else from its source.
func (d *disk) ReadAt(p []byte, off int64) (int, error) {
	if ondisk.Within(off, int64(len(p)), int64(len(d.head))) {
		return copy(p, d.head[off:]), nil
	}
	return d.r.ReadAt(p, off)
}

// read returns the n bytes at off. What lies beyond the end of the disk is
// layer.ErrIncomplete.
func (d *disk) read(object string, off, n int64) ([]byte, error) {
	if !ondisk.Within(off, n, d.size) {
		return nil, layer.Errorf(layer.ErrIncomplete, "partition", object, off, "the disk ends at byte %d", d.size)
	}
	p, err := ondisk.Read(d, off, n)
	if err != nil {
		return nil, sourceError(err, object, off)
	}
	return p, nil
}

// sourceError returns the error of a read of the source at off.
func sourceError(err error, object string, off int64) error {
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return layer.Errorf(err, "partition", object, off, "")
}

// readTable finds out which table the disk has, and reads it. A GPT is
// announced by its protective MBR; without one, it counts only where nothing
// else does and its first copy is valid, because disks that were partitioned
// before keep the remains of it.
func (d *disk) readTable() (*table, error) {
	m := (*mbr)(d.head)
	if m.isProtective() {
		return d.readGPT(m)
	}
	if err := m.check(d.size); err != nil {
		if t := d.readUnprotectedGPT(m); t != nil {
			return t, nil
		}
		if other := d.other(); other != nil {
			return nil, other
		}
		return nil, err
	}
	return d.readMBR(m), nil
}

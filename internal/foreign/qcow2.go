package foreign

import (
	"errors"
	"io"
	"iter"
	"math"

	"github.com/lima-vm/go-qcow2reader/image/qcow2"

	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

// openQcow2 opens an image with go-qcow2reader. That package opens backing
// files by any path, logs, and takes memory by what the header says; all of
// this depends on the header, which it is shown only after parseQcow2 has
// found it harmless, and without extensions.
func openQcow2(r io.ReaderAt, size int64, object string, head []byte) (vnode.Content, error) {
	h, err := parseQcow2(r, size, object, head)
	if err != nil {
		return nil, err
	}
	source := &qcow2Source{source: r, header: shownHeader(h)}
	image, err := qcow2.Open(source, nil)
	if err == nil {
		err = image.Readable()
	}
	d := &qcow2Disk{image: image, object: object, size: int64(h.size()), cluster: 1 << h.clusterBits()}
	if err != nil {
		return nil, d.failed(err, 0)
	}
	return d, nil
}

// shownHeader returns the header as the package is shown it: no extensions
// follow, and no feature that it would only log.
func shownHeader(h *qcow2Header) []byte {
	h.setIncompatible(h.incompatible() &^ qcow2Dirty)
	if h.version() == 2 {
		return append(h[:72:72], make([]byte, 8)...)
	}
	shown := make([]byte, max(h.length(), qcow2HeaderSize)+8)
	copy(shown, h[:])
	return shown
}

// A qcow2Source is the image with another header. Its failures can be told
// from those of the package.
type qcow2Source struct {
	source io.ReaderAt
	header []byte
}

// A sourceError is a failure to read the source.
type sourceError struct{ error }

func (e sourceError) Unwrap() error { return e.error }

func (s *qcow2Source) ReadAt(p []byte, off int64) (int, error) {
	done := 0
	if off >= 0 && off < int64(len(s.header)) {
		if done = copy(p, s.header[off:]); done == len(p) {
			return done, nil
		}
	}
	n, err := s.source.ReadAt(p[done:], off+int64(done))
	if err == nil && n < len(p)-done {
		err = io.ErrUnexpectedEOF // against the contract of io.ReaderAt; the package would ask for the rest for ever
	}
	if err != nil && err != io.EOF {
		err = sourceError{err}
	}
	return done + n, err
}

// A qcow2Disk is the content of an image.
type qcow2Disk struct {
	image   *qcow2.Qcow2
	object  string
	size    int64
	cluster int64
}

// Size implements vnode.Content.
func (d *qcow2Disk) Size() int64 { return d.size }

// ReadAt implements io.ReaderAt, a cluster at a time: the package returns less
// than it is asked for behind a compressed cluster.
func (d *qcow2Disk) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, layer.Errorf(layer.ErrCorrupt, "foreign", d.object, off, "negative offset")
	}
	if off >= d.size {
		return 0, io.EOF
	}
	var eof error
	if int64(len(p)) > d.size-off {
		p, eof = p[:d.size-off], io.EOF
	}
	for done := 0; done < len(p); {
		at := off + int64(done)
		part := p[done:][:min(int64(len(p)-done), d.cluster-at%d.cluster)]
		n, err := d.image.ReadAt(part, at)
		if n <= 0 {
			return done, d.failed(err, at)
		}
		done += n
	}
	return len(p), eof
}

// failed returns the error for a failure of the package at a byte of the disk:
// that of the source, or one that says what is wrong with the image.
func (d *qcow2Disk) failed(err error, off int64) error {
	var source sourceError
	if errors.As(err, &source) {
		return layer.Errorf(source.error, "foreign", d.object, off, "")
	}
	return layer.Errorf(layer.ErrCorrupt, "foreign", d.object, off, "qcow2: %v", err)
}

// Extents implements vnode.Content. The package does not tell where in the
// file the data lies.
func (d *qcow2Disk) Extents() iter.Seq2[layer.Extent, error] {
	return func(yield func(layer.Extent, error) bool) {
		for off := int64(0); off < d.size; {
			x, err := d.image.Extent(off, min(d.size-off, math.MaxInt64-off))
			if err == nil && x.Length <= 0 {
				err = io.ErrNoProgress
			}
			if err != nil {
				yield(layer.Extent{}, d.failed(err, off))
				return
			}
			length := min(x.Length, d.size-off)
			if x.Allocated && !x.Zero && !yield(layer.Extent{Offset: off, Length: length, Physical: -1}, nil) {
				return
			}
			off += length
		}
	}
}

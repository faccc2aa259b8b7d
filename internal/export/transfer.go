package export

import (
	"io"
	"io/fs"
	"iter"

	readahead "github.com/vmdkfs/vmdkfs/internal/ahead"
	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

// content copies the data of src to f, and leaves out the holes. A nil f gets
// nothing. It returns the hash of the file, holes too, if that is wanted.
func (t *transfer) content(f *newFile, src fs.File, size int64) (*digest, error) {
	r, ok := src.(io.ReaderAt)
	if !ok {
		return nil, errNoReaderAt
	}
	t.to, t.from, t.size, t.end, t.sum, t.err = f, r, size, 0, t.newHash(), nil
	file, ok := src.(layer.File)
	switch {
	case ok && size >= aheadSize:
		piece := bufferSize
		if size >= largeSize {
			piece = largePiece
		}
		t.err = readahead.Read(r, t.clipped(file.Extents()), piece, t.use)
	case ok:
		file.Extents()(t.each)
	default:
		t.take(layer.Extent{Length: size}, nil)
	}
	if t.err == nil {
		t.err = t.finish()
	}
	if t.err != nil {
		return nil, t.err
	}
	return t.sum.digest(), nil
}

const (
	// aheadSize is the size from which a file is read while the piece before is
	// written. Below it, a goroutine costs more than that saves.
	aheadSize = 1 << 20
	// largeSize is the size from which largePiece is read at once. To hand over
	// less from one processor to another costs a tenth of the time of 512 MiB;
	// among many smaller files, more has left the cache when it is written.
	largeSize, largePiece = 16 << 20, 512 << 10
)

// A transfer is the content of one file after another on its way. It is one
// thing of a worker, and no loop with closures around it, as most files are
// small: what is made for each of them costs as much as their bytes do.
type transfer struct {
	*copier
	buf  []byte
	each func(layer.Extent, error) bool // is take

	to   *newFile
	from io.ReaderAt
	size int64 // of the file
	end  int64 // of what was copied
	sum  *hasher
	err  error
}

func (c *copier) newTransfer() *transfer {
	t := &transfer{copier: c, buf: make([]byte, bufferSize)}
	t.each = t.take
	return t
}

// take copies the next extent. It reports whether more are wanted.
func (t *transfer) take(e layer.Extent, err error) bool {
	if err == nil {
		err = t.extent(e)
	}
	t.err = err
	return err == nil
}

func (t *transfer) extent(e layer.Extent) error {
	for stop := min(e.Offset+e.Length, t.size); e.Offset < stop; {
		part := t.buf[:min(int64(len(t.buf)), stop-e.Offset)]
		if err := ondisk.ReadFull(t.from, part, e.Offset); err != nil {
			return err
		}
		if err := t.use(part, e.Offset); err != nil {
			return err
		}
		e.Offset += int64(len(part))
	}
	return nil
}

// clipped yields extents up to the end of the file.
func (t *transfer) clipped(extents iter.Seq2[layer.Extent, error]) iter.Seq2[layer.Extent, error] {
	return func(yield func(layer.Extent, error) bool) {
		for e, err := range extents {
			e.Length = min(e.Length, t.size-e.Offset)
			if (err != nil || e.Length > 0) && !yield(e, err) {
				return
			}
		}
	}
}

// use writes what was read at off.
func (t *transfer) use(p []byte, off int64) error {
	if err := t.ctx.Err(); err != nil {
		return err
	}
	t.sum.zeros(off - t.end)
	t.sum.write(p)
	if t.to != nil {
		if _, err := t.to.WriteAt(p, off); err != nil {
			return err
		}
		t.bytes.Add(int64(len(p)))
	}
	end := off + int64(len(p))
	t.progress(end - t.end) // with the hole before it
	t.end = end
	return nil
}

// finish adds the hole at the end.
func (t *transfer) finish() error {
	hole := t.size - t.end
	if hole <= 0 {
		return nil
	}
	t.sum.zeros(hole)
	t.progress(hole)
	if t.to == nil {
		return nil
	}
	return t.to.Truncate(t.size)
}

// progress tells of n bytes more.
func (c *copier) progress(n int64) {
	if c.opts.Progress != nil {
		c.opts.Progress(n)
	}
}

package export

import (
	"io"
	"io/fs"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

// content copies the data of src to f, and leaves out the holes. A nil f gets
// nothing. It returns the hash of the file, holes too, if that is wanted.
func (c *copier) content(f *newFile, src fs.File, size int64, buf []byte) (*digest, error) {
	r, ok := src.(io.ReaderAt)
	if !ok {
		return nil, errNoReaderAt
	}
	t := transfer{copier: c, to: f, from: r, size: size, buf: buf, sum: c.newHash()}
	if file, ok := src.(layer.File); ok {
		file.Extents()(t.take)
	} else {
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

// A transfer is the content of one file on its way. It is one thing, and no
// loop with closures around it, as most files are small: what is made for each
// of them costs as much as their bytes do.
type transfer struct {
	*copier
	to   *newFile
	from io.ReaderAt
	size int64 // of the file
	end  int64 // of what was copied
	buf  []byte
	sum  *hasher
	err  error
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
		if err := t.ctx.Err(); err != nil {
			return err
		}
		part := t.buf[:min(int64(len(t.buf)), stop-e.Offset)]
		if err := ondisk.ReadFull(t.from, part, e.Offset); err != nil {
			return err
		}
		t.sum.zeros(e.Offset - t.end)
		t.sum.write(part)
		if t.to != nil {
			if _, err := t.to.WriteAt(part, e.Offset); err != nil {
				return err
			}
			t.bytes.Add(int64(len(part)))
		}
		e.Offset += int64(len(part))
		t.progress(e.Offset - t.end) // with the hole before it
		t.end = e.Offset
	}
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

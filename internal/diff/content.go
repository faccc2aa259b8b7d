package diff

import (
	"bytes"
	"io"
	"sync"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/internal/walk"
	"github.com/vmdkfs/vmdkfs/layer"
)

// readSize is how much of two files is read at once to be compared.
const readSize = 256 << 10

// buffers are for two files each.
var buffers = sync.Pool{New: func() any { return new([2][readSize]byte) }}

// bytes reports whether two files of one size hold other bytes. An error has
// been reported.
func (c *comparison) bytes(p pair) (differ bool, err error) {
	a, err := open(p.a)
	if err != nil {
		c.fail(&c.first, p.a.Path, err)
		return false, err
	}
	defer a.Close()
	b, err := open(p.b)
	if err != nil {
		c.fail(&c.second, p.b.Path, err)
		return false, err
	}
	defer b.Close()
	buf := buffers.Get().(*[2][readSize]byte)
	defer buffers.Put(buf)
	for off, size := int64(0), a.Size(); off < size; off += readSize {
		if err := c.ctx.Err(); err != nil {
			return false, err
		}
		n := min(readSize, size-off)
		x, y := buf[0][:n], buf[1][:n]
		if err := ondisk.ReadFull(a, x, off); err != nil {
			c.fail(&c.first, p.a.Path, err)
			return false, err
		}
		if err := ondisk.ReadFull(b, y, off); err != nil {
			c.fail(&c.second, p.b.Path, err)
			return false, err
		}
		if !bytes.Equal(x, y) {
			return true, nil
		}
	}
	return false, nil
}

// A content is a regular file as it is read here.
type content interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

// open opens a regular file.
func open(e walk.Entry) (content, error) {
	f, err := e.Open()
	if err != nil {
		return nil, err
	}
	if file, ok := f.(layer.File); ok {
		return file, nil
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	return inMemory{bytes.NewReader(data)}, err
}

// An inMemory is a file of a file system that is none of ours: a test's.
type inMemory struct{ *bytes.Reader }

func (inMemory) Close() error { return nil }

package export

import (
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"io/fs"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
)

var errVerify = errors.New("what was written reads back as something else")

type digest = [sha256.Size]byte

// A hasher makes the hash of a file that is copied. A nil one makes none.
type hasher struct{ h hash.Hash }

// newHash returns a hasher if hashes are wanted.
func (c *copier) newHash() *hasher {
	if !c.opts.Verify && c.opts.Sum == nil {
		return nil
	}
	return &hasher{sha256.New()}
}

func (s *hasher) write(p []byte) {
	if s != nil {
		s.h.Write(p)
	}
}

var zeros [64 << 10]byte

// zeros adds n bytes of a hole.
func (s *hasher) zeros(n int64) {
	for ; s != nil && n > 0; n -= min(n, int64(len(zeros))) {
		s.h.Write(zeros[:min(n, int64(len(zeros)))])
	}
}

func (s *hasher) digest() *digest {
	if s == nil {
		return nil
	}
	return (*digest)(s.h.Sum(nil))
}

// verify fails when r has another hash than want. The size is that of the file
// in the image.
func (t *transfer) verify(r io.ReaderAt, size int64, want *digest) error {
	h := sha256.New()
	for off := int64(0); off < size; {
		if err := t.ctx.Err(); err != nil {
			return err
		}
		part := t.buf[:min(int64(len(t.buf)), size-off)]
		if err := ondisk.ReadFull(r, part, off); err != nil {
			return err
		}
		h.Write(part)
		off += int64(len(part))
	}
	if *want != digest(h.Sum(nil)) {
		return errVerify
	}
	return nil
}

// compare is what remains to be done for a file of which a complete copy is
// there.
func (t *transfer) compare(l leaf, info fs.FileInfo) (*digest, error) {
	if !t.opts.Verify && t.opts.Sum == nil {
		t.progress(info.Size())
		return nil, nil
	}
	src, err := open(l.Entry, info)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	sum, err := t.content(nil, src, info.Size())
	if err != nil || !t.opts.Verify {
		return sum, err
	}
	f, err := l.dir.host.open(l.name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return sum, t.verify(f, info.Size(), sum)
}

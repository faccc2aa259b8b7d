package restore

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path"
	"sync/atomic"

	"github.com/vmdkfs/vmdkfs/layer"
)

const (
	// pieceSize is how much one worker copies of a file before the next piece
	// may go to another.
	pieceSize = 64 << 20
	// bufferSize is how much is read at once: what was read is still in the
	// processor's cache when it is searched for zeros and written. The system
	// lets one write to a file at a time, and less would have the workers wait
	// for each other more often.
	bufferSize = 1 << 20
	// block is the unit in which zeros become holes.
	block = 4096
)

// A piece is a part of a file that is to be copied.
type piece struct {
	job   *job
	index int // among the pieces of the file
	span
}

// A job is a file that is being restored.
type job struct {
	run      *run
	file     File
	complete bool  // an earlier run has restored it: it is only verified
	mark     int64 // up to where an earlier run has copied it

	from, to   *os.File
	cloned     bool
	data       []span // of the source, without its holes
	pieces     []piece
	done       []atomic.Bool // by piece
	unfinished atomic.Int64  // pieces that are not done
	hashed     atomic.Int64  // up to where it is copied in order, when that is how it is copied
	written    atomic.Int64
	broken     atomic.Bool
	distrusted bool // what was written is not what the source has
}

// open opens the source and the file that is written.
func (j *job) open() (err error) {
	if j.from, err = j.source(); err != nil {
		return err
	}
	if j.complete {
		j.to, err = j.run.to.Open(j.file.To)
		j.cut()
		return err
	}
	if dir := path.Dir(j.file.To); dir != "." {
		if err := j.run.to.MkdirAll(dir, 0o777); err != nil {
			return err
		}
	}
	if j.to, err = j.openPart(); err != nil {
		return err
	}
	if j.file.Text == nil && j.mark == 0 && clone(j.to, j.from) {
		j.cloned = true
	} else if err := j.to.Truncate(j.file.Size); err != nil {
		return err
	}
	j.cut()
	return nil
}

// cut makes the pieces. Where a hash is wanted, which goes from the beginning
// to the end, it is one.
func (j *job) cut() {
	add := func(s span) { j.pieces = append(j.pieces, piece{j, len(j.pieces), s}) }
	if j.run.opts.Verify || j.cloned {
		add(span{0, j.file.Size})
	} else {
		for _, s := range j.data {
			if skip := min(s.length, max(0, j.mark-s.offset)); skip > 0 {
				s.offset, s.length = s.offset+skip, s.length-skip
				j.run.progress(skip)
			}
			for ; s.length > 0; s.offset, s.length = s.offset+pieceSize, s.length-pieceSize {
				add(span{s.offset, min(s.length, pieceSize)})
			}
		}
		add(span{j.file.Size, 0}) // there is one at least
	}
	j.done = make([]atomic.Bool, len(j.pieces))
	j.unfinished.Store(int64(len(j.pieces)))
}

// size returns how many bytes of data the source has.
func (j *job) size() (n int64) {
	for _, s := range j.data {
		n += s.length
	}
	return n
}

// copy copies a piece. The last piece of a file completes it.
func (j *job) copy(ctx context.Context, p piece, buf []byte) {
	err := context.Cause(ctx)
	if j.broken.Load() {
		return
	}
	sum := ""
	switch {
	case err != nil:
	case j.run.opts.Verify:
		sum, err = j.copyHashed(ctx, buf)
	case j.cloned:
		j.run.progress(j.size())
	default:
		err = j.copySpan(ctx, p.span, buf, nil)
	}
	if err != nil {
		j.fail(err)
		return
	}
	j.done[p.index].Store(true)
	if j.unfinished.Add(-1) > 0 {
		return
	}
	result, err := j.place(ctx, sum)
	if err != nil {
		j.fail(err)
		return
	}
	j.run.restored(result)
}

// fail reports the first failure of a file.
func (j *job) fail(err error) {
	if !j.broken.Swap(true) {
		j.run.fail(j.file.To, err)
	}
}

// read reads from the source, as the destination is to have it. The error
// where it ends early is layer.ErrIncomplete.
func (j *job) read(b []byte, at int64) error {
	var source io.ReaderAt = j.from
	if j.file.Text != nil {
		source = bytes.NewReader(j.file.Text)
	}
	if wrap := j.run.opts.wrap; wrap != nil {
		source = wrap(j.file.Name, source)
	}
	n, err := source.ReadAt(b, at)
	if n < len(b) {
		if err == nil || errors.Is(err, io.EOF) {
			err = failed(layer.ErrIncomplete, j.file.Name, "it ends at byte %d", at+int64(n))
		}
		return err
	}
	if skip := j.file.PatchAt - at; skip < int64(len(b)) && -skip < int64(len(j.file.Patch)) {
		copy(b[max(0, skip):], j.file.Patch[max(0, -skip):])
	}
	return nil
}

// copySpan copies a span of the source. What an earlier run has copied, or the
// file shares, is only read, for its hash.
func (j *job) copySpan(ctx context.Context, s span, buf []byte, hash io.Writer) error {
	if hash == nil && j.file.Text == nil {
		if n, err := copyOnServer(ctx, j.to, j.from, s, j.run.progress); err != nil || n == s.length {
			j.written.Add(n)
			return err
		}
	}
	for s.length > 0 {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		b := buf[:min(s.length, int64(len(buf)))]
		if err := j.read(b, s.offset); err != nil {
			return err
		}
		end := s.offset + int64(len(b))
		if hash != nil {
			hash.Write(b)
		}
		if !j.complete && !j.cloned && end > j.mark {
			if err := j.write(b, s.offset); err != nil {
				return err
			}
		}
		if hash != nil {
			j.hashed.Store(end)
		}
		j.run.progress(int64(len(b)))
		s.offset, s.length = end, s.length-int64(len(b))
	}
	return nil
}

// write writes what of b is not zero: the file is new, and has holes.
func (j *job) write(b []byte, at int64) error {
	for len(b) > 0 {
		n := zeros(b)
		b, at = b[n:], at+int64(n)
		if n = data(b); n == 0 {
			continue
		}
		if _, err := j.to.WriteAt(b[:n], at); err != nil {
			return err
		}
		j.written.Add(int64(n))
		b, at = b[n:], at+int64(n)
	}
	return nil
}

package vmdk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/zlib"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
)

const (
	// maxTogether is how much of compressed grains is read at once.
	maxTogether = 4 << 20

	// grainMarker is the length of what stands before a compressed grain: its
	// first sector in the extent, and the length of its data.
	grainMarker = 12
)

// A job is one grain to be decompressed.
type job struct {
	grain int64
	dst   []byte // for the grain, or the part of it behind skip
	skip  int64
	off   int64  // in the file
	end   int64  // in the file, as far as is known; the marker may tell another
	data  []byte // what the file has from off to end
	err   error
}

// unpack decompresses the grains of jobs into their dst. Those that lie
// together in the file are one read.
func (c *packed) unpack(jobs []*job) {
	c.locate(jobs)
	jobs = slices.DeleteFunc(jobs, func(j *job) bool { return j.err != nil })
	buffer, _ := c.buffers.Get().(*[]byte)
	if buffer == nil {
		buffer = new([]byte)
	}
	defer c.buffers.Put(buffer)
	for len(jobs) > 0 {
		n := 1
		for n < len(jobs) && jobs[n].off == jobs[n-1].end && jobs[n].end-jobs[0].off <= maxTogether {
			n++
		}
		group := jobs[:n]
		jobs = jobs[n:]
		start := group[0].off
		size := int(group[n-1].end - start)
		*buffer = slices.Grow((*buffer)[:0], size)[:size]
		err := ondisk.ReadFull(c.file, *buffer, start)
		for _, j := range group {
			if j.err = err; err == nil {
				j.data = (*buffer)[j.off-start : j.end-start]
			}
		}
		if err == nil {
			c.inflateAll(group)
		}
	}
}

// locate looks up where the grains of jobs, which are in order, lie.
func (c *packed) locate(jobs []*job) {
	var w window
	var broken error
	for i, j := range jobs {
		if i == 0 || j.grain >= w.first+w.n {
			w, broken = c.window(j.grain)
		}
		if j.err = broken; broken != nil {
			w.n = 0
			continue
		}
		e := w.at(j.grain - w.first)
		if e.state != stored {
			j.err = w.damage(j.grain - w.first)
			continue
		}
		j.off, j.end = e.physical, min(e.physical+c.maxPacked(), c.file.size)
		// The next grain ends this one, unless a writer had an order of its own.
		first := j.grain + 1 - w.first
		for next := first; next < min(w.n, first+maxScan); next++ {
			if e := w.at(next); e.state == stored {
				if e.physical > j.off && e.physical < j.end {
					j.end = e.physical
				}
				break
			}
		}
	}
}

// maxPacked is the most that a compressed grain may take of the file, with its
// marker. Data that cannot be compressed grows by much less.
func (c *packed) maxPacked() int64 { return grainMarker + 2*c.grain }

// inflateAll decompresses jobs that have been read.
func (c *packed) inflateAll(jobs []*job) {
	var next atomic.Int64
	work := func() {
		in, _ := c.inflates.Get().(*inflate)
		if in == nil {
			in = new(inflate)
		}
		defer c.inflates.Put(in)
		for i := next.Add(1) - 1; i < int64(len(jobs)); i = next.Add(1) - 1 {
			jobs[i].err = c.one(jobs[i], in)
		}
	}
	var wg sync.WaitGroup
	for range min(len(jobs), runtime.GOMAXPROCS(0)) - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
}

// one decompresses one grain.
func (c *packed) one(j *job, in *inflate) error {
	data, err := c.payload(j)
	if err != nil {
		return err
	}
	if err := in.grain(j.dst, data, c.grain); err != nil {
		return c.corrupt(j.off, "compressed grain %d: %v", j.grain, err)
	}
	return nil
}

// payload returns the compressed data of a grain, checked against its marker.
func (c *packed) payload(j *job) ([]byte, error) {
	if !c.markers {
		return j.data, nil
	}
	if len(j.data) < grainMarker {
		return nil, c.corrupt(j.off, "the marker of grain %d goes on behind the end of the file, which has %d bytes", j.grain, c.file.size)
	}
	lba := binary.LittleEndian.Uint64(j.data)
	size := int64(binary.LittleEndian.Uint32(j.data[8:]))
	switch want := uint64(j.grain * c.grain / sectorSize); {
	case lba != want:
		return nil, c.corrupt(j.off, "the grain that lies here says that it is the one of sector %d, not %d", lba, want)
	case size == 0 || size > c.maxPacked()-grainMarker:
		return nil, c.corrupt(j.off, "the compressed grain %d has a length of %d bytes", j.grain, size)
	case size > c.file.size-j.off-grainMarker:
		return nil, c.corrupt(j.off, "the compressed grain %d goes on behind the end of the file, which has %d bytes", j.grain, c.file.size)
	case size <= int64(len(j.data))-grainMarker:
		return j.data[grainMarker:][:size], nil
	}
	return ondisk.Read(c.file, j.off+grainMarker, size) // another grain begins in this one, it seems
}

var (
	errTooShort = errors.New("less data than the grain has")
	errTooLong  = errors.New("more data than the grain has")
)

// An inflate decompresses one grain after the other.
type inflate struct {
	src  bytes.Reader
	zlib io.ReadCloser
	rest [4096]byte
}

// grain decompresses data, which is of at most size bytes, into dst, and
// checks its checksum. The grain may be longer than dst at the end of a disk.
func (in *inflate) grain(dst, data []byte, size int64) error {
	in.src.Reset(data)
	var err error
	if in.zlib == nil {
		in.zlib, err = zlib.NewReader(&in.src)
	} else {
		err = in.zlib.(zlib.Resetter).Reset(&in.src, nil)
	}
	if err != nil {
		return err
	}
	n, err := io.ReadFull(in.zlib, dst)
	if n < len(dst) {
		if _, end := in.zlib.Read(in.rest[:]); end == io.EOF {
			return errTooShort
		}
		return err
	}
	for left := size - int64(n); ; {
		n, err := in.zlib.Read(in.rest[:])
		if left -= int64(n); left < 0 {
			return errTooLong
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

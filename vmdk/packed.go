package vmdk

import (
	"io"
	"sync"

	"github.com/vmdkfs/vmdkfs/internal/cache"
	"github.com/vmdkfs/vmdkfs/layer"
)

const (
	// grainBudget bounds the decompressed grains that are kept, of all files
	// of a disk together. Only those are kept of which a part was read.
	grainBudget = 8 << 20

	// maxPackedGrain bounds the grains that are decompressed, since each takes
	// as much memory. They are of 64 KiB where VMware's programs write them.
	maxPackedGrain = 16 << 20
)

// A packed reads the extent whose grains are compressed: what Map says is at
// an offset of it is at that offset of packed. It is an io.ReaderAt for the
// stretches that are stored.
type packed struct {
	*sparse
	markers  bool
	cache    *cache.Cache // of whole grains, by s.packs
	index    int          // in s.packs
	inflates sync.Pool    // of *inflate
	buffers  sync.Pool    // of *[]byte
}

// pack makes the grains of s, which was not read yet, compressed ones.
func (s *files) pack(e *sparse, markers bool) error {
	if e.grain > maxPackedGrain {
		return layer.Errorf(layer.ErrUnsupported, "vmdk", e.file.path, 0, "compressed grains of %d bytes, more than %d", e.grain, maxPackedGrain)
	}
	e.packed = &packed{sparse: e, markers: markers, cache: s.unpacked, index: len(s.packs)}
	s.packs = append(s.packs, e.packed)
	return nil
}

// ReadAt implements io.ReaderAt. The grains are decompressed by as many
// goroutines as there are processors. One that is damaged ends it, with the
// bytes before it.
func (c *packed) ReadAt(p []byte, off int64) (int, error) {
	var jobs []*job
	for done := 0; done < len(p); {
		at := off + int64(done)
		j := &job{grain: at / c.grain, skip: at % c.grain}
		n := min(c.size(j.grain)-j.skip, int64(len(p)-done))
		if n <= 0 {
			return 0, io.ErrUnexpectedEOF
		}
		j.dst = p[done:][:n]
		done += int(n)
		jobs = append(jobs, j)
	}
	whole := jobs[:0:0]
	for _, j := range jobs {
		if int64(len(j.dst)) < c.size(j.grain) {
			data, err := c.cache.Get(pooled(c.index, j.grain*c.grain), int(c.size(j.grain)))
			if j.err = err; err == nil {
				copy(j.dst, data[j.skip:])
			}
			continue
		}
		whole = append(whole, j)
	}
	c.unpack(whole)
	done := 0
	for _, j := range jobs {
		if j.err != nil {
			return done, j.err
		}
		done += len(j.dst)
	}
	return done, nil
}

// size returns the length of grain g, of which the last may be shorter.
func (c *packed) size(g int64) int64 { return min(c.grain, c.length-g*c.grain) }

// packs are a source of whole decompressed grains, for the cache.
type packs []*packed

// ReadAt decompresses one whole grain.
func (s *packs) ReadAt(p []byte, off int64) (int, error) {
	i, off := unpooled(off)
	c := (*s)[i]
	j := &job{grain: off / c.grain, dst: p}
	c.unpack([]*job{j})
	if j.err != nil {
		return 0, j.err
	}
	return len(p), nil
}

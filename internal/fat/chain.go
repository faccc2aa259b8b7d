package fat

import (
	"cmp"
	"slices"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A run is a stretch of clusters that follow one another in a chain and on the
// disk.
type run struct {
	index   uint32 // of its first cluster in the chain
	cluster uint32 // the number of that
}

// A chain is the list of a file's clusters. It implements extent.Mapper: what
// lies behind its end is err.
type chain struct {
	f      *FS
	object string
	runs   []run
	length uint32 // in clusters
	err    error  // why it is not as long as it should be; nil if it is
}

// chain follows a chain from its first cluster, for at most want of them. With
// whole set, it is an error if there are more. A chain has at most as many
// clusters as the table has entries, so that the memory for it is bounded by
// the table, which is there.
func (f *FS) chain(object string, first uint32, want int64, whole bool) *chain {
	c := &chain{f: f, object: object}
	if !f.geo.has(first) {
		c.err = corrupt(object, noOffset, "it begins in cluster %d of %d", first, f.geo.clusters)
		return c
	}
	t := tableReader{f: f}
	for cluster := first; ; {
		if int64(c.length) == want {
			if whole {
				c.err = corrupt(object, noOffset, "it has more than %d clusters", want)
			}
			break
		}
		if c.length == f.geo.clusters {
			c.err = corrupt(object, noOffset, "its chain of clusters comes back to itself")
			break
		}
		if n := len(c.runs); n == 0 || cluster-c.runs[n-1].cluster != c.length-c.runs[n-1].index {
			c.runs = append(c.runs, run{c.length, cluster})
		}
		c.length++
		next, last, err := t.next(object, cluster)
		if err != nil || last {
			c.err = err
			break
		}
		cluster = next
	}
	if c.comesBack() {
		// Which of its bytes are the file's nobody knows.
		c.runs, c.length = nil, 0
		c.err = corrupt(object, noOffset, "its chain of clusters comes back to itself")
	}
	return c
}

// comesBack reports whether a cluster is in the chain twice.
func (c *chain) comesBack() bool {
	if len(c.runs) < 2 {
		return false
	}
	type span struct{ from, to uint32 }
	spans := make([]span, len(c.runs))
	for i, r := range c.runs {
		spans[i] = span{r.cluster, r.cluster + c.runLength(i)}
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	for i, s := range spans[1:] {
		if s.from < spans[i].to {
			return true
		}
	}
	return false
}

// runLength returns how many clusters the run i has.
func (c *chain) runLength(i int) uint32 {
	if i+1 < len(c.runs) {
		return c.runs[i+1].index - c.runs[i].index
	}
	return c.length - c.runs[i].index
}

// Map implements extent.Mapper.
func (c *chain) Map(off int64) (extent.Run, error) {
	size := c.f.geo.clusterSize
	at := off / size
	if at >= int64(c.length) {
		if c.err == nil {
			return extent.Run{}, corrupt(c.object, noOffset, "its chain ends after %d clusters, with byte %d", c.length, int64(c.length)*size)
		}
		return extent.Run{}, c.err
	}
	i, found := slices.BinarySearchFunc(c.runs, uint32(at), func(r run, at uint32) int { return cmp.Compare(r.index, at) })
	if !found {
		i--
	}
	r := extent.Run{
		Offset:   int64(c.runs[i].index) * size,
		Length:   int64(c.runLength(i)) * size,
		Physical: c.f.geo.offset(c.runs[i].cluster),
	}
	// What the source does not have is an error rather than zeros.
	if r.Length = min(r.Length, c.f.size-r.Physical); off-r.Offset >= r.Length {
		return extent.Run{}, layer.Errorf(layer.ErrIncomplete, layerName, c.object, r.Physical+off-r.Offset, "the source ends at byte %d", c.f.size)
	}
	return r, nil
}

package lvm

import (
	"cmp"
	"math"
	"slices"
	"sync/atomic"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/layer"
)

// An overlay says where a block of a volume lies, instead of in the volume.
type overlay struct {
	block uint64 // of the volume
	at    uint64 // block of the volume that overlays it
}

// An overlaid is the target of a volume of which some blocks lie on another
// one, as on a cache. Which ones is read when it is first asked for: it takes
// reading all of the cache's metadata.
type overlaid struct {
	origin, cache *layout
	start         int64 // of block 0 in the cache
	size          int64 // of a block
	// load returns the overlays, each block at most once.
	load   func() ([]overlay, error)
	blocks atomic.Pointer[[]overlay] // in order; nil as long as not loaded
}

func (o *overlaid) hollow() bool { return o.origin.hollow || o.cache.hollow }

// overlays returns the overlays in the order of the volume's blocks. A failure
// is not kept.
func (o *overlaid) overlays() ([]overlay, error) {
	if list := o.blocks.Load(); list != nil {
		return *list, nil
	}
	list, err := o.load()
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b overlay) int { return cmp.Compare(a.block, b.block) })
	for i := 1; i < len(list); i++ {
		if list[i].block == list[i-1].block {
			return nil, failure(layer.ErrCorrupt, o.cache.object, -1, "block %d lies in block %d and in block %d of the cache",
				list[i].block, list[i-1].at, list[i].at)
		}
	}
	o.blocks.Store(&list)
	return list, nil
}

// Map finds the block by binary search. Blocks that follow one another in both
// volumes are one run.
func (o *overlaid) Map(off int64) (extent.Run, error) {
	list, err := o.overlays()
	if err != nil {
		return extent.Run{}, err
	}
	block := uint64(off / o.size)
	i, found := slices.BinarySearchFunc(list, block, func(v overlay, block uint64) int { return cmp.Compare(v.block, block) })
	if !found {
		low, high := int64(0), int64(math.MaxInt64)
		if i > 0 {
			low = (int64(list[i-1].block) + 1) * o.size
		}
		if i < len(list) {
			high = int64(list[i].block) * o.size
		}
		run, err := o.origin.Map(off)
		if err != nil {
			return extent.Run{}, err
		}
		return within(run, low, high, 0), nil
	}
	count := 1
	for i+count < len(list) && list[i+count] == (overlay{block + uint64(count), list[i].at + uint64(count)}) {
		count++
	}
	at := o.start + int64(list[i].at)*o.size
	run, err := o.cache.Map(at + off%o.size)
	if err != nil {
		return extent.Run{}, err
	}
	return within(run, at, at+int64(count)*o.size, int64(block)*o.size-at), nil
}

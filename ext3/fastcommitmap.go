package ext3

import (
	"slices"
	"sort"

	"github.com/vmdkfs/vmdkfs/internal/extent"
)

// A blockRange is a stretch of a file that a fast commit gave a new place, or
// none. All numbers are blocks.
type blockRange struct {
	first, length uint64 // of the file
	start         uint64 // of the file system
	hole          bool   // deleted
	unwritten     bool
}

func (r blockRange) end() uint64 { return r.first + r.length }

// A patchedMap maps a file whose map is newer in parts.
type patchedMap struct {
	base    extent.Mapper
	patches []extent.Run // ordered and disjoint
}

// Map implements extent.Mapper.
func (m patchedMap) Map(off int64) (extent.Run, error) {
	i := sort.Search(len(m.patches), func(i int) bool { return m.patches[i].Offset > off })
	low := int64(0)
	if i > 0 {
		p := m.patches[i-1]
		if low = p.Offset + p.Length; off < low {
			return p, nil
		}
	}
	run, err := m.base.Map(off)
	if err != nil {
		return extent.Run{}, err
	}
	if skip := low - run.Offset; skip > 0 {
		run.Offset, run.Length, run.Physical = low, run.Length-skip, run.Physical+skip
	}
	if i < len(m.patches) {
		run.Length = min(run.Length, m.patches[i].Offset-run.Offset)
	}
	return run, nil
}

// patches returns what is left to see of ranges that were laid one over the
// other, in this order.
func patches(ranges []blockRange, blockSize int64) []extent.Run {
	// Between two neighbours of these bounds the last range that is there
	// counts. From the last to the first, each takes what is not taken yet.
	bounds := make([]uint64, 0, 2*len(ranges))
	for _, r := range ranges {
		bounds = append(bounds, r.first, r.end())
	}
	slices.Sort(bounds)
	bounds = slices.Compact(bounds)
	next := make([]int, len(bounds)) // the first piece from here on that may be free
	owner := make([]int, len(bounds))
	for i := range next {
		next[i], owner[i] = i, -1
	}
	free := func(i int) int {
		for next[i] != i {
			next[i] = next[next[i]] // halve the way for whoever comes after
			i = next[i]
		}
		return i
	}
	for n, r := range slices.Backward(ranges) {
		i, _ := slices.BinarySearch(bounds, r.first)
		for i = free(i); bounds[i] < r.end(); i = free(i) {
			owner[i], next[i] = n, i+1
		}
	}
	var runs []extent.Run
	for i, n := range owner {
		if n < 0 {
			continue
		}
		r := ranges[n]
		run := extent.Run{Offset: int64(bounds[i]) * blockSize, Length: int64(bounds[i+1]-bounds[i]) * blockSize, Source: extent.Hole}
		if !r.hole && !r.unwritten {
			run.Source, run.Physical = 0, int64(r.start+bounds[i]-r.first)*blockSize
		}
		runs = append(runs, run)
	}
	return runs
}

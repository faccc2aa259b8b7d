package ntfs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"slices"
	"sync"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

// An inline is the value of a resident attribute as content. It lies in no
// place of its own.
type inline []byte

// ReadAt implements io.ReaderAt.
func (c inline) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errors.New("negative offset")
	}
	n := copy(p, c[min(off, c.Size()):])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Size implements vnode.Content.
func (c inline) Size() int64 { return int64(len(c)) }

// Extents implements vnode.Content.
func (c inline) Extents() iter.Seq2[layer.Extent, error] {
	return func(yield func(layer.Extent, error) bool) {
		if len(c) > 0 {
			yield(layer.Extent{Length: c.Size(), Physical: -1}, nil)
		}
	}
}

// wholeStream returns the content of an attribute whose runs are all in it: of
// an attribute list, which no list can describe.
func (x *file) wholeStream(a attribute) (vnode.Content, error) {
	if !a.nonResident() {
		return inline(bytes.Clone(a.value())), nil
	}
	m, err := x.runsOf(a)
	if err != nil {
		return nil, err
	}
	return x.plain(a, m, x.fsys.meta)
}

// runsOf returns the map of an attribute that has one part.
func (x *file) runsOf(a attribute) (extent.Mapper, error) {
	g := &x.fsys.geo
	runs, err := decodeRuns(nil, a.mappingPairs(), 0, a.highestVCN()+1, g)
	var list extent.List
	if err == nil {
		list, err = extent.NewList(runs, g.size)
	}
	if err == nil && a.allocatedSize()/g.clusterSize != a.highestVCN()+1 {
		err = fmt.Errorf("%d clusters for an allocated size of %d", a.highestVCN()+1, a.allocatedSize())
	}
	if err != nil {
		return nil, corrupt(x.name(), noOffset, "attribute %#x: %v", a.kind(), err)
	}
	return list, nil
}

// mapper returns the map of the clusters of an attribute that is not resident.
func (x *file) mapper(a attribute) (extent.Mapper, error) {
	if a.lowestVCN() != 0 {
		return nil, corrupt(x.name(), noOffset, "attribute %#x begins at cluster %d", a.kind(), a.lowestVCN())
	}
	if x.list == nil {
		return x.runsOf(a)
	}
	parts, err := x.parts(a.kind(), a.name())
	if err != nil {
		return nil, err
	}
	if len(parts) < 2 {
		return x.runsOf(a)
	}
	return &partMap{file: file{x.fsys, x.ref, nil, nil}, kind: a.kind(), streamName: bytes.Clone(a.name()), parts: parts,
		end: a.allocatedSize() / x.fsys.geo.clusterSize}, nil
}

// plain returns the content of an attribute whose clusters hold its bytes as
// they are, up to the initialized size; behind it are zeros, whatever the
// clusters hold.
func (x *file) plain(a attribute, m extent.Mapper, device io.ReaderAt) (vnode.Content, error) {
	size, valid := a.dataSize(), a.initializedSize()
	if size > a.allocatedSize() {
		return nil, corrupt(x.name(), noOffset, "attribute %#x: %d bytes in %d", a.kind(), size, a.allocatedSize())
	}
	if valid < size {
		m = initialized{m, valid}
	}
	return extent.NewReader(m, size, device), nil
}

// metadata returns the content of an attribute that is neither compressed nor
// encrypted, as what the volume itself uses never is, and likely to be read
// again.
func (x *file) metadata(a attribute) (vnode.Content, error) {
	if !a.nonResident() {
		return inline(bytes.Clone(a.value())), nil
	}
	m, err := x.mapper(a)
	if err != nil {
		return nil, err
	}
	return x.plain(a, m, x.fsys.meta)
}

// initialized is a map up to the initialized size.
type initialized struct {
	extent.Mapper
	end int64
}

// Map implements extent.Mapper.
func (m initialized) Map(off int64) (extent.Run, error) {
	if off >= m.end {
		return extent.Run{Offset: m.end, Length: math.MaxInt64 - m.end, Source: extent.Hole}, nil
	}
	run, err := m.Mapper.Map(off)
	run.Length = min(run.Length, m.end-run.Offset)
	return run, err
}

// recentParts is how many parts of a map stay decoded: those that a few
// readers of one file are at.
const recentParts = 4

// A partMap is the map of an attribute that lies in several records. A file
// may have a million runs: those of one part are decoded when they are needed.
type partMap struct {
	file       file // without its records
	kind       uint32
	streamName []byte
	parts      []part
	end        int64 // clusters in all

	mu     sync.Mutex
	recent []decodedPart // the most recently used first
}

type decodedPart struct {
	index int
	list  extent.List
}

// Map implements extent.Mapper.
func (m *partMap) Map(off int64) (extent.Run, error) {
	g := &m.file.fsys.geo
	vcn := off / g.clusterSize
	i, found := slices.BinarySearchFunc(m.parts, vcn, func(p part, vcn int64) int {
		switch {
		case p.vcn < vcn:
			return -1
		case p.vcn > vcn:
			return 1
		}
		return 0
	})
	if !found {
		i--
	}
	from, to := m.parts[i].vcn, m.end
	if i+1 < len(m.parts) {
		to = m.parts[i+1].vcn
	}
	if vcn >= to {
		return extent.Run{}, corrupt(m.file.name(), noOffset, "attribute %#x: cluster %d of %d", m.kind, vcn, m.end)
	}
	list, err := m.decoded(i, from, to)
	if err != nil {
		return extent.Run{}, err
	}
	run, err := list.Map(off)
	if run.Source == extent.Hole {
		// What the list does not cover are the other parts.
		start, end := max(run.Offset, from*g.clusterSize), min(run.Offset+run.Length, to*g.clusterSize)
		run.Offset, run.Length = start, end-start
	}
	return run, err
}

// decoded returns the runs of a part.
func (m *partMap) decoded(i int, from, to int64) (extent.List, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := slices.IndexFunc(m.recent, func(d decodedPart) bool { return d.index == i })
	if at < 0 {
		a, err := m.file.part(m.kind, m.streamName, m.parts[i])
		if err != nil {
			return extent.List{}, err
		}
		var runs []extent.Run
		if a.highestVCN()+1 != to {
			err = fmt.Errorf("a part ends at cluster %d, not %d", a.highestVCN()+1, to)
		} else {
			runs, err = decodeRuns(nil, a.mappingPairs(), from, to, &m.file.fsys.geo)
		}
		var list extent.List
		if err == nil {
			list, err = extent.NewList(runs, m.file.fsys.geo.size)
		}
		if err != nil {
			return extent.List{}, corrupt(m.file.name(), noOffset, "attribute %#x: %v", m.kind, err)
		}
		if len(m.recent) == recentParts {
			m.recent = m.recent[:recentParts-1]
		}
		m.recent = slices.Insert(m.recent, 0, decodedPart{i, list})
		return list, nil
	}
	d := m.recent[at]
	copy(m.recent[1:at+1], m.recent[:at])
	m.recent[0] = d
	return d.list, nil
}

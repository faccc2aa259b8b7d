package export

import (
	"bytes"
	"fmt"
	"path"
	"strconv"

	"github.com/vmdkfs/vmdkfs/layer"
)

// minHoles is how many bytes of holes make a file sparse in an archive: fewer
// save nothing beside the map.
const minHoles = 4096

// maxMap is the largest map of a sparse file that is written: it is made in
// memory. A file in more pieces is written with its zeros.
const maxMap = 1 << 20

// A region is a stretch of a file that is no hole.
type region struct{ offset, length int64 }

// dataOf returns where the data of a regular file is, and how many bytes of it
// are holes. Files in more pieces than a map may have are said to have none.
func dataOf(m *member) (data []region, holes int64, err error) {
	file, ok := m.file.(layer.File)
	if !ok {
		return nil, 0, nil
	}
	size := m.info.Size()
	holes = size
	for e, err := range file.Extents() {
		if err != nil {
			return nil, 0, err
		}
		length := min(e.Length, size-e.Offset)
		if length <= 0 {
			break
		}
		holes -= length
		if n := len(data); n > 0 && data[n-1].offset+data[n-1].length == e.Offset {
			data[n-1].length += length
			continue
		}
		if len(data) == maxMap/32 {
			return nil, 0, nil
		}
		data = append(data, region{e.Offset, length})
	}
	return data, holes, nil
}

// sparse writes a regular file with holes, in version 1.0 of GNU tar's format
// for them (GNU tar manual, "Storing Sparse Files"): a map of the data in
// front of the data, and its true name and size in records of their own.
func (t *tarFormat) sparse(h *tarHeader, m *member, data []region) error {
	if n := len(data); n == 0 || data[n-1].offset+data[n-1].length < h.size {
		data = append(data, region{h.size, 0}) // it ends with a hole
	}
	var table bytes.Buffer
	fmt.Fprintf(&table, "%d\n", len(data))
	stored := int64(0)
	for _, d := range data {
		fmt.Fprintf(&table, "%d\n%d\n", d.offset, d.length)
		stored += d.length
	}
	table.Write(make([]byte, -table.Len()&(tarBlock-1)))

	h.add("GNU.sparse.major", "1")
	h.add("GNU.sparse.minor", "0")
	h.add("GNU.sparse.name", h.name)
	h.add("GNU.sparse.realsize", strconv.FormatInt(h.size, 10))
	h.name = path.Join(path.Dir(h.name), "GNUSparseFile.0", path.Base(h.name))
	h.size = int64(table.Len()) + stored
	if err := t.header(h); err != nil {
		return err
	}
	if _, err := t.out.Write(table.Bytes()); err != nil {
		return fatal{err}
	}
	broken, end := false, int64(0)
	for _, d := range data {
		t.progress(d.offset - end)
		if err := t.content(t.out, m, d.offset, d.length, &broken); err != nil {
			return err
		}
		end = d.offset + d.length
	}
	return t.pad(stored)
}

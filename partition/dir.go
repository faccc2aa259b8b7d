package partition

import (
	"cmp"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

// nodes returns the partitions of t, by number, on the disk of size bytes in
// r, and warns of those that cannot be read as a whole.
func (t *table) nodes(r io.ReaderAt, size int64) []*partition {
	var list []*partition
	for _, e := range t.partitions {
		p := &partition{Partition: e.Partition, disk: r, err: e.err}
		p.Partition.Name = fmt.Sprintf("p%d", e.Number)
		var ok bool
		if p.Start, p.Partition.Size, ok = e.bytes(t.SectorSize); !ok && p.err == nil {
			p.err = layer.Errorf(layer.ErrCorrupt, "partition", p.Partition.Name, -1, "no disk has %d sectors from %d on", e.sectors, e.first)
		}
		p.present = max(0, min(p.Partition.Size, size-p.Start))
		if p.err != nil {
			t.Warnings = append(t.Warnings, p.err)
		} else if p.present < p.Partition.Size {
			t.Warnings = append(t.Warnings, p.beyond())
		}
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b *partition) int { return cmp.Compare(a.Number, b.Number) })
	return list
}

// A partition is the node of one partition.
type partition struct {
	Partition
	disk    io.ReaderAt
	present int64 // bytes of it that lie on the disk
	err     error // why it cannot be opened
}

func (*partition) Mode() fs.FileMode  { return 0o444 }
func (p *partition) Size() int64      { return p.Partition.Size }
func (*partition) ModTime() time.Time { return time.Time{} }
func (p *partition) Sys() any         { return p.Partition }

// Open returns the partition's bytes.
func (p *partition) Open() (vnode.Content, error) {
	if p.err != nil {
		return nil, p.err
	}
	return extent.NewReader(p, p.Partition.Size, p.disk), nil
}

// Map implements extent.Mapper. What the disk does not have is an error rather
// than a hole.
func (p *partition) Map(off int64) (extent.Run, error) {
	if off >= p.present {
		return extent.Run{}, p.beyond()
	}
	return extent.Run{Length: p.present, Physical: p.Start}, nil
}

// beyond returns the error for what the disk does not have of the partition.
func (p *partition) beyond() error {
	return layer.Errorf(layer.ErrIncomplete, "partition", p.Partition.Name, p.Start+p.present, "the disk ends %d bytes before the partition", p.Partition.Size-p.present)
}

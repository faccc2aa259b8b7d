package partition

import (
	"errors"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

// primaryLBA is the sector of the first header.
const primaryLBA = 1

// readGPT returns the GPT that the protective MBR m announces: the first copy,
// or the backup at the end of the disk when that is not valid.
func (d *disk) readGPT(m *mbr) (*table, error) {
	g, failed := d.readPrimary()
	if failed == nil {
		t := g.table(m)
		d.checkBackup(t, g)
		return t, nil
	}
	backup, err := d.readBackup(m, g)
	if err == nil {
		t := backup.table(m)
		t.Warnings = append([]error{failed}, t.Warnings...)
		t.warn(nil, "GPT", backup.off, "the first copy is not valid, and the backup is used")
		return t, nil
	}
	// An error of the source says more than what follows from it.
	for _, err := range []error{failed, err} {
		if !errors.Is(err, layer.ErrCorrupt) && !errors.Is(err, layer.ErrIncomplete) {
			return nil, err
		}
	}
	return nil, layer.Errorf(layer.ErrCorrupt, "partition", "GPT", -1, "neither copy is valid: %v; %v", failed, err)
}

// readUnprotectedGPT returns a GPT whose protective MBR is gone, or nil.
func (d *disk) readUnprotectedGPT(m *mbr) *table {
	if (*bootSector)(m).fileSystem() != "" {
		return nil
	}
	g, err := d.readPrimary()
	if err != nil {
		return nil
	}
	t := g.table(m)
	t.warn(nil, "MBR", 0, "the protective MBR of the GPT is gone")
	d.checkBackup(t, g)
	return t
}

// readLoneBackup returns the GPT of which only the backup is left.
func (d *disk) readLoneBackup() (*table, error) {
	m := (*mbr)(d.head)
	backup, err := d.readBackup(m, nil)
	switch {
	case errors.Is(err, layer.ErrCorrupt), errors.Is(err, layer.ErrIncomplete):
		return nil, layer.Errorf(layer.ErrFormat, "partition", "backup GPT", -1, "there is none: %v", err)
	case err != nil:
		return nil, err
	}
	t := backup.table(m)
	t.warn(nil, "GPT", backup.off, "the first sectors of the disk are gone, and the backup of the table is used")
	return t, nil
}

// readPrimary returns the first copy. It lies in the second sector, and only
// its being there tells how large a sector is. When it is not valid, gpt is
// what there is of it, or nil.
func (d *disk) readPrimary() (*gpt, error) {
	g, err := d.readGPTCopy("GPT", primaryLBA, sectorSize)
	if err == nil || (g != nil && g.header.signature() == gptSignature) {
		return g, err
	}
	if g4, err4 := d.readGPTCopy("GPT", primaryLBA, sectorSize4); g4 != nil && g4.header.signature() == gptSignature {
		return g4, err4
	}
	return nil, err
}

// readBackup returns the backup of a GPT whose first copy, of which primary is
// what could be read, is not valid: where that says it is, in the disk's last
// sector, or in the last sector that the protective MBR speaks of, which is
// where it stays when the disk grows.
func (d *disk) readBackup(m *mbr, primary *gpt) (*gpt, error) {
	sizes := []int{sectorSize, sectorSize4}
	if primary != nil {
		sizes = []int{primary.sectorSize}
		if g, err := d.readGPTCopy("backup GPT", primary.header.alternateLBA(), primary.sectorSize); err == nil {
			return g, nil
		}
	}
	var failed error
	for _, size := range sizes {
		for _, lba := range []uint64{uint64(d.size/int64(size) - 1), m.protectedEnd()} {
			g, err := d.readGPTCopy("backup GPT", lba, size)
			if err == nil {
				return g, nil
			}
			if failed == nil {
				failed = err
			}
		}
	}
	return nil, failed
}

// protectedEnd returns the last sector that the protective MBR covers.
func (m *mbr) protectedEnd() uint64 {
	for i := range 4 {
		if p := m.partitionRecord(i); p.osType() == typeProtective && p.end() > 0 {
			return p.end() - 1
		}
	}
	return 0
}

// checkBackup warns if the disk ends before the backup of the GPT g. The
// backup itself is not read, since it would add nothing.
func (d *disk) checkBackup(t *table, g *gpt) {
	off, ok := ondisk.Mul(g.header.alternateLBA(), uint64(g.sectorSize))
	if ok && ondisk.Within(off, int64(g.sectorSize), d.size) {
		return
	}
	t.warn(layer.ErrIncomplete, "GPT", -1, "the disk is cut short: its backup table is in sector %d, and the disk ends with sector %d",
		g.header.alternateLBA(), d.size/int64(g.sectorSize)-1)
}

// table returns the partitions of g, of which m is the MBR.
func (g *gpt) table(m *mbr) *table {
	t := &table{Table: Table{Scheme: "gpt", SectorSize: g.sectorSize, ID: g.header.diskGUID().String()}}
	size := int(g.header.sizeOfPartitionEntry())
	for n := 1; n*size <= len(g.entries); n++ {
		e := gptEntry(g.entries[(n-1)*size:])
		if e.partitionTypeGUID() != (guid{}) {
			t.partitions = append(t.partitions, e.entry(n))
		}
	}
	if m.isProtective() {
		if others := m.hybrid(); others > 0 {
			t.warn(nil, "MBR", 0, "it lists %d partitions beside the GPT (a hybrid MBR); the GPT counts", others)
		}
	}
	return t
}

// hybrid returns how many partitions a protective MBR lists beside the GPT.
func (m *mbr) hybrid() int {
	n := 0
	for i := range 4 {
		if p := m.partitionRecord(i); p.inUse() && p.osType() != typeProtective {
			n++
		}
	}
	return n
}

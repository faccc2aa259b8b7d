// Package partition opens the partition table of a disk, MBR or GPT, as a file
// system with one file for each partition: "p1", "p2", "p5".
//
// Partitions have the numbers that Linux gives them: of the slot in an MBR,
// from 5 up for logical partitions in the order of their chain, and of the
// entry in a GPT. GPT is specified in the UEFI specification, chapter "GUID
// Partition Table (GPT) Disk Layout"; of the MBR, what programs agree on is
// written down in the same chapter and in Linux's block/partitions/msdos.c.
package partition

import (
	"io"
	"math"
	"slices"

	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A Table is what is to say of a partition table as a whole.
type Table struct {
	// Scheme is "mbr" or "gpt".
	Scheme string
	// SectorSize is 512 or 4096, the bytes in the table's unit.
	SectorSize int
	// ID tells the disk from others: the MBR's disk signature in 8
	// hexadecimal digits, or the GPT's disk GUID, in lower case.
	ID string
	// Warnings says what is wrong with the table or with the disk, though
	// there is a table to go by: the first GPT was damaged and the backup is
	// used, the disk is cut short, the MBR has entries beside the GPT, a
	// partition lies outside the disk, the chain of logical partitions is
	// broken. What keeps data from being read is also the error of reading
	// it.
	Warnings []error
}

// A Partition is an entry of a table. FileInfo.Sys of its file returns it.
type Partition struct {
	Name   string // of its file: "p1"
	Number int
	Start  int64 // its first byte on the disk
	Size   int64 // in bytes, as the table says, even if the disk ends sooner
	// Type is the MBR's type in two hexadecimal digits ("8e") or the GPT's
	// type GUID, in lower case.
	Type string
	// TypeName is what people call the type ("Linux LVM"); empty when it is
	// not known.
	TypeName string
	GUID     string // of a GPT partition, in lower case; empty in an MBR
	Label    string // of a GPT partition
	// Attributes are the bits of a GPT partition's attribute field; 0 in an
	// MBR.
	Attributes Attributes
	Bootable   bool // the MBR's active flag, or GPT's legacy BIOS bootable
	Logical    bool // inside the MBR's extended partition
}

// An FS is the partition table of a disk. It implements [io/fs.FS] and its
// extensions; its files are [layer.File]s. The extended partitions of an MBR,
// which hold nothing but other partitions, are not among them.
//
// A partition that reaches beyond the end of the disk has the size that the
// table gives it. Reading it there is layer.ErrIncomplete, up to there it can
// be read. When the chain of logical partitions is broken, those behind the
// break are not known: listing the directory is then an error, after the
// partitions that are.
//
// An FS and its files may be used from any number of goroutines at once.
type FS struct {
	*vnode.FS
	table      Table
	partitions []Partition
}

// Open reads the partition table of the disk of size bytes in r, which must
// stay readable for as long as the FS is used.
//
// The error is a [*layer.Error]: layer.ErrFormat when the disk has no table,
// as one that holds a file system from its first sector on;
// layer.ErrCorrupt when it has a GPT of which neither copy is valid;
// layer.ErrUnsupported when it has a table of another kind, which the error
// names (a BSD disklabel, an Apple partition map, a Sun disk label); or else the
// error of r.
func Open(r io.ReaderAt, size int64) (*FS, error) { return openTable(r, size, (*disk).readTable) }

// OpenBackup is Open for a disk whose first sectors are gone: it reads the backup
// of a GPT in the last sector. Open does not look there, as a disk that has a
// file system from its first sector on may have it from an earlier life: the
// caller knows that nothing else is on the disk. Without one, the error is
// layer.ErrFormat.
func OpenBackup(r io.ReaderAt, size int64) (*FS, error) {
	return openTable(r, size, (*disk).readLoneBackup)
}

func openTable(r io.ReaderAt, size int64, read func(*disk) (*table, error)) (*FS, error) {
	d, err := newDisk(r, size)
	if err != nil {
		return nil, err
	}
	t, err := read(d)
	if err != nil {
		return nil, err
	}
	root := &vnode.Listing{Broken: t.broken}
	var partitions []Partition
	for _, p := range t.nodes(r, size) {
		root.Add(p.Partition.Name, p)
		partitions = append(partitions, p.Partition)
	}
	return &FS{FS: vnode.New(root), table: t.Table, partitions: partitions}, nil
}

// Table returns what is to say of the table as a whole.
func (f *FS) Table() Table {
	t := f.table
	t.Warnings = slices.Clone(t.Warnings)
	return t
}

// Partitions returns the partitions that the table lists, by number.
func (f *FS) Partitions() []Partition { return slices.Clone(f.partitions) }

// A table is what a decoder makes of a disk.
type table struct {
	Table
	partitions []entry
	broken     error // why there may be more partitions; nil if there are not
}

// An entry is a partition in the units of its table.
type entry struct {
	Partition
	first, sectors uint64
	err            error // why its place makes no sense; nil if it does
}

// bytes returns the place of a partition in bytes, given the size of a sector.
func (e *entry) bytes(sectorSize int) (start, size int64, ok bool) {
	limit := uint64(math.MaxInt64 / int64(sectorSize))
	if e.first > limit || e.sectors > limit-e.first {
		return 0, 0, false
	}
	return int64(e.first) * int64(sectorSize), int64(e.sectors) * int64(sectorSize), true
}

// warn adds a warning.
func (t *table) warn(kind error, object string, offset int64, format string, args ...any) {
	t.Warnings = append(t.Warnings, layer.Errorf(kind, "partition", object, offset, format, args...))
}

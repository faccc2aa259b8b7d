package ntfs

import (
	"errors"
	"fmt"
	"io"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

const (
	bootSectorSize = 512
	oemID          = "NTFS    "
	// minSector and maxSector bound the bytes of a sector, as Windows does.
	minSector, maxSector = 256, 4096
	// maxCluster is the largest cluster of Windows 10 and later, in bytes.
	maxCluster = 2 << 20
	// maxClusters is how many a volume can have: Windows numbers them with 32
	// bits. $Bitmap, which is counted, has a bit for each.
	maxClusters = 1 << 32
	// minRecord and maxRecord bound the bytes of a file record. Windows makes
	// them of 1 and 4 KiB; a sector of 512 bytes is the least that has a place
	// for a fixup, and their headers hold offsets of 16 bits.
	minRecord, maxRecord = 512, 32 << 10
	// minIndexBlock and maxIndexBlock do so for index records. Windows makes
	// them of 4 KiB.
	minIndexBlock, maxIndexBlock = 512, 64 << 10
)

// A bootSector is the $Boot of a volume, "NTFS Boot Sector" in [MS-FSCC]'s
// companion documentation of Windows: a BIOS parameter block with the fields of
// NTFS behind it. Its accessors have the names of ntfs-3g's layout.h.
type bootSector [bootSectorSize]byte

func (b *bootSector) oemID() string              { return string(b[3:11]) }
func (b *bootSector) bytesPerSector() uint16     { return le.Uint16(b[0x0B:0x0D]) }
func (b *bootSector) sectorsPerCluster() uint8   { return b[0x0D] }
func (b *bootSector) numberOfSectors() uint64    { return le.Uint64(b[0x28:0x30]) }
func (b *bootSector) mftLCN() uint64             { return le.Uint64(b[0x30:0x38]) }
func (b *bootSector) mftMirrLCN() uint64         { return le.Uint64(b[0x38:0x40]) }
func (b *bootSector) clustersPerRecord() int8    { return int8(b[0x40]) }
func (b *bootSector) clustersPerIndex() int8     { return int8(b[0x44]) }
func (b *bootSector) volumeSerialNumber() uint64 { return le.Uint64(b[0x48:0x50]) }

// A geometry is the validated shape of a volume.
type geometry struct {
	sectorSize  int64 // bytes
	clusterSize int64 // bytes
	recordSize  int64 // bytes of a file record
	indexSize   int64 // bytes of an index record, unless an index says otherwise
	size        int64 // bytes of the volume, without the backup of the boot sector
	clusters    int64 // count
	mft         int64 // byte at which $MFT begins
	mirror      int64 // byte at which $MFTMirr begins
	serial      uint64
}

// sizeField decodes a size that is a count of clusters, or where it is negative
// the power of two of bytes.
func sizeField(v int8, clusterSize int64) int64 {
	switch {
	case v >= 0:
		return int64(v) * clusterSize
	case v > -32:
		return 1 << -v
	}
	return 0
}

func isPowerOfTwo(n int64) bool { return n > 0 && n&(n-1) == 0 }

// parse checks a boot sector against itself.
func (b *bootSector) parse() (geometry, error) {
	if b.oemID() != oemID {
		return geometry{}, layer.Errorf(layer.ErrFormat, layerName, "boot sector", noOffset, "OEM ID is %q, not %q", b.oemID(), oemID)
	}
	bad := func(format string, args ...any) (geometry, error) {
		return geometry{}, corrupt("boot sector", noOffset, format, args...)
	}
	g := geometry{sectorSize: int64(b.bytesPerSector()), serial: b.volumeSerialNumber()}
	if !isPowerOfTwo(g.sectorSize) || g.sectorSize < minSector || g.sectorSize > maxSector {
		return bad("sectors of %d bytes, no power of two from %d to %d", g.sectorSize, minSector, maxSector)
	}
	// More than 128 sectors are given as the negative power of two.
	sectors := int64(b.sectorsPerCluster())
	if sectors > 128 {
		sectors = sizeField(int8(b.sectorsPerCluster()), 0)
	}
	g.clusterSize = sectors * g.sectorSize
	if !isPowerOfTwo(sectors) || g.clusterSize > maxCluster {
		return bad("clusters of %d sectors, no power of two of at most %d bytes", sectors, maxCluster)
	}
	g.recordSize = sizeField(b.clustersPerRecord(), g.clusterSize)
	if !isPowerOfTwo(g.recordSize) || g.recordSize < minRecord || g.recordSize > maxRecord {
		return bad("file records of %d bytes, no power of two from %d to %d", g.recordSize, minRecord, maxRecord)
	}
	g.indexSize = sizeField(b.clustersPerIndex(), g.clusterSize)
	if !isPowerOfTwo(g.indexSize) || g.indexSize < minIndexBlock || g.indexSize > maxIndexBlock {
		return bad("index records of %d bytes, no power of two from %d to %d", g.indexSize, minIndexBlock, maxIndexBlock)
	}
	var fits bool
	if g.size, fits = ondisk.Mul(b.numberOfSectors(), uint64(g.sectorSize)); !fits {
		return bad("%d sectors", b.numberOfSectors())
	}
	if g.clusters = g.size / g.clusterSize; g.clusters > maxClusters {
		return bad("%d clusters, more than %d", g.clusters, int64(maxClusters))
	}
	for _, lcn := range []uint64{b.mftLCN(), b.mftMirrLCN()} {
		if lcn >= uint64(g.clusters) {
			return bad("$MFT or its mirror at cluster %d of %d", lcn, g.clusters)
		}
	}
	g.mft, g.mirror = int64(b.mftLCN())*g.clusterSize, int64(b.mftMirrLCN())*g.clusterSize
	return g, nil
}

// readBootSector reads the boot sector at off.
func readBootSector(r io.ReaderAt, off int64) (geometry, error) {
	var b bootSector
	if err := ondisk.ReadFull(r, b[:], off); err != nil {
		return geometry{}, failed("boot sector", off, err)
	}
	return b.parse()
}

// readBackup reads the copy of the boot sector: in the last sector of the
// partition, right behind the volume. It must be where it says itself.
func readBackup(r io.ReaderAt, size int64) (geometry, int64, error) {
	for sector := int64(minSector); sector <= maxSector; sector *= 2 {
		off := size&^(sector-1) - sector
		if off <= 0 {
			break
		}
		if g, err := readBootSector(r, off); err == nil && g.sectorSize == sector && g.size == off {
			return g, off, nil
		}
	}
	return geometry{}, 0, fmt.Errorf("no copy of the boot sector at the end of %d bytes", size)
}

// HasBackup reports whether the size bytes of r, whose boot sector is damaged,
// end with its copy, so that Open will read the volume through the copy.
func HasBackup(r io.ReaderAt, size int64) bool {
	_, _, err := readBackup(r, size)
	return err == nil
}

// readGeometry reads the boot sector, or its copy where it is damaged. The
// warning tells of that.
func readGeometry(r io.ReaderAt, size int64) (g geometry, warning, err error) {
	if size < bootSectorSize {
		return g, nil, layer.Errorf(layer.ErrFormat, layerName, "boot sector", noOffset, "the source has %d bytes", size)
	}
	g, err = readBootSector(r, 0)
	if err == nil || !errors.Is(err, layer.ErrFormat) && !errors.Is(err, layer.ErrCorrupt) {
		return g, nil, err
	}
	backup, off, backupErr := readBackup(r, size)
	if backupErr != nil {
		return g, nil, err
	}
	return backup, corrupt("boot sector", 0, "%v: its copy at byte %d is read", err, off), nil
}

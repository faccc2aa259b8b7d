package fat

import (
	"github.com/vmdkfs/vmdkfs/layer"
)

// Numbers of clusters from which on a volume is FAT16, and FAT32 (fatgen103,
// "FAT Type Determination").
const (
	fat16Clusters = 4085
	fat32Clusters = 65525
)

// firstCluster is the number of the first cluster that holds data.
const firstCluster = 2

// A geometry is where the parts of a volume lie, in bytes, checked against one
// another. All sums fit: sectors have 32-bit numbers and at most 4096 bytes.
type geometry struct {
	bits        int   // of an entry of the table: 12, 16 or 32
	sectorSize  int64 // in bytes
	clusterSize int64 // in bytes
	size        int64 // of the volume
	fat         int64 // the table in use
	fatSize     int64 // of one copy
	root        int64 // the root directory of FAT12 and FAT16
	rootSize    int64
	rootCluster uint32 // of FAT32
	data        int64  // cluster 2
	clusters    uint32 // how many there are
}

// newGeometry returns the geometry of a volume in a source of size bytes. The
// table must be there as a whole; of the data, what is not is an error of
// reading it.
func newGeometry(b *bootSector, size int64) (geometry, error) {
	var g geometry
	sector := int64(b.bytsPerSec())
	g.sectorSize = sector
	g.clusterSize = sector * int64(b.secPerClus())
	sectors, fatSectors := int64(b.totSec16()), int64(b.fatSz16())
	if sectors == 0 {
		sectors = int64(b.totSec32())
	}
	if b.isFAT32() {
		fatSectors = int64(b.fatSz32())
	}
	g.size = sectors * sector
	g.fatSize = fatSectors * sector
	first := int64(b.rsvdSecCnt()) * sector
	g.rootSize = (int64(b.rootEntCnt())*recordSize + sector - 1) / sector * sector
	g.root = first + int64(b.numFATs())*g.fatSize
	g.data = g.root + g.rootSize
	g.fat = first
	if b.isFAT32() && b.extFlags()&0x80 != 0 { // the copies are not kept equal
		active := int64(b.extFlags() & 0xf)
		if active >= int64(b.numFATs()) {
			return g, corrupt("boot sector", 40, "table %d of %d is the one in use", active, b.numFATs())
		}
		g.fat += active * g.fatSize
	}
	if g.data > g.size {
		return g, corrupt("boot sector", 0, "the data begins at byte %d of a volume of %d", g.data, g.size)
	}
	if g.data > size {
		return g, layer.Errorf(layer.ErrIncomplete, layerName, "FAT", g.fat, "the source ends at byte %d, before the data at %d", size, g.data)
	}
	g.clusters = uint32((g.size - g.data) / g.clusterSize)
	switch {
	case b.isFAT32():
		g.bits, g.rootCluster = 32, b.rootClus()
	case g.clusters < fat16Clusters:
		g.bits = 12
	case g.clusters < fat32Clusters:
		g.bits = 16
	default:
		return g, corrupt("boot sector", 0, "%d clusters in a table for FAT16", g.clusters)
	}
	// Clusters that the table has no entries for are not there, as in Linux.
	entries := g.fatSize * 8 / int64(g.bits)
	if entries <= firstCluster {
		return g, corrupt("boot sector", 0, "%d bytes of table", g.fatSize)
	}
	g.clusters = uint32(min(int64(g.clusters), entries-firstCluster))
	if g.bits == 32 && !g.has(g.rootCluster) {
		return g, corrupt("boot sector", 44, "the root directory begins in cluster %d of %d", g.rootCluster, g.clusters)
	}
	return g, nil
}

// has reports whether the volume has a cluster of that number.
func (g *geometry) has(cluster uint32) bool {
	return cluster >= firstCluster && cluster-firstCluster < g.clusters
}

// offset returns the place of a cluster that the volume has.
func (g *geometry) offset(cluster uint32) int64 {
	return g.data + int64(cluster-firstCluster)*g.clusterSize
}

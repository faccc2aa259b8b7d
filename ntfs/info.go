package ntfs

import "fmt"

// Info holds what a volume says of itself.
type Info struct {
	Label        string
	Serial       string // as Windows shows it: 8 hexadecimal digits in two halves, the lower ones of 64 bits
	FullSerial   string // 16 hexadecimal digits, as blkid shows it
	Version      string // "3.1", of Windows XP and later
	SectorSize   int64  // bytes
	ClusterSize  int64  // bytes
	RecordSize   int64  // bytes of a file record
	Size         int64  // bytes
	Clusters     int64  // count
	FreeClusters int64
	Records      uint64 // in $MFT, in use or not
}

const (
	volumeInformation = 12 // bytes of $VOLUME_INFORMATION
	// maxLabel bounds a label. Windows gives one 32 units of UTF-16.
	maxLabel = 2 * 1024
)

// Info returns the facts of the volume. It reads $Volume and $Bitmap.
func (f *FS) Info() (Info, error) {
	g := &f.geo
	i := Info{Serial: fmt.Sprintf("%04X-%04X", uint16(g.serial>>16), uint16(g.serial)), FullSerial: fmt.Sprintf("%016X", g.serial),
		SectorSize: g.sectorSize, ClusterSize: g.clusterSize, RecordSize: g.recordSize, Size: g.size, Clusters: g.clusters, Records: f.mft.records}
	x, err := f.file(recordVolume)
	if err != nil {
		return i, err
	}
	a, err := x.find(attrVolumeName, nil)
	if err != nil {
		return i, err
	}
	switch {
	case a == nil: // it has no label
	case a.nonResident() || len(a.value()) > maxLabel:
		return i, corrupt("$Volume", noOffset, "a label of %d bytes, more than %d in the record", a.size(), maxLabel)
	default:
		i.Label = text(a.value())
	}
	v, err := x.volumeInformation()
	if err != nil {
		return i, err
	}
	i.Version = fmt.Sprintf("%d.%d", v[8], v[9])
	b, err := f.bitmap()
	if err != nil {
		return i, err
	}
	used, err := b.used(0, g.clusters)
	i.FreeClusters = g.clusters - used
	return i, err
}

// volumeInformation returns $VOLUME_INFORMATION of $Volume.
func (x *file) volumeInformation() ([]byte, error) {
	a, err := x.find(attrVolumeInformation, nil)
	if err != nil {
		return nil, err
	}
	if a == nil || a.nonResident() || len(a.value()) < volumeInformation {
		return nil, corrupt("$Volume", noOffset, "it has no $VOLUME_INFORMATION")
	}
	return a.value(), nil
}

package fat

import (
	"encoding/binary"
	"fmt"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
)

// Info describes the file system as a whole.
type Info struct {
	Type        string // "FAT12", "FAT16" or "FAT32"
	Label       string // of the root directory, or else of the boot sector
	Serial      string // "1234-ABCD"; empty where there is none
	SectorSize  int64  // in bytes, as are the other sizes
	ClusterSize int64
	Size        int64
	Free        int64 // -1 where it is not known
	Clean       bool  // it was unmounted
}

// noName is the label of a volume that has none.
const noName = "NO NAME"

// Info reads what there is to tell of the file system.
func (f *FS) Info() (Info, error) {
	i := Info{Type: fmt.Sprintf("FAT%d", f.geo.bits), SectorSize: f.geo.sectorSize, ClusterSize: f.geo.clusterSize, Size: f.geo.size}
	if f.boot.hasExtension() {
		i.Serial = serial(f.boot.volID())
		if l := label(f.boot.volLab()); l != noName {
			i.Label = l
		}
	}
	for l, err := range f.root.records() {
		if err != nil {
			return i, err
		}
		if l.attr()&VolumeID != 0 {
			i.Label = label(l.name())
			break
		}
	}
	free, err := f.free()
	if err != nil {
		return i, err
	}
	i.Free = free
	s, err := f.state()
	i.Clean = !s.dirty
	return i, err
}

// A state is what the volume's last user left as a note.
type state struct {
	dirty  bool // it was not unmounted
	failed bool // reads or writes failed
}

// state reads the flags in the boot sector and in the table's second entry
// (fatgen103, ClnShutBitMask and HrdErrBitMask), which FAT12 has not.
func (f *FS) state() (state, error) {
	s := state{dirty: f.boot.hasExtension() && f.boot.dirty()}
	if f.geo.bits == 12 {
		return s, nil
	}
	b, err := ondisk.Read(f.source, f.geo.fat+int64(f.geo.bits/8), int64(f.geo.bits/8))
	if err != nil {
		return s, failed("FAT", f.geo.fat, err)
	}
	flags := b[len(b)-1] // the leading bits, without the four that FAT32 reserves
	if f.geo.bits == 32 {
		flags <<= 4
	}
	s.dirty = s.dirty || flags&0x80 == 0
	s.failed = flags&0x40 == 0
	return s, nil
}

// Of the sector with hints for FAT32 (fatgen103, "FSInfo Sector").
const (
	fsInfoSize    = 512
	fsInfoLead    = 0x41615252
	fsInfoStruc   = 0x61417272
	fsInfoUnknown = 0xffffffff
)

// free returns the bytes in clusters that are free: counted where the table is
// small, and in FAT32 what the volume's last user has written down.
func (f *FS) free() (int64, error) {
	if f.geo.bits != 32 {
		var n int64
		t := tableReader{f: f}
		for c := range f.geo.clusters {
			v, err := t.entry(c + firstCluster)
			if err != nil {
				return -1, err
			}
			if v == 0 {
				n++
			}
		}
		return n * f.geo.clusterSize, nil
	}
	at := int64(f.boot.fsInfo()) * f.geo.sectorSize
	if at == 0 || at >= f.geo.fat {
		return -1, nil
	}
	b, err := ondisk.Read(f.source, at, fsInfoSize)
	if err != nil {
		return -1, failed("FSInfo", at, err)
	}
	le := binary.LittleEndian
	count := le.Uint32(b[488:])
	if le.Uint32(b) != fsInfoLead || le.Uint32(b[484:]) != fsInfoStruc || count == fsInfoUnknown || count > f.geo.clusters {
		return -1, nil
	}
	return int64(count) * f.geo.clusterSize, nil
}

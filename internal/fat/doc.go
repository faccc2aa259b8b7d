// Package fat reads the file systems FAT12, FAT16 and FAT32, with the long
// names of VFAT: those of EFI system partitions, of floppies and of old guests.
//
// They are specified in Microsoft's "FAT: General Overview of On-Disk Format"
// (fatgen103) and, but for FAT32, in ECMA-107. What the specification leaves
// open is as in Linux (Documentation/filesystems/vfat.rst).
//
// go-diskfs, which writes such volumes, is no reader for them (version 1.9.4): it
// lists the root of a volume with one table as empty and refuses FAT32 with one,
// returns what lies behind the end of a file when it is read from the middle of
// a cluster, and does not find names that are not ASCII. Its file systems know
// neither io.ReaderAt nor where data lies. A test has each of these, and
// compares both where it is right.
//
// Times on the disk are those of a clock on the wall, with a resolution of two
// seconds and no zone. They are given as if that clock had shown UTC.
package fat

import (
	"errors"

	"github.com/vmdkfs/vmdkfs/layer"
)

const layerName = "fat"

// noOffset is the offset of an error that has no one place.
const noOffset = -1

func corrupt(object string, off int64, format string, args ...any) error {
	return layer.Errorf(layer.ErrCorrupt, layerName, object, off, format, args...)
}

// failed gives a source's error its place.
func failed(object string, off int64, err error) error {
	var le *layer.Error
	if errors.As(err, &le) && le.Layer == layerName {
		return err
	}
	return &layer.Error{Layer: layerName, Object: object, Offset: off, Err: err}
}

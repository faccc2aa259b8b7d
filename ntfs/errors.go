package ntfs

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/vmdkfs/vmdkfs/layer"
)

const layerName = "ntfs"

// noOffset is the offset of an error that has no one place.
const noOffset = -1

// Everything on an NTFS volume is little-endian.
var le = binary.LittleEndian

func corrupt(object string, off int64, format string, args ...any) error {
	return layer.Errorf(layer.ErrCorrupt, layerName, object, off, format, args...)
}

func unsupported(object, format string, args ...any) error {
	return layer.Errorf(layer.ErrUnsupported, layerName, object, noOffset, format, args...)
}

// failed gives a source's error its place. An error that has one, from further
// down in this layer, passes as it is.
func failed(object string, off int64, err error) error {
	var le *layer.Error
	if errors.As(err, &le) && le.Layer == layerName {
		return err
	}
	return &layer.Error{Layer: layerName, Object: object, Offset: off, Err: err}
}

func recordName(number uint64) string { return fmt.Sprintf("file record %d", number) }

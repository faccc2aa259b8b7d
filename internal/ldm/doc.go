// Package ldm reads the database of the Logical Disk Manager of Windows, which
// lies on every dynamic disk, and maps the volumes of its disk groups to disks.
//
// Microsoft has not specified the format. What is known of it is written down in
// the documents of the Linux-NTFS project ("LDM Documentation", by R. Russon),
// in Linux's block/partitions/ldm.h and in libldm, which adds GPT disks. All
// numbers are big-endian. None of these knows how checksums are made, so that
// none is checked: what is damaged shows in what does not fit together.
package ldm

import (
	"errors"
	"fmt"

	"github.com/vmdkfs/vmdkfs/layer"
)

const layerName = "ldm"

// noOffset is the offset of an error that has no one place.
const noOffset = -1

func corrupt(object string, off int64, format string, args ...any) error {
	return layer.Errorf(layer.ErrCorrupt, layerName, object, off, format, args...)
}

func unsupported(object, format string, args ...any) error {
	return layer.Errorf(layer.ErrUnsupported, layerName, object, noOffset, format, args...)
}

// failed gives an error its object, unless it has one.
func failed(object string, off int64, err error) error {
	var le *layer.Error
	if errors.As(err, &le) {
		return err
	}
	return &layer.Error{Layer: layerName, Object: object, Offset: off, Err: err}
}

// kindOf returns err as a layer.Error of the kind that it wraps.
func kindOf(object string, err error) error {
	for _, kind := range []error{layer.ErrUnsupported, layer.ErrIncomplete, layer.ErrCorrupt} {
		if errors.Is(err, kind) {
			return layer.Errorf(kind, layerName, object, noOffset, "%s", err)
		}
	}
	return failed(object, noOffset, fmt.Errorf("%w", err))
}

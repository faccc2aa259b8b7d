package vmdk

import (
	"math"
	"path"
	"strings"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

// open opens the files of the extents and returns the runs that they make up,
// with the size of the disk in bytes. ZERO extents are holes.
func (d *Descriptor) open(files *files) ([]extent.Run, int64, error) {
	var runs []extent.Run
	var denied []int // indices of the runs that are NOACCESS
	size := int64(0)
	for _, e := range d.Extents {
		length, ok := ondisk.Mul(uint64(e.Sectors), sectorSize)
		if !ok || length > math.MaxInt64-size {
			return nil, 0, layer.Errorf(layer.ErrCorrupt, "vmdk", d.name, -1, "an extent of %d sectors makes the disk larger than any file", e.Sectors)
		}
		run := extent.Run{Offset: size, Length: length, Source: extent.Hole}
		size += length
		switch {
		case e.Access == NoAccess:
			run.Physical = run.Offset
			denied = append(denied, len(runs))
		case e.Type == Zero:
			continue
		default:
			var err error
			if run.Source, run.Physical, err = d.openExtent(files, e, length); err != nil {
				return nil, 0, err
			}
		}
		runs = append(runs, run)
	}
	for _, i := range denied {
		runs[i].Source = len(files.list)
	}
	return runs, size, nil
}

// openExtent opens the file of an extent of length bytes, and returns its
// number as a source and where in it the extent begins.
func (d *Descriptor) openExtent(files *files, e Extent, length int64) (source int, offset int64, err error) {
	if reason := refuseName(e.File); reason != "" {
		return 0, 0, layer.Errorf(layer.ErrUnsupported, "vmdk", d.name, -1,
			"the extent file %q is not opened, because %s; it must lie in the descriptor's directory", e.File, reason)
	}
	f, source, err := files.openExtent(path.Join(path.Dir(d.name), e.File))
	if err != nil {
		return 0, 0, err
	}
	offset, ok := ondisk.Mul(uint64(e.Offset), sectorSize)
	if !ok || length > math.MaxInt64-offset {
		return 0, 0, layer.Errorf(layer.ErrCorrupt, "vmdk", "extent "+f.name, -1, "no file has the sectors from %d on", e.Offset)
	}
	if !ondisk.Within(offset, length, f.size) {
		return 0, 0, layer.Errorf(layer.ErrIncomplete, "vmdk", "extent "+f.name, -1,
			"the descriptor promises %d bytes, and the file has %d", offset+length, f.size)
	}
	return source, offset, nil
}

// refuseName returns why an extent's file may not be opened, or "". A
// descriptor can come from anyone, so that what it names must lie beside it,
// wherever this program runs.
func refuseName(name string) string {
	switch {
	case len(name) >= 2 && name[1] == ':' && 'a' <= name[0]|0x20 && name[0]|0x20 <= 'z':
		return "it names a drive"
	case strings.HasPrefix(name, "/"):
		return "it is an absolute path"
	case strings.Contains(name, `\`):
		return "it is a path with backslashes"
	case !vnode.Valid([]byte(name)):
		return "it is not the name of a file beside the descriptor"
	}
	return ""
}

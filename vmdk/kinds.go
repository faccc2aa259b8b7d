package vmdk

import (
	"strings"

	"github.com/vmdkfs/vmdkfs/layer"
)

// changeTracking ends the names of the files in which ESXi tracks what
// changes on a disk.
const changeTracking = "-ctk.vmdk"

// createTypes has the kinds of disk that "Virtual Disk Format 5.0" lists and
// those that ESXi has added, in lower case, with what keeps them from being
// read; nothing where their extents tell by themselves.
var createTypes = map[string]string{
	"":                            "", // the extents are read by their own types
	"custom":                      "",
	"monolithicflat":              "",
	"twogbmaxextentflat":          "",
	"2gbmaxextentflat":            "",
	"vmfs":                        "",
	"vmfsthin":                    "",
	"vmfspreallocated":            "",
	"vmfseagerzeroedthick":        "",
	"monolithicsparse":            "",
	"twogbmaxextentsparse":        "",
	"2gbmaxextentsparse":          "",
	"vmfssparse":                  "",
	"vmfsthinsparse":              "",
	"sesparse":                    "",
	"streamoptimized":             "",
	"fulldevice":                  "",
	"partitioneddevice":           "",
	"vmfsraw":                     "its data lies on a device of the host",
	"vmfsrdm":                     "its data lies on a mapped device",
	"vmfsrdmp":                    "its data lies on a mapped device",
	"vmfsrawdevicemap":            "its data lies on a mapped device",
	"vmfspassthroughrawdevicemap": "its data lies on a mapped device",
}

// extentTypes has the types of extent that are not read, likewise.
var extentTypes = map[string]string{
	"VMFSRDM": "extents on a mapped device",
	"VMFSRAW": "extents on a device of the host",
}

// refuseUnsupported returns an error if the disk is of a kind that is not
// read.
func (d *Descriptor) refuseUnsupported() error {
	refuse := func(format string, args ...any) error {
		return layer.Errorf(layer.ErrUnsupported, "vmdk", d.name, -1, format, args...)
	}
	if d.Version < 1 || d.Version > 3 {
		return refuse("version %d", d.Version)
	}
	switch reason, known := createTypes[strings.ToLower(d.CreateType)]; {
	case !known:
		return refuse("unknown createType %.80q", d.CreateType)
	case reason != "":
		return refuse("createType %s: %s, which %s names", d.CreateType, reason, quote(d.Extents[0].File))
	}
	for _, e := range d.Extents {
		switch e.Type {
		case Flat, VMFS, Zero, Sparse, VMFSSparse, SESparse:
			continue
		}
		if reason, ok := extentTypes[e.Type]; ok {
			return refuse("extents of type %s: %s, which %s names", e.Type, reason, quote(e.File))
		}
		return refuse("unknown extent type %.80q", e.Type)
	}
	return nil
}

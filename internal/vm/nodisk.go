package vm

import (
	"path"
	"strings"
)

// companions are the files that lie beside the disks of a virtual machine, by
// the ends of their names.
var companions = map[string]string{
	".vmsd":       "a list of snapshots; open the .vmx beside it",
	".vmsn":       "the state of a snapshot, which has no disk; open the .vmx, or the disk that the snapshot names",
	".vmss":       "the state of a suspended virtual machine, which has no disk",
	".vmem":       "the memory of a virtual machine",
	".vswp":       "the swap file of a virtual machine's memory",
	".nvram":      "the firmware settings of a virtual machine",
	".vmxf":       "additional settings of a virtual machine; open the .vmx beside it",
	".lck":        "a lock of VMware, which says that a file is in use",
	".log":        "a log",
	".mf":         "the manifest of a package; open the .ovf or .ova, and info --verify checks it",
	".cert":       "the certificate of a package; open the .ovf or .ova",
	".scoreboard": "statistics of a virtual machine",
	".hlog":       "a log of vMotion",
	".vmtm":       "the configuration of a team of virtual machines",
}

// noDisk returns what a file is that is known by its name and is no disk, or "".
func noDisk(name string) string {
	base := strings.ToLower(path.Base(name))
	if strings.HasPrefix(base, ".lck-") { // ESXi's on NFS
		return companions[".lck"]
	}
	return companions[path.Ext(base)]
}

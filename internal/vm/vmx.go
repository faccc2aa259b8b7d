package vm

import (
	"io/fs"
	"path"
	"strings"

	"github.com/vmdkfs/vmdkfs/layer"
)

// parseVMX decodes the configuration of a machine, the named file of fsys.
func parseVMX(fsys fs.FS, name string, text []byte, outside Outside) (*Machine, error) {
	d, err := parseDictionary(name, text)
	if err != nil {
		return nil, err
	}
	if d["encryption.keysafe"] != "" || d["encryption.data"] != "" {
		return nil, failed(layer.ErrUnsupported, name, "the virtual machine is encrypted")
	}
	if d["config.version"] == "" && d["virtualhw.version"] == "" && len(d.slots()) == 0 {
		return nil, failed(layer.ErrFormat, name, "no configuration of a virtual machine: it has neither a version nor a disk")
	}
	m := &Machine{File: name, Name: d["displayname"], GuestOS: d["guestos"], Suspended: d["checkpoint.vmstate"]}
	for _, s := range d.slots() {
		m.attach(d, s)
	}
	for i := range m.Disks {
		disk := &m.Disks[i]
		if disk.Err != nil {
			continue
		}
		if disk.FS, disk.Name, err = locate(fsys, path.Dir(name), disk.File, outside); err != nil {
			disk.Err = failed(layer.ErrUnsupported, disk.Slot, "the disk %q is not opened, because %v", disk.File, err)
		}
	}
	return m, nil
}

// attach adds what the configuration says of one slot.
func (m *Machine) attach(d dictionary, s slot) {
	at := s.String()
	file, kind := d[at+".filename"], strings.ToLower(d[at+".devicetype"])
	skip := func(reason string) {
		m.Skipped = append(m.Skipped, Device{at, file, reason})
	}
	switch {
	case d.isFalse(at + ".present"):
		if file != "" {
			skip("not present")
		}
		return
	case file == "" && kind == "" && d[at+".present"] == "":
		return // only remembered by, say, the address of its PCI slot
	case strings.Contains(kind, "cdrom"):
		skip("a CD-ROM drive")
		return
	case d.isFalse(s.controller() + ".present"):
		skip("its controller is not present")
		return
	}
	disk := Disk{Slot: at, File: file}
	switch known := kind == "" || kind == "disk" || kind == "rawdisk" || kind == "plaindisk" || strings.HasSuffix(kind, "-harddisk"); {
	case strings.Contains(kind, "passthru"):
		disk.Err = failed(layer.ErrUnsupported, at, "the data lies on a device of the host")
	case !known:
		disk.Err = failed(layer.ErrUnsupported, at, "unknown deviceType %.80q", kind)
	case file == "":
		disk.Err = failed(layer.ErrCorrupt, at, "%s does not say which file the disk is", m.File)
	case d[at+".redo"] != "":
		// What was written since lies in a log that VMware calls REDO.
		disk.Err = failed(layer.ErrUnsupported, at, "the disk %q has a redo log, %q", file, d[at+".redo"])
	}
	m.Disks = append(m.Disks, disk)
}

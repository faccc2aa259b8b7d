package vm

import (
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/vmdkfs/vmdkfs/layer"
)

// The types of device that matter (DMTF's CIM_ResourceAllocationSettingData).
const (
	ideController   = "5"
	scsiController  = "6"
	cdDrive         = "15"
	dvdDrive        = "16"
	diskDrive       = "17"
	otherController = "20" // SATA and NVMe, told apart by the subtype
)

// openOVF returns the machine of the package whose description is the named
// file of fsys.
func openOVF(fsys fs.FS, name string, outside Outside) (*Machine, error) {
	text, err := readText(fsys, name)
	if err != nil {
		return nil, err
	}
	e, err := parseEnvelope(name, text)
	if err != nil {
		return nil, err
	}
	system, err := e.system(name)
	if err != nil {
		return nil, err
	}
	p := &ovfPackage{fsys: fsys, name: name, outside: outside, envelope: e, devices: make(map[string]ovfItem)}
	p.decodeHrefs()
	m := &Machine{File: name, Name: system.Name, GuestOS: system.OS.Type, pack: p}
	if m.Name == "" {
		m.Name = system.ID
	}
	if m.GuestOS == "" {
		m.GuestOS = system.OS.Description
	}
	if err := p.attach(m, append(system.Items, system.Storage...)); err != nil {
		m.Close() // the error says more
		return nil, err
	}
	return m, nil
}

// An ovfPackage is a package that is being opened.
type ovfPackage struct {
	*envelope
	fsys    fs.FS
	name    string
	outside Outside
	devices map[string]ovfItem // by instance ID
}

// decodeHrefs turns references that are encoded as in URLs, which some writers
// do and others do not, into names of files. A file of the literal name wins.
func (p *ovfPackage) decodeHrefs() {
	for i := range p.Files {
		f := &p.Files[i]
		decoded, err := url.PathUnescape(f.Href)
		if err != nil || decoded == f.Href {
			continue
		}
		name, err := resolve(path.Dir(p.name), f.Href)
		if err == nil {
			_, err = fs.Stat(p.fsys, name)
		}
		if err != nil {
			f.Href = decoded
		}
	}
}

// attach adds the disks to m, first those of devices, by slot. The disks that
// no device has follow: a description need not have devices.
func (p *ovfPackage) attach(m *Machine, items []ovfItem) error {
	for _, i := range items {
		if old, twice := p.devices[i.InstanceID]; twice && old.Type != i.Type {
			return failed(layer.ErrCorrupt, p.name, "two devices have the instance ID %.80q", i.InstanceID)
		}
		p.devices[i.InstanceID] = i
	}
	used := make(map[string]bool)
	for _, i := range items {
		at := p.slot(i)
		switch strings.TrimSpace(i.Type) {
		case cdDrive, dvdDrive:
			m.Skipped = append(m.Skipped, Device{at, "", "a CD-ROM drive"})
			continue
		case diskDrive:
		default:
			continue
		}
		if len(i.HostResource) == 0 {
			m.Skipped = append(m.Skipped, Device{at, i.Name, "nothing of it is in the package"})
		}
		for _, r := range i.HostResource {
			id := resourceID(r)
			if err := p.add(m, at, id); err != nil {
				return err
			}
			used[id] = true
		}
	}
	slices.SortStableFunc(m.Disks, func(a, b Disk) int { return compareSlots(a.Slot, b.Slot) })
	for _, d := range p.Disks {
		if !used[d.ID] {
			if err := p.add(m, "", d.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// resourceID returns the ID in a host resource: "ovf:/disk/vmdisk1", or
// "/disk/vmdisk1" in older packages. A file that is a disk by itself has the
// form "ovf:/file/file1".
func resourceID(r string) string {
	return strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(r), "ovf:"), "/"), "disk/")
}

// slot returns where a device is attached, or "" where its parents do not say.
func (p *ovfPackage) slot(i ovfItem) string {
	parent, ok := p.devices[strings.TrimSpace(i.Parent)]
	if !ok || strings.TrimSpace(i.Parent) == "" {
		return ""
	}
	adapter := map[string]string{ideController: "ide", scsiController: "scsi", otherController: "sata"}[strings.TrimSpace(parent.Type)]
	if strings.Contains(strings.ToLower(parent.SubType), "nvme") {
		adapter = "nvme"
	}
	s, ok := parseSlot(fmt.Sprintf("%s%s:%s", adapter, strings.TrimSpace(parent.Address), strings.TrimSpace(i.Place)))
	if !ok {
		return ""
	}
	return s.String()
}

// compareSlots orders slots; what has none comes last.
func compareSlots(a, b string) int {
	x, okX := parseSlot(a)
	y, okY := parseSlot(b)
	switch {
	case okX && okY:
		return x.compare(y)
	case okX:
		return -1
	case okY:
		return 1
	}
	return 0
}

// add adds the disk of that ID to m.
func (p *ovfPackage) add(m *Machine, at, id string) error {
	fileID, isFile := strings.CutPrefix(id, "file/")
	d := ovfDisk{ID: id, FileRef: fileID}
	if !isFile {
		i := slices.IndexFunc(p.Disks, func(d ovfDisk) bool { return d.ID == id })
		if i < 0 {
			return failed(layer.ErrCorrupt, p.name, "the disk %.80q of a device is not described", id)
		}
		d = p.Disks[i]
	}
	if d.FileRef == "" {
		m.Skipped = append(m.Skipped, Device{at, d.ID, "an empty disk, of which the package has no file"})
		return nil
	}
	i := slices.IndexFunc(p.Files, func(f ovfFile) bool { return f.ID == d.FileRef })
	if i < 0 {
		return failed(layer.ErrCorrupt, p.name, "the file %.80q of the disk %.80q is not referred to", d.FileRef, d.ID)
	}
	disk := Disk{Slot: at, File: p.Files[i].Href, Capacity: d.size()}
	if d.Parent != "" {
		disk.Err = failed(layer.ErrUnsupported, disk.File, "a disk that only has what differs from the disk %.80q of the package", d.Parent)
	} else if err := p.locate(&disk, p.Files[i], m); err != nil {
		disk.Err = err
	}
	m.Disks = append(m.Disks, disk)
	return nil
}

// locate finds the file of a disk.
func (p *ovfPackage) locate(disk *Disk, f ovfFile, m *Machine) error {
	if c := strings.ToLower(f.Compression); c != "" && c != "identity" {
		return failed(layer.ErrUnsupported, f.Href, "the package has it compressed as %.20q", f.Compression)
	}
	if strings.Contains(f.Href, "://") {
		return failed(layer.ErrUnsupported, f.Href, "it is elsewhere on the network")
	}
	fsys, name, err := locate(p.fsys, path.Dir(p.name), f.Href, p.outside)
	if err != nil {
		return failed(layer.ErrUnsupported, p.name, "the file %q is not opened, because %v", f.Href, err)
	}
	disk.FS, disk.Name = fsys, name
	if f.ChunkSize != "" {
		size, err := strconv.ParseInt(f.ChunkSize, 10, 64)
		if err != nil || size <= 0 {
			return failed(layer.ErrCorrupt, p.name, "%q is in chunks of %.20q bytes", f.Href, f.ChunkSize)
		}
		if disk.FS, err = openChunks(fsys, name, size, m); err != nil {
			return err
		}
	}
	size, err := strconv.ParseInt(f.Size, 10, 64)
	if err != nil {
		return nil // not said, or not to be trusted
	}
	info, err := fs.Stat(disk.FS, name)
	if err == nil && info.Size() != size {
		m.Warnings = append(m.Warnings, failed(layer.ErrIncomplete, name, "the package says that it has %d bytes, and it has %d", size, info.Size()))
	}
	return nil // what else is wrong shows when it is opened
}

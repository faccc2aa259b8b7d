package vmdkfs

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/vm"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A VM is what is known of the virtual machine that the disks belong to.
type VM struct {
	File      string // the configuration: "web01.vmx", or the .ovf in an .ova
	Name      string // that people know it by; may be empty
	GuestOS   string // as the configuration has it: "ubuntu-64"
	Suspended string // the file with its memory, if it is suspended
	Disks     []VMDisk
	Skipped   []VMDevice // CD-ROM drives, and what is not connected

	CurrentSnapshot int // UID of the one that the machine goes on from; 0 for none
	Snapshots       []Snapshot
}

// A VMDisk is a disk of a virtual machine.
type VMDisk struct {
	Slot   string  // "scsi0:1"; empty where the configuration does not say
	File   string  // its name as the configuration has it
	Path   string  // in the volume tree; empty for the only disk
	Volume *Volume // nil with an Err
	Err    error   // why it could not be opened
}

// A VMDevice is a device that was passed over because it holds no data.
type VMDevice struct {
	Slot   string
	File   string // may be empty
	Reason string // "a CD-ROM drive", "not present"
}

// A Snapshot is a state of a virtual machine that was kept.
type Snapshot struct {
	UID         int
	Parent      int // UID of the snapshot before this one; 0 for none
	Name        string
	Description string
	Created     time.Time // zero where it is not recorded
	State       string    // the .vmsn file, which holds no disk
	// Disks are those that the machine wrote to until then. Each can be opened
	// by its file.
	Disks []SnapshotDisk
}

// A SnapshotDisk is a disk as a snapshot keeps it.
type SnapshotDisk struct {
	Slot string // "scsi0:1"
	File string // as the list of snapshots has it
}

// VM returns what is known of the virtual machine, or nil when a disk was
// opened by itself. The caller must not change it.
func (d *Disk) VM() *VM { return d.vm }

// A FileCheck is a file of a package compared with the package's manifest.
type FileCheck struct {
	File      string
	Algorithm string // "SHA256"; empty where the manifest lacks the file
	Err       error  // nil if the file is what was packed
}

// Verify compares the files of an .ova or .ovf with its manifest, every byte of
// them. After each piece progress is called, if it is not nil, with the bytes
// that are done, of how many.
// A package without a manifest is one error. Signatures are not checked.
func (d *Disk) Verify(ctx context.Context, progress func(done, total int64)) iter.Seq2[FileCheck, error] {
	return func(yield func(FileCheck, error) bool) {
		if d.machine == nil {
			yield(FileCheck{}, layer.Errorf(layer.ErrUnsupported, "vmdkfs", "", -1, "only a package has a manifest: an .ova or an .ovf"))
			return
		}
		for c, err := range d.machine.Verify(ctx, progress) {
			if !yield(FileCheck(c), err) {
				return
			}
		}
	}
}

// addMachine adds the disks of a virtual machine, and what is known of it.
func (d *Disk) addMachine(m *vm.Machine, dir string) []place {
	var list []place
	if m.File != "" {
		d.machine = m
		d.vm = &VM{File: m.File, Name: m.Name, GuestOS: m.GuestOS, Suspended: m.Suspended,
			CurrentSnapshot: m.Snapshots.Current}
		for _, s := range m.Snapshots.List {
			one := Snapshot{UID: s.UID, Parent: s.Parent, Name: s.Name, Description: s.Description, Created: s.Created, State: s.State}
			for _, disk := range s.Disks {
				one.Disks = append(one.Disks, SnapshotDisk(disk))
			}
			d.vm.Snapshots = append(d.vm.Snapshots, one)
		}
		for _, err := range m.Warnings {
			d.notes = append(d.notes, Warning{Err: err, Loss: errors.Is(err, layer.ErrIncomplete)})
		}
		for _, s := range m.Skipped {
			d.vm.Skipped = append(d.vm.Skipped, VMDevice(s))
		}
	}
	for _, disk := range m.Disks {
		p := place{fsys: disk.FS, name: disk.Name, dir: dir, title: disk.File, err: disk.Err, capacity: disk.Capacity}
		if o, ok := disk.FS.(outsideFS); ok {
			p.dir = o.dir
		}
		if d.vm != nil {
			p.title = withoutSnapshot(p.title)
			d.vm.Disks = append(d.vm.Disks, VMDisk{Slot: disk.Slot, File: disk.File})
		}
		list = append(list, p)
	}
	return list
}

// A failedDisk is a disk of a machine that could not be opened.
type failedDisk struct {
	path string // in the volume tree
	err  error
}

// attached notes how opening the disk at the given place ended, for the
// machine that it belongs to. It reports false for a disk of no machine.
func (d *Disk) attached(i int, path string, err error) bool {
	if d.vm == nil || i >= len(d.vm.Disks) {
		return false
	}
	disk := &d.vm.Disks[i]
	if errors.Is(err, fs.ErrNotExist) {
		err = layer.Errorf(layer.ErrIncomplete, "vmdkfs", d.vm.File, -1, "the disk %s does not exist", strings.TrimSpace(disk.Slot+" "+disk.File))
	}
	disk.Path, disk.Err = path, err
	if err != nil {
		d.failed = append(d.failed, failedDisk{path, err})
	} else {
		disk.Volume = d.disks[len(d.disks)-1]
	}
	return true
}

// checkCapacity warns of a disk that is not as large as its package says.
func (d *Disk) checkCapacity(p place, size int64) {
	if p.capacity != 0 && p.capacity != size {
		d.notes = append(d.notes, Warning{Err: layer.Errorf(layer.ErrCorrupt, "vmdkfs", p.name, -1,
			"the package says that the disk has %d bytes, and it has %d", p.capacity, size)})
	}
}

// noDisks is the error of a machine without disks.
func noDisks(m *vm.Machine) error {
	var skipped []string
	for _, s := range m.Skipped {
		skipped = append(skipped, strings.TrimSpace(s.Slot+" "+s.File)+" is "+s.Reason)
	}
	reason := "the virtual machine has no disk"
	if len(skipped) > 0 {
		reason += ": " + strings.Join(skipped, ", ")
	}
	return layer.Errorf(layer.ErrIncomplete, "vmdkfs", m.File, -1, "%s", reason)
}

// snapshotNumber is what VMware appends to the name of the disk that a machine
// writes to after a snapshot.
var snapshotNumber = regexp.MustCompile(`-[0-9]{6}\.vmdk$`)

// withoutSnapshot returns the name that a disk of a machine has before its
// first snapshot, so that it has the same place in the volume tree ever after.
func withoutSnapshot(file string) string {
	base := path.Base(strings.ReplaceAll(file, `\`, "/"))
	if at := snapshotNumber.FindStringIndex(base); at != nil && at[0] > 0 {
		return base[:at[0]] + ".vmdk"
	}
	return base
}

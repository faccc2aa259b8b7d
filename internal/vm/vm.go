// Package vm finds the disks of a virtual machine: by its configuration (.vmx)
// or its package (.ovf, .ova), in the directory where they lie.
//
// It opens no disk. It says which file of which fs.FS each disk is, in which
// slot of the machine, and what else there is: CD-ROM drives, snapshots.
package vm

import (
	"io"
	"io/fs"
	"time"

	"github.com/vmdkfs/vmdkfs/layer"
)

// A Machine is what its configuration says of a virtual machine.
type Machine struct {
	File      string // the configuration: web01.vmx, or the .ovf in an .ova
	Name      string // that people know it by; may be empty
	GuestOS   string // as the configuration has it: "ubuntu-64"
	Suspended string // the file with its memory, if it is suspended
	Disks     []Disk // by slot
	Skipped   []Device
	Snapshots Snapshots
	Warnings  []error // what is wrong and kept nothing from being found

	pack *ovfPackage // nil for a .vmx
	open []io.Closer
}

// A Disk is a disk of a machine.
type Disk struct {
	Slot string // "scsi0:1"; empty where the package does not say
	File string // its name as the configuration has it
	FS   fs.FS  // where Name lies
	Name string // the file to open
	// Capacity is the size that the package promises, in bytes; 0 where it
	// says nothing.
	Capacity int64
	Err      error // why there is no file to open
}

// A Device is a part of a machine that is no disk with data.
type Device struct {
	Slot   string
	File   string // may be empty
	Reason string // "a CD-ROM drive", "not present"
}

// Snapshots are the states of a machine that were kept.
type Snapshots struct {
	Current int // UID of the one that the machine goes on from; 0 for none
	List    []Snapshot
}

// A Snapshot is a state of a machine that was kept. Its disks are those that
// the machine wrote to until then.
type Snapshot struct {
	UID         int
	Parent      int // UID of the snapshot before this one; 0 for none
	Name        string
	Description string
	Created     time.Time // zero where it is not recorded
	State       string    // the .vmsn file
	Disks       []SnapshotDisk
}

// A SnapshotDisk is a disk as a snapshot keeps it.
type SnapshotDisk struct {
	Slot string
	File string // as the list has it
}

// Close closes the files that the disks lie in.
func (m *Machine) Close() error {
	var first error
	for _, c := range m.open {
		if err := c.Close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// failed returns an error of this package.
func failed(kind error, object, format string, args ...any) *layer.Error {
	return layer.Errorf(kind, "vm", object, -1, format, args...)
}

package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/vmdkfs/vmdkfs"
)

// vmFacts is what info prints of a virtual machine.
type vmFacts struct {
	File            string          `json:"file"`
	Name            string          `json:"name,omitempty"`
	GuestOS         string          `json:"guest_os,omitempty"`
	Suspended       string          `json:"suspended,omitempty"`
	Disks           []vmDiskFacts   `json:"disks"`
	Skipped         []vmDeviceFacts `json:"skipped,omitempty"`
	CurrentSnapshot int             `json:"current_snapshot,omitempty"`
	Snapshots       []snapshotFacts `json:"snapshots,omitempty"`
}

type vmDiskFacts struct {
	Slot  string `json:"slot,omitempty"`
	File  string `json:"file"`
	Path  string `json:"path,omitempty"`
	Error string `json:"error,omitempty"`
}

type vmDeviceFacts struct {
	Slot   string `json:"slot,omitempty"`
	File   string `json:"file,omitempty"`
	Reason string `json:"reason"`
}

type snapshotFacts struct {
	UID         int             `json:"uid"`
	Parent      int             `json:"parent,omitempty"`
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Created     string          `json:"created,omitempty"`
	State       string          `json:"state,omitempty"`
	Disks       []snapshotFiles `json:"disks,omitempty"`
}

type snapshotFiles struct {
	Slot string `json:"slot,omitempty"`
	File string `json:"file"`
}

// vmOf returns the facts of the machine that the disks belong to, nil when
// they belong to none.
func vmOf(d *vmdkfs.Disk) *vmFacts {
	m := d.VM()
	if m == nil {
		return nil
	}
	f := &vmFacts{File: m.File, Name: m.Name, GuestOS: m.GuestOS, Suspended: m.Suspended, CurrentSnapshot: m.CurrentSnapshot}
	for _, disk := range m.Disks {
		one := vmDiskFacts{Slot: disk.Slot, File: disk.File, Path: disk.Path}
		if disk.Err != nil {
			one.Error = printable(reason(disk.Path, disk.Err))
		}
		f.Disks = append(f.Disks, one)
	}
	for _, s := range m.Skipped {
		f.Skipped = append(f.Skipped, vmDeviceFacts(s))
	}
	for _, s := range m.Snapshots {
		one := snapshotFacts{UID: s.UID, Parent: s.Parent, Name: s.Name, Description: s.Description, State: s.State}
		if !s.Created.IsZero() {
			one.Created = s.Created.UTC().Format(time.RFC3339)
		}
		for _, disk := range s.Disks {
			one.Disks = append(one.Disks, snapshotFiles(disk))
		}
		f.Snapshots = append(f.Snapshots, one)
	}
	return f
}

// text appends the facts as people read them.
func (f *vmFacts) text(b []byte) []byte {
	name := ""
	if f.Name != "" {
		name = fmt.Sprintf("%q", f.Name)
	}
	b = line(b, 0, f.File, "virtual machine", name, put("guest ", f.GuestOS), put("suspended to ", f.Suspended))
	for _, d := range f.Disks {
		where := put("in the tree as ", d.Path)
		if d.Error != "" {
			where = "cannot be read: " + d.Error
		}
		b = line(b, 1, strings.TrimSpace("disk "+d.Slot), d.File, where)
	}
	for _, s := range f.Skipped {
		b = line(b, 1, strings.TrimSpace("no disk "+s.Slot), s.File, s.Reason)
	}
	return f.tree(b, 0, 1)
}

// tree appends the snapshots that follow on the one with the UID parent, each
// with those that follow on it.
func (f *vmFacts) tree(b []byte, parent, indent int) []byte {
	for _, s := range f.Snapshots {
		if s.Parent != parent {
			continue
		}
		current := ""
		if s.UID == f.CurrentSnapshot {
			current = "the machine goes on from here"
		}
		b = line(b, indent, fmt.Sprintf("snapshot %d", s.UID), fmt.Sprintf("%q", s.Name), s.Created, s.State, s.Description, current)
		for _, d := range s.Disks {
			b = line(b, indent+1, strings.TrimSpace("disk "+d.Slot), d.File)
		}
		b = f.tree(b, s.UID, indent+1)
	}
	return b
}

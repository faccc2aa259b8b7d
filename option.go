package vmdkfs

import (
	"io/fs"

	"github.com/vmdkfs/vmdkfs/ext3"
	"github.com/vmdkfs/vmdkfs/lvm"
	"github.com/vmdkfs/vmdkfs/ntfs"
	"github.com/vmdkfs/vmdkfs/vmdk"
)

// An Option changes how Open opens a disk.
type Option func(*options)

type options struct {
	sources []source // of the further disks
	journal *source  // of an external journal, or nil
	onRead  func(n int)
	root    string // the volume that the guest's root is on; empty to find it
	// allowOutside has files opened that descriptors name outside of their
	// directories.
	allowOutside bool
	vmdk         []vmdk.Option
	ext          []ext3.Option
	lvm          []lvm.Option
	nested       bool
	hidden       bool
	ntfs         []ntfs.Option
}

// A source is where a disk is found.
type source struct {
	fsys fs.FS  // nil for a path of the operating system
	name string // in fsys
}

// WithDisk adds a further disk of the same machine: volume groups may extend
// over both.
func WithDisk(fsys fs.FS, name string) Option {
	return func(o *options) { o.sources = append(o.sources, source{fsys, name}) }
}

// WithDiskFile is WithDisk for a path of the operating system.
func WithDiskFile(name string) Option { return WithDisk(nil, name) }

// WithoutReplay reads file systems as they lie on the disk, without the
// changes that are in their journals only.
func WithoutReplay() Option {
	return func(o *options) { o.ext = append(o.ext, ext3.WithoutReplay()) }
}

// AllowOutside opens files that a descriptor or a configuration names by an
// absolute path, or by one that leads out of its directory. Descriptors say
// what they like, so this is for those whose origin is trusted. It concerns
// what was opened by a path of the operating system, not by an fs.FS.
func AllowOutside() Option {
	return func(o *options) { o.allowOutside = true }
}

// AllowCIDMismatch opens a snapshot whose parent was written to since the
// snapshot was taken, or is another disk. What the two make up is not what the
// guest saw; [Disk.Warnings] tells of it.
func AllowCIDMismatch() Option {
	return func(o *options) { o.vmdk = append(o.vmdk, vmdk.AllowCIDMismatch()) }
}

// WithJournal gives file systems whose journal is on a device of its own that
// device, a disk in any form that Open takes. A file system with another
// journal, or with one inside, is not concerned.
func WithJournal(fsys fs.FS, name string) Option {
	return func(o *options) { o.journal = &source{fsys, name} }
}

// WithJournalFile is WithJournal for a path of the operating system.
func WithJournalFile(name string) Option { return WithJournal(nil, name) }

// WithRoot says which volume the root of the guest's own tree is on, by its
// path in the volume tree: see [Disk.Guest].
func WithRoot(volume string) Option {
	return func(o *options) { o.root = volume }
}

// OnRead has f called after every read of a source, with the number of bytes
// that were read. Calls come from any number of goroutines at once.
func OnRead(f func(n int)) Option {
	return func(o *options) { o.onRead = f }
}

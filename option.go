package vmdkfs

import (
	"io/fs"

	"github.com/vmdkfs/vmdkfs/ext3"
)

// An Option changes how Open opens a disk.
type Option func(*options)

type options struct {
	sources []source // of the further disks
	journal *source  // of an external journal, or nil
	onRead  func(n int)
	root    string // the volume that the guest's root is on; empty to find it
	ext     []ext3.Option
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

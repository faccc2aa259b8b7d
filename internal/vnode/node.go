// Package vnode implements the file system interfaces of io/fs once, over the
// small nodes that each layer decodes.
package vnode

import (
	"io"
	"io/fs"
	"iter"
	"time"

	"github.com/vmdkfs/vmdkfs/layer"
)

// A Node is a file of any type: what an inode or a record holds, without a
// name. It is immutable and implements one of Dir, File, Link or Mount as
// well, or none when it is a device, a fifo or a socket.
type Node interface {
	Mode() fs.FileMode
	Size() int64
	ModTime() time.Time
	Sys() any
}

// A Dir is a directory.
type Dir interface {
	Node
	// Lookup returns the entry of that name, or an error that is
	// fs.ErrNotExist.
	Lookup(name string) (Node, error)
	// Entries yields every entry that can be read, in the directory's own
	// order, then at most one error, which tells of all that could not.
	Entries() iter.Seq2[Entry, error]
}

// An Entry is a name in a directory. Its node is read only when asked for.
type Entry interface {
	Name() string
	// Type returns the type bits of the node's mode.
	Type() fs.FileMode
	Node() (Node, error)
}

// A Wrapped is an Entry that shows another one in another way. All that lies in
// it is what lies in that.
type Wrapped interface {
	Entry
	Unwrap() Entry
}

// A File is a regular file.
type File interface {
	Node
	Open() (Content, error)
}

// Content is what a regular file holds, safe for any number of goroutines.
type Content interface {
	io.ReaderAt
	Size() int64
	Extents() iter.Seq2[layer.Extent, error]
}

// A Link is a symbolic link.
type Link interface {
	Node
	// Target returns the path that the link names, escaped as names are.
	Target() (string, error)
}

// A Redirect is a Link whose target is no path of the file system as it stands:
// C:/Users.
type Redirect interface {
	Link
	// Path returns the path that is followed instead, escaped as names are.
	Path() (string, error)
}

// A Mount is a directory whose content is another file system. Paths below it
// are resolved there, and links in it do not lead out of it.
type Mount interface {
	Node
	Mounted() (*FS, error)
}

// info is a Node with a name: what io/fs calls a FileInfo.
type info struct {
	Node
	name string
}

func (i info) Name() string { return i.name }
func (i info) IsDir() bool  { return i.Mode().IsDir() }

// Open opens the file that was described, which need not be decoded again.
func (i info) Open() (fs.File, error) { return openNode(i.Node, i.name) }

func (i info) String() string { return fs.FormatFileInfo(i) }

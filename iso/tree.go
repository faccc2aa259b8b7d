package iso

import (
	"iter"

	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A node is a file of any type that is to be written. A million of them are in
// memory at once: every field counts.
type node struct {
	name   string         // in the source
	target string         // of a symbolic link, its raw bytes
	parent *node          // nil for the root
	dir    *folder        // of a directory
	link   *link          // of a file with several names
	entry  layer.DirEntry // of a source that is a layer
	size   int64          // bytes of data
	mtime  int64          // seconds since 1970
	atime  int64
	ctime  int64
	mode   uint32 // POSIX
	links  uint32
	uid    uint32
	gid    uint32
	major  uint32
	minor  uint32
	serial uint32 // what hard links share
	start  uint32 // sector of the data
	short  shortName
}

// A link is what the nodes of one file share.
type link struct {
	owner *node // the one with the data
}

// A folder is what only a directory has.
type folder struct {
	children []node // by their short names
	place    [views]struct {
		start  uint32 // sector
		size   uint32 // bytes of records
		number uint32 // in the path table, from 1
	}
	joliet string // identifier, for the path table
	areas  uint32 // bytes of continuation areas behind the records
}

func (n *node) isDir() bool     { return n.dir != nil }
func (n *node) ownsData() bool  { return n.size > 0 && (n.link == nil || n.link.owner == n) }
func (n *node) isRegular() bool { return n.mode&modeType == modeRegular }

// raw returns the bytes of the name. Those of a layer's names are escaped;
// any other source's names are what they are, backslashes and all.
func (n *node) raw() string {
	if n.entry == nil {
		return n.name
	}
	return unescape(n.name)
}

// unescape returns the bytes of a layer's name or target.
func unescape(name string) string {
	for i := range len(name) {
		if name[i] == '\\' {
			return string(vnode.Unescape(name))
		}
	}
	return name
}

// path returns where the node lies in the source.
func (n *node) path() string {
	if n.parent == nil {
		return "."
	}
	size := -1
	for p := n; p.parent != nil; p = p.parent {
		size += 1 + len(p.name)
	}
	b := make([]byte, size)
	for p := n; p.parent != nil; p = p.parent {
		size -= copy(b[size-len(p.name):], p.name)
		if size > 0 {
			size--
			b[size] = '/'
		}
	}
	return string(b)
}

// contents yields the nodes that have data of their own, in the order in which
// it lies in the image.
func (n *node) contents() iter.Seq[*node] {
	return func(yield func(*node) bool) { n.visit(yield) }
}

func (n *node) visit(yield func(*node) bool) bool {
	for i := range n.dir.children {
		c := &n.dir.children[i]
		if c.isDir() {
			if !c.visit(yield) {
				return false
			}
		} else if c.ownsData() && !yield(c) {
			return false
		}
	}
	return true
}

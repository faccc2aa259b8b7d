package iso

import (
	"iter"

	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A node is a file of any type that is to be written. A million of them are in
// memory at once: every field counts.
type node struct {
	name   string // in the source
	parent *node  // nil for the root
	attr   *attr  // never nil
	dir    *folder
	more   *rare
	size   int64 // bytes of data
	mtime  instant
	atime  instant
	ctime  instant
	serial uint32 // what hard links share; the nodes have theirs in the order of the walk
	start  uint32 // sector of the data
	short  shortName
	lost   lost // what no view can hold
	layer  bool // the name is escaped as layers escape it
}

// attr is what many files have in common, and is kept once for all of them.
type attr struct {
	mode  uint32 // POSIX
	links uint32
	uid   uint32
	gid   uint32
}

// A rare is what few files have.
type rare struct {
	target       string // of a symbolic link, its raw bytes
	link         *link  // of a file with several names
	major, minor uint32 // of a device
}

// A link is what the nodes of one file share.
type link struct {
	owner *node  // the first of them, which has the data
	names uint32 // how many there are
}

// A folder is what only a directory has.
type folder struct {
	entry    layer.DirEntry // of a source that is a layer; nil for the root
	children []node         // by their short names
	place    [views]struct {
		start  uint32 // sector
		size   uint32 // bytes of records
		number uint32 // in the path table, from 1
	}
	joliet   string // identifier, for the path table
	manifest bool   // the directory is ours
	areas    uint32 // bytes of continuation areas behind the records
	udf      struct {
		start uint32 // sector
		size  uint32 // bytes of file identifiers
	}
}

// sectors returns how many sectors the records of a view take, with their
// continuation areas.
func (f *folder) sectors(v view) int64 {
	size := sectors(int64(f.place[v].size))
	if v == primary {
		size += sectors(int64(f.areas))
	}
	return size
}

func (n *node) isDir() bool     { return n.dir != nil }
func (n *node) kind() uint32    { return n.attr.mode & modeType }
func (n *node) isRegular() bool { return n.kind() == modeRegular }

// owner returns the node that has the data and the UDF file entry: n itself,
// or the first of several names.
func (n *node) owner() *node {
	if n.more != nil && n.more.link != nil {
		return n.more.link.owner
	}
	return n
}

func (n *node) ownsData() bool { return n.size > 0 && n.owner() == n }

// target returns the raw bytes of a symbolic link's target.
func (n *node) target() string {
	if n.more == nil {
		return ""
	}
	return n.more.target
}

// device returns the numbers of a device.
func (n *node) device() (major, minor uint32) {
	if n.more == nil {
		return 0, 0
	}
	return n.more.major, n.more.minor
}

// rare returns what few files have, to be filled in.
func (n *node) rare() *rare {
	if n.more == nil {
		n.more = new(rare)
	}
	return n.more
}

// raw returns the bytes of the name. Those of a layer's names are escaped;
// any other source's names are what they are, backslashes and all.
func (n *node) raw() string {
	if !n.layer {
		return n.name
	}
	return unescape(n.name)
}

// unescape returns the bytes of a layer's name or target.
func unescape(name string) string {
	for i := range len(name) {
		if name[i] == '\\' {
			return vnode.Raw(name)
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
// it lies in the image: the files of a directory lie together.
func (n *node) contents() iter.Seq[*node] {
	return func(yield func(*node) bool) { n.visit(yield) }
}

func (n *node) visit(yield func(*node) bool) bool {
	for i := range n.dir.children {
		if c := &n.dir.children[i]; !c.isDir() && c.ownsData() && !n.dir.manifest && !yield(c) {
			return false
		}
	}
	for i := range n.dir.children {
		if c := &n.dir.children[i]; c.isDir() && !c.visit(yield) {
			return false
		}
	}
	return true
}

// subdirectories returns how many directories lie in the directory n.
func (n *node) subdirectories() uint32 {
	var count uint32
	for i := range n.dir.children {
		if n.dir.children[i].isDir() {
			count++
		}
	}
	return count
}

// all yields every node, the root first, in the order of their serial numbers.
func (n *node) all() iter.Seq[*node] {
	return func(yield func(*node) bool) { n.each(yield) }
}

func (n *node) each(yield func(*node) bool) bool {
	if !yield(n) {
		return false
	}
	if n.dir != nil {
		for i := range n.dir.children {
			if !n.dir.children[i].each(yield) {
				return false
			}
		}
	}
	return true
}

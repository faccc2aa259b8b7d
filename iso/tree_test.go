package iso

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"iter"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/cache"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A memNode is a file of any type in memory, with all that a layer tells.
type memNode struct {
	mode     fs.FileMode
	data     []byte
	size     int64 // when it is not that of data
	target   string
	mtime    time.Time
	unix     layer.Unix
	children []memEntry

	nodeErr error // of Info and Open
	listErr error // at the end of the listing
	readErr error // in place of the data from failAt on
	failAt  int64
}

type memEntry struct {
	name string
	node *memNode
}

func (n *memNode) Mode() fs.FileMode                  { return n.mode }
func (n *memNode) Size() int64                        { return max(n.size, int64(len(n.data))) }
func (n *memNode) ModTime() time.Time                 { return n.mtime }
func (n *memNode) Sys() any                           { return n }
func (n *memNode) Unix() layer.Unix                   { return n.unix }
func (n *memNode) Xattrs() (map[string][]byte, error) { return nil, nil }

func (e memEntry) Name() string      { return e.name }
func (e memEntry) Type() fs.FileMode { return e.node.mode.Type() }
func (e memEntry) Node() (vnode.Node, error) {
	if e.node.nodeErr != nil {
		return nil, e.node.nodeErr
	}
	switch e.Type() {
	case fs.ModeDir:
		return memDir{e.node}, nil
	case fs.ModeSymlink:
		return memLink{e.node}, nil
	case 0:
		return memFile{e.node}, nil
	}
	return e.node, nil
}

type memDir struct{ *memNode }

func (d memDir) Lookup(name string) (vnode.Node, error) {
	for _, e := range d.children {
		if e.name == name {
			return e.Node()
		}
	}
	return nil, fs.ErrNotExist
}

func (d memDir) Entries() iter.Seq2[vnode.Entry, error] {
	return func(yield func(vnode.Entry, error) bool) {
		for _, e := range d.children {
			if !yield(e, nil) {
				return
			}
		}
		if d.listErr != nil {
			yield(nil, d.listErr)
		}
	}
}

type memLink struct{ *memNode }

func (l memLink) Target() (string, error) {
	if l.target == "" {
		return "", errMem
	}
	return l.target, nil
}

type memFile struct{ *memNode }

func (f memFile) Open() (vnode.Content, error) { return memContent(f), nil }

type memContent struct{ *memNode }

func (c memContent) ReadAt(p []byte, off int64) (int, error) {
	if c.readErr != nil && off+int64(len(p)) > c.failAt {
		if off >= c.failAt {
			return 0, c.readErr
		}
		n := copy(p[:c.failAt-off], c.data[off:])
		return n, c.readErr
	}
	return bytes.NewReader(c.data).ReadAt(p, off)
}

// Size is what the file has when it is read, which may not be what it said.
func (c memContent) Size() int64 {
	if c.readErr == nil && c.size > 0 {
		return int64(len(c.data))
	}
	return c.memNode.Size()
}

func (c memContent) Extents() iter.Seq2[layer.Extent, error] {
	return func(func(layer.Extent, error) bool) {}
}

var errMem = errors.New("bad block")

var testTime = time.Date(2024, 2, 29, 12, 34, 56, 0, time.UTC)

// newNode returns a node with attributes of its own.
func newNode(mode fs.FileMode, inode uint64) *memNode {
	return &memNode{mode: mode, mtime: testTime, unix: layer.Unix{
		Volume: "test", Inode: inode, Links: 1, UID: 1000 + uint32(inode), GID: 70000,
		Access: testTime.Add(time.Hour), Change: testTime.Add(2 * time.Hour),
	}}
}

func memData(data []byte) *memNode {
	n := newNode(0640, 99)
	n.data = data
	return n
}

func memSymlink(target string) *memNode {
	n := newNode(fs.ModeSymlink|0777, 98)
	n.target = target
	return n
}

func memTree(children ...memEntry) *memNode {
	n := newNode(fs.ModeDir|0755, 97)
	n.children = children
	n.unix.Links = 7
	return n
}

func memFS(root *memNode) *vnode.FS { return vnode.New(memDir{root}) }

// written returns the image of a tree.
func written(fsys fs.FS, opts ...WriteOption) ([]byte, *Report, error) {
	var b bytes.Buffer
	r, err := Write(&b, fsys, append([]WriteOption{WithTime(testTime)}, opts...)...)
	return b.Bytes(), r, err
}

func opened(image []byte, opts ...OpenOption) (*FS, error) {
	return Open(bytes.NewReader(image), int64(len(image)), opts...)
}

var _ io.ReaderAt = memContent{}

// testFS returns what reads the metadata of an image, without its tree.
func testFS(image []byte) (*FS, error) {
	r := bytes.NewReader(image)
	return &FS{source: r, size: int64(len(image)), blockSize: sectorSize, cache: cache.New(r, cacheBudget)}, nil
}

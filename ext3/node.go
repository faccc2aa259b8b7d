package ext3

import (
	"io/fs"
	"iter"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A node is an Inode as a vnode.Node. The types around it add what each type
// of file can do.
type node struct{ inode *Inode }

type (
	dirNode  struct{ node }
	fileNode struct{ node }
	linkNode struct{ node }
)

var (
	_ vnode.Dir  = dirNode{}
	_ vnode.File = fileNode{}
	_ vnode.Link = linkNode{}
)

func (n node) Mode() fs.FileMode  { return fileMode(n.inode.RawMode) }
func (n node) Size() int64        { return n.inode.Length }
func (n node) ModTime() time.Time { return n.inode.Modify }
func (n node) Sys() any           { return n.inode }

// node returns the inode of that number as the node that its mode says.
func (f *FS) node(number uint32) (vnode.Node, error) {
	i, err := f.inode(number)
	if err != nil {
		return nil, err
	}
	switch i.RawMode & modeType {
	case modeDir:
		return dirNode{node{i}}, nil
	case modeRegular:
		return fileNode{node{i}}, nil
	case modeSymlink:
		return linkNode{node{i}}, nil
	case modeChar, modeBlock, modeFIFO, modeSocket:
		return node{i}, nil
	}
	return nil, corrupt(inodeName(number), noOffset, "mode %#o is of no type", i.RawMode)
}

// Open returns what the file holds.
func (n fileNode) Open() (vnode.Content, error) { return n.inode.content() }

// content returns the inode's data.
func (i *Inode) content() (vnode.Content, error) {
	switch {
	case i.Flags&flagEncrypt != 0:
		return nil, unsupported(inodeName(i.Number), "its content is encrypted")
	case i.Flags&flagInlineData != 0:
		return i.inlineContent()
	}
	blocks := i.blocks()
	if o, ok := i.fsys.device.(*overlay); ok {
		return overlaid{blocks, o}, nil
	}
	return blocks, nil
}

// blocks returns the data of an inode that has its content in blocks.
func (i *Inode) blocks() *extent.Reader {
	return extent.NewReader(i.mapper(), i.Length, i.fsys.device)
}

// An overlaid is a file whose blocks may be newer in the journal: those have
// no place in the source.
type overlaid struct {
	*extent.Reader
	overlay *overlay
}

// Extents implements vnode.Content.
func (c overlaid) Extents() iter.Seq2[layer.Extent, error] {
	return func(yield func(layer.Extent, error) bool) {
		for e, err := range c.Reader.Extents() {
			if err != nil {
				yield(e, err)
				return
			}
			if !c.overlay.touches(e) {
				if !yield(e, nil) {
					return
				}
				continue
			}
			for part := range c.overlay.split(e) {
				if !yield(part, nil) {
					return
				}
			}
		}
	}
}

// mapper returns the map of the inode's blocks, of either kind.
func (i *Inode) mapper() extent.Mapper {
	if i.Flags&flagExtents != 0 {
		return i.fsys.fast.mapper(i.Number, extentTree{i})
	}
	return blockMap{i}
}

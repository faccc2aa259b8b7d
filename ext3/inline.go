package ext3

import (
	"bytes"
	"io"
	"iter"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

// inlineParent is the length of the number of the parent directory, which an
// inline directory has in place of its entries "." and "..".
const inlineParent = 4

// inlineData returns what the inode holds of its content: the 60 bytes of
// i_block, and the value of the attribute system.data in the inode. Source: the
// kernel's documentation, "Inline Data".
func (i *Inode) inlineData() (head, tail []byte, err error) {
	if i.Flags&flagExtents != 0 {
		return nil, nil, corrupt(inodeName(i.Number), noOffset, "both extents and inline data")
	}
	found := false
	for e, err := range i.bodyXattrs() {
		if err != nil {
			return nil, nil, err
		}
		if !e.isInlineData() {
			continue
		}
		if e.inum != 0 {
			return nil, nil, corrupt(inodeName(i.Number), noOffset, "inline data in another inode")
		}
		tail, found = e.value, true
	}
	if !found { // it is there even when i_block is enough
		return nil, nil, corrupt(inodeName(i.Number), noOffset, "no inline data where its flag says so")
	}
	return i.block[:], tail, nil
}

// An inline is the content of an inode that holds it itself. What the inode
// has no bytes for is a hole.
type inline struct {
	*extent.Reader
	length int64
}

func (i *Inode) inlineContent() (vnode.Content, error) {
	head, tail, err := i.inlineData()
	if err != nil {
		return nil, err
	}
	data := append(bytes.Clone(head), tail...)
	data = data[:min(int64(len(data)), i.Length)]
	if len(data) == 0 {
		return inline{extent.NewReader(extent.List{}, i.Length), 0}, nil
	}
	list, err := extent.NewList([]extent.Run{{Length: int64(len(data))}}, int64(len(data)))
	if err != nil {
		return nil, failed(inodeName(i.Number), noOffset, err)
	}
	return inline{extent.NewReader(list, i.Length, io.ReaderAt(bytes.NewReader(data))), int64(len(data))}, nil
}

// Extents implements vnode.Content.
func (c inline) Extents() iter.Seq2[layer.Extent, error] {
	return func(yield func(layer.Extent, error) bool) {
		if c.length > 0 {
			yield(layer.Extent{Length: c.length, Physical: -1}, nil)
		}
	}
}

// inlineBlocks yields the two parts of a directory's entries as blocks.
func (i *Inode) inlineBlocks() iter.Seq2[dirBlock, error] {
	return func(yield func(dirBlock, error) bool) {
		head, tail, err := i.inlineData()
		if err != nil {
			yield(dirBlock{}, err)
			return
		}
		if yield(dirBlock{head[inlineParent:], noOffset}, nil) && len(tail) > 0 {
			yield(dirBlock{tail, noOffset}, nil)
		}
	}
}

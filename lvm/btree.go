package lvm

import (
	"encoding/binary"
	"math"
	"sort"
	"sync/atomic"

	"github.com/vmdkfs/vmdkfs/layer"
)

const (
	nodeHeaderSize = 32
	nodeInternal   = 1 // INTERNAL_NODE
	nodeLeaf       = 2 // LEAF_NODE

	// maxTreeHeight is what a tree of maxBlocks nodes cannot reach: a node
	// below the root has 84 children or more, a third of 252.
	maxTreeHeight = 8
)

// A node is a node of a btree: struct btree_node in the kernel's
// drivers/md/persistent-data/dm-btree-internal.h. Behind its header lie
// maxEntries keys, then as many values.
type node block

func (n *node) flags() uint32      { return binary.LittleEndian.Uint32(n[4:]) }
func (n *node) entries() int       { return int(binary.LittleEndian.Uint32(n[16:])) }
func (n *node) maxEntries() uint32 { return binary.LittleEndian.Uint32(n[20:]) }
func (n *node) valueSize() uint32  { return binary.LittleEndian.Uint32(n[24:]) }
func (n *node) key(i int) uint64   { return binary.LittleEndian.Uint64(n[nodeHeaderSize+8*i:]) }

// value returns the value of entry i.
func (n *node) value(i int) []byte {
	size := int(n.valueSize())
	return n[nodeHeaderSize+8*int(n.maxEntries())+size*i:][:size]
}

// number returns a value that is one.
func (n *node) number(i int) uint64 { return binary.LittleEndian.Uint64(n.value(i)) }

// find returns the first entry whose key is larger than key.
func (n *node) find(key uint64) int {
	return sort.Search(n.entries(), func(i int) bool { return n.key(i) > key })
}

// A btree maps numbers to values of one size. Its nodes are read as they are
// needed.
type btree struct {
	*blocks
	root      uint64
	valueSize uint32
	height    atomic.Int32 // in nodes; 0 as long as it is not known
}

func newTree(m *blocks, root uint64, valueSize uint32) *btree {
	return &btree{blocks: m, root: root, valueSize: valueSize}
}

// node reads a node whose keys must be in [low, high), at a level counted from
// 1 for the leaves up, or at any where level is 0.
func (t *btree) node(number, low, high uint64, level int) (*node, error) {
	b, err := t.read(number, nodeXOR, 8)
	if err != nil {
		return nil, err
	}
	n := (*node)(b)
	leaf := n.flags() == nodeLeaf
	size := uint32(8)
	if leaf {
		size = t.valueSize
	}
	entries := n.entries()
	switch {
	case !leaf && n.flags() != nodeInternal:
		return nil, t.fail(layer.ErrCorrupt, number, "node flags %#x", n.flags())
	case level > 0 && leaf != (level == 1):
		return nil, t.fail(layer.ErrCorrupt, number, "node is on another level than its parent says")
	case n.valueSize() != size:
		return nil, t.fail(layer.ErrCorrupt, number, "node with values of %d bytes, not %d", n.valueSize(), size)
	case n.maxEntries() > (blockSize-nodeHeaderSize)/(8+size) || uint64(entries) > uint64(n.maxEntries()) || (!leaf && entries == 0):
		return nil, t.fail(layer.ErrCorrupt, number, "node with %d entries of %d", entries, n.maxEntries())
	}
	for i := range entries {
		key := n.key(i)
		if key < low || key >= high || (i > 0 && key <= n.key(i-1)) {
			return nil, t.fail(layer.ErrCorrupt, number, "key %d out of order", key)
		}
	}
	return n, nil
}

// levels returns the height of the tree, that of its first leaf.
func (t *btree) levels() (int, error) {
	if h := t.height.Load(); h > 0 {
		return int(h), nil
	}
	number := t.root
	for h := 1; h <= maxTreeHeight; h++ {
		n, err := t.node(number, 0, math.MaxUint64, 0)
		if err != nil {
			return 0, err
		}
		if n.flags() == nodeLeaf {
			t.height.Store(int32(h))
			return h, nil
		}
		number = n.number(0)
	}
	return 0, t.fail(layer.ErrCorrupt, t.root, "a tree of more than %d levels", maxTreeHeight)
}

// A position is a place in a leaf: before the entry of index i, which is the
// first with a key larger than the one that was looked for. Entries of the
// tree that are not in the leaf have keys below low or from high on.
type position struct {
	leaf      *node
	i         int
	low, high uint64
}

// seek returns the place of key.
func (t *btree) seek(key uint64) (position, error) {
	height, err := t.levels()
	if err != nil {
		return position{}, err
	}
	p := position{high: math.MaxUint64}
	number := t.root
	for level := height; ; level-- {
		n, err := t.node(number, p.low, p.high, level)
		if err != nil {
			return position{}, err
		}
		i := n.find(key)
		if level == 1 {
			p.leaf, p.i = n, i
			return p, nil
		}
		if i < n.entries() {
			p.high = n.key(i)
		}
		if i == 0 { // before all keys: no entry, and none up to the first
			p.leaf, p.high = &node{}, n.key(0)
			return p, nil
		}
		p.low, number = n.key(i-1), n.number(i-1)
	}
}

// get returns the value of a key, nil where there is none.
func (t *btree) get(key uint64) ([]byte, error) {
	p, err := t.seek(key)
	if err != nil || p.i == 0 || p.leaf.key(p.i-1) != key {
		return nil, err
	}
	return p.leaf.value(p.i - 1), nil
}

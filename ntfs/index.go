package ntfs

import (
	"fmt"
	"iter"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
)

const (
	indexRootHeader  = 0x10 // before the node header, in the root
	indexBlockHeader = 0x18 // before the node header, in a block
	nodeHeader       = 0x10
	indexEntryHeader = 0x10
	// maxIndexDepth bounds the levels of a tree. A block of 4 KiB holds six
	// keys of the longest kind, so that ten levels are more than a volume has.
	maxIndexDepth = 16
	// maxIndexBitmap bounds the bitmap of an index: it is that of 2^32 blocks
	// of 4 KiB, and no directory can have as many entries.
	maxIndexBitmap = 512 << 20
	// smallVCN is the unit in which blocks are numbered where a cluster is
	// larger than a block.
	smallVCN = 512
)

// Flags of a node and of an entry.
const (
	nodeHasChildren = 0x01
	entryHasChild   = 0x01
	entryLast       = 0x02
)

// An index is a B+ tree of a file ($INDEX_ROOT and $INDEX_ALLOCATION in the
// documentation of the Linux-NTFS project): the names of a directory, or the
// keys of another table. Its root is in the file record, its blocks are in a
// stream, and a bitmap tells which of them are in use.
type index struct {
	x         *file
	root      []byte // the entries of the root
	blockSize int64
	unit      int64         // bytes of one VCN
	blocks    vnode.Content // nil when there is only the root
	direct    vnode.Content // the same, past the cache
	bitmap    []byte
}

// index opens the index of that name.
func (x *file) index(name string) (*index, error) {
	raw := make([]byte, 0, 2*len(name))
	for _, c := range []byte(name) {
		raw = append(raw, c, 0)
	}
	a, err := x.find(attrIndexRoot, raw)
	switch {
	case err != nil:
		return nil, err
	case a == nil || a.nonResident():
		return nil, corrupt(x.name(), noOffset, "it has no root of the index %s", name)
	}
	root := a.value()
	if len(root) < indexRootHeader+nodeHeader {
		return nil, corrupt(x.name(), noOffset, "index %s: a root of %d bytes", name, len(root))
	}
	ix := &index{x: x, blockSize: int64(le.Uint32(root[0x08:0x0C])), unit: x.fsys.geo.clusterSize}
	if !isPowerOfTwo(ix.blockSize) || ix.blockSize < minIndexBlock || ix.blockSize > maxIndexBlock {
		return nil, corrupt(x.name(), noOffset, "index %s: blocks of %d bytes", name, ix.blockSize)
	}
	if ix.unit > ix.blockSize {
		ix.unit = smallVCN
	}
	if ix.root, err = nodeEntries(root[indexRootHeader:]); err != nil {
		return nil, corrupt(x.name(), noOffset, "index %s: %v", name, err)
	}
	if root[indexRootHeader+0x0C]&nodeHasChildren == 0 {
		return ix, nil
	}
	return ix, ix.openBlocks(raw)
}

// openBlocks opens the blocks of the index, and reads which are in use.
func (ix *index) openBlocks(name []byte) error {
	x := ix.x
	a, err := x.find(attrIndexAllocation, name)
	if err == nil && (a == nil || !a.nonResident()) {
		err = corrupt(x.name(), noOffset, "an index without its blocks")
	}
	if err != nil {
		return err
	}
	m, err := x.mapper(a)
	if err != nil {
		return err
	}
	if ix.blocks, err = x.plain(a, m, x.fsys.meta); err != nil {
		return err
	}
	if ix.direct, err = x.plain(a, m, x.fsys.device); err != nil {
		return err
	}
	if ix.blocks.Size() > x.fsys.source {
		return x.fsys.tooLarge(x.name(), "index", ix.blocks.Size())
	}
	a, err = x.find(attrBitmap, name)
	switch {
	case err != nil:
		return err
	case a != nil && a.size() > maxIndexBitmap:
		return corrupt(x.name(), noOffset, "an index with a bitmap of %d bytes, more than %d", a.size(), maxIndexBitmap)
	case a == nil:
		return corrupt(x.name(), noOffset, "an index without a bitmap")
	case !a.nonResident():
		ix.bitmap = a.value()
		return nil
	}
	content, err := x.metadata(a)
	if err != nil {
		return err
	}
	// The bitmap grows in steps: what lies behind the last block is of no use.
	n := min(content.Size(), ix.blocks.Size()/ix.blockSize/8+1)
	if ix.bitmap, err = ondisk.Read(content, 0, n); err != nil {
		return failed(x.name(), noOffset, err)
	}
	return nil
}

// size returns how many bytes the blocks have.
func (ix *index) size() int64 {
	if ix.blocks == nil {
		return 0
	}
	return ix.blocks.Size()
}

// used reports whether a block is in use.
func (ix *index) used(block int64) bool {
	return block/8 < int64(len(ix.bitmap)) && ix.bitmap[block/8]&(1<<(block%8)) != 0
}

// nodeEntries returns the entries of a node, given its header and what follows
// (INDEX_HEADER).
func nodeEntries(b []byte) ([]byte, error) {
	at, end := le.Uint32(b[0:4]), le.Uint32(b[4:8])
	if at < nodeHeader || at > end || int64(end) > int64(len(b)) {
		return nil, fmt.Errorf("entries at %d to %d of %d", at, end, len(b))
	}
	return b[at:end:end], nil
}

// block reads the entries of a block into buf, which has the size of one.
func (ix *index) block(n int64, buf []byte) ([]byte, error) {
	off := n * ix.blockSize
	if off+ix.blockSize > ix.blocks.Size() {
		return nil, corrupt(ix.x.name(), noOffset, "index block %d: the last ends at %d", n, ix.blocks.Size())
	}
	if err := ondisk.ReadFull(ix.blocks, buf, off); err != nil {
		return nil, failed(ix.x.name(), noOffset, fmt.Errorf("index block %d: %w", n, err))
	}
	return ix.checkBlock(n, buf)
}

// checkBlock applies the fixups of a block, and returns its entries.
func (ix *index) checkBlock(n int64, buf []byte) ([]byte, error) {
	bad := func(format string, args ...any) ([]byte, error) {
		return nil, corrupt(ix.x.name(), noOffset, "index block %d: %s", n, fmt.Sprintf(format, args...))
	}
	if string(buf[:4]) != magicIndex {
		return bad("signature is %q, not %q", buf[:4], magicIndex)
	}
	if !applyFixups(buf) {
		return bad("it was torn while it was written")
	}
	if vcn := le.Uint64(buf[0x10:0x18]); vcn != uint64(n*ix.blockSize/ix.unit) {
		return bad("it says that it is at cluster %d", vcn)
	}
	entries, err := nodeEntries(buf[indexBlockHeader:])
	if err != nil {
		return bad("%v", err)
	}
	return entries, nil
}

// An indexEntry is an entry of a node (INDEX_ENTRY), cut to its length. It
// aliases the node.
type indexEntry []byte

func (e indexEntry) ref() fileRef  { return fileRef(le.Uint64(e[0x00:0x08])) }
func (e indexEntry) flags() uint16 { return le.Uint16(e[0x0C:0x0E]) }
func (e indexEntry) key() []byte   { return e[indexEntryHeader:][:le.Uint16(e[0x0A:0x0C])] }

// data returns the value of an entry of an index that is no directory.
func (e indexEntry) data() ([]byte, bool) {
	at, n := int(le.Uint16(e[0x00:0x02])), int(le.Uint16(e[0x02:0x04]))
	if at+n > len(e) {
		return nil, false
	}
	return e[at:][:n], true
}

// child returns the VCN of the block with the keys before the entry's.
func (e indexEntry) child() uint64 { return le.Uint64(e[len(e)-8:]) }

// An indexEntries goes through the entries of a node. The last one has no key.
type indexEntries struct {
	rest []byte
	indexEntry
	err error
}

// advance makes the next entry current, and reports whether there is one.
func (s *indexEntries) advance() bool {
	if s.indexEntry != nil && s.flags()&entryLast != 0 || s.err != nil {
		return false
	}
	if len(s.rest) < indexEntryHeader {
		s.err = fmt.Errorf("its entries have no end")
		return false
	}
	length, key := int(le.Uint16(s.rest[0x08:0x0A])), int(le.Uint16(s.rest[0x0A:0x0C]))
	least := indexEntryHeader
	if le.Uint16(s.rest[0x0C:0x0E])&entryHasChild != 0 {
		least += 8
	}
	if length < least+key || length%8 != 0 || length > len(s.rest) {
		s.err = fmt.Errorf("an entry of %d bytes with a key of %d, %d left", length, key, len(s.rest))
		return false
	}
	s.indexEntry, s.rest = indexEntry(s.rest[:length:length]), s.rest[length:]
	return true
}

// isLast reports whether the current entry is the last, which has no key.
func (s *indexEntries) isLast() bool { return s.flags()&entryLast != 0 }

// all yields every entry with a key, in the order of the blocks, and an error
// for each place that could not be read; it goes on after it. Blocks that are
// not in use are passed over: they hold entries that were deleted.
func (ix *index) all() iter.Seq2[indexEntry, error] {
	return func(yield func(indexEntry, error) bool) {
		if !ix.each(ix.root, noBlock, yield) || ix.blocks == nil {
			return
		}
		buf := make([]byte, max(ix.blockSize, min(indexPiece, ix.blocks.Size()&^(ix.blockSize-1))))
		for n := int64(0); n < 8*int64(len(ix.bitmap)); {
			count := ix.together(n, int64(len(buf))/ix.blockSize)
			if count == 0 {
				n++
				continue
			}
			whole := ondisk.ReadFull(ix.direct, buf[:count*ix.blockSize], n*ix.blockSize) == nil
			for i := range count {
				block := buf[i*ix.blockSize:][:ix.blockSize]
				read := ix.checkBlock
				if !whole {
					read = ix.block // one by one: a bad spot must cost its own block only
				}
				entries, err := read(n+i, block)
				if err != nil && !yield(nil, err) || err == nil && !ix.each(entries, n+i, yield) {
					return
				}
			}
			n += count
		}
	}
}

// indexPiece is how much of an index is read at once.
const indexPiece = 64 << 10

// together returns how many blocks from one on are in use, at most a number: 0
// when that one is not.
func (ix *index) together(n, most int64) int64 {
	count := int64(0)
	for count < most && ix.used(n+count) {
		count++
	}
	return count
}

// noBlock is the number of the root among blocks.
const noBlock = -1

// each yields the entries of one node that have a key, and its errors. A child
// that is not in use is one: its entries would be missing from a listing.
func (ix *index) each(entries []byte, block int64, yield func(indexEntry, error) bool) bool {
	s := indexEntries{rest: entries}
	for s.advance() {
		if s.flags()&entryHasChild != 0 {
			if _, err := ix.childBlock(s.child()); err != nil && !yield(nil, err) {
				return false
			}
		}
		if !s.isLast() && !yield(s.indexEntry, nil) {
			return false
		}
	}
	return s.err == nil || yield(nil, ix.badNode(block, s.err))
}

// childBlock returns the number of the block at a VCN that an entry names.
func (ix *index) childBlock(vcn uint64) (int64, error) {
	if ix.blocks == nil || vcn > uint64(ix.blocks.Size()/ix.unit) || int64(vcn)*ix.unit%ix.blockSize != 0 {
		return 0, corrupt(ix.x.name(), noOffset, "index: a child at cluster %d", vcn)
	}
	n := int64(vcn) * ix.unit / ix.blockSize
	if !ix.used(n) {
		return 0, corrupt(ix.x.name(), noOffset, "index block %d: it is a child and not in use", n)
	}
	return n, nil
}

func (ix *index) badNode(block int64, err error) error {
	if block == noBlock {
		return corrupt(ix.x.name(), noOffset, "index root: %v", err)
	}
	return corrupt(ix.x.name(), noOffset, "index block %d: %v", block, err)
}

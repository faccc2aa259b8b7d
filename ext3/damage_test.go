package ext3

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A sealed damage is what is broken, under a right checksum, and what it costs.
type sealedDamage struct {
	what  string
	image string
	path  string
	hurt  func(p *patient, i *Inode)
	op    func(f *FS, path string) error
	text  string // of the error, of the kind ErrCorrupt
	lost  loss
}

const outside = 0x7FFFFFF0 // a block that no image has

// inInode changes the inode's bytes.
func inInode(change func(raw rawInode)) func(*patient, *Inode) {
	return func(p *patient, i *Inode) {
		change(p.raw(i.Number))
		p.sealInode(i.Number)
	}
}

// inNode changes the first node at a level below the root of an extent tree.
func inNode(level int, change func(node extentNode, at uint64)) func(*patient, *Inode) {
	return func(p *patient, i *Inode) {
		node, at := extentNode(i.block[:]), uint64(0)
		for range level {
			require.Positive(p.t, node.ehDepth())
			at = node.leaf(0)
			node = extentNode(p.block(at))
		}
		change(node, at)
		p.sealExtentNode(i, at)
	}
}

// inLeaf changes the third entry of a block of entries of the directory, given
// what is left of the block from there on.
func inLeaf(block int64, change func(entry []byte)) func(*patient, *Inode) {
	return func(p *patient, i *Inode) {
		n := p.blockOf(i, block)
		at := 0
		for range 2 {
			at += int(le.Uint16(p.block(n)[at+4:]))
		}
		change(p.block(n)[at:])
		p.sealLeaf(i, n)
	}
}

// inRoot changes the root of the directory's index.
func inRoot(change func(block []byte)) func(*patient, *Inode) {
	return func(p *patient, i *Inode) {
		n := p.blockOf(i, 0)
		require.Equal(p.t, dxRootAt, dxCountLimit(p.block(n)))
		change(p.block(n))
		p.sealIndex(i, n, dxRootAt)
	}
}

// inXattrBlock changes the block of attributes of the file.
func inXattrBlock(change func(block []byte)) func(*patient, *Inode) {
	return func(p *patient, i *Inode) {
		change(p.block(i.xattrAt))
		p.sealXattrBlock(i.xattrAt)
	}
}

// inXattrBody changes the attributes in the inode, from the first entry on.
func inXattrBody(change func(entries []byte)) func(*patient, *Inode) {
	return func(p *patient, i *Inode) {
		require.NotZero(p.t, i.xattrBody)
		change(p.raw(i.Number)[i.xattrBody:])
		p.sealInode(i.Number)
	}
}

// inACL changes the value of the file's ACL, wherever it is in its inode.
func inACL(change func(acl []byte)) func(*patient, *Inode) {
	return func(p *patient, i *Inode) {
		for e, err := range i.bodyXattrs() {
			require.NoError(p.t, err)
			if e.index == xattrACLAccess {
				at := bytes.Index(p.raw(i.Number), e.value)
				require.Positive(p.t, at)
				change(p.raw(i.Number)[at:])
			}
		}
		p.sealInode(i.Number)
	}
}

// inValueInode changes the inode with the value of the file's attribute.
func inValueInode(change func(raw rawInode)) func(*patient, *Inode) {
	return func(p *patient, i *Inode) {
		for e, err := range i.bodyXattrs() {
			require.NoError(p.t, err)
			require.NotZero(p.t, e.inum)
			change(p.raw(e.inum))
			p.sealInode(e.inum)
		}
	}
}

// firstData changes the file's first block, which has no checksum.
func firstData(change func(block []byte)) func(*patient, *Inode) {
	return func(p *patient, i *Inode) { change(p.block(p.blockOf(i, 0))) }
}

// put16 and put32 return a change that writes a number.
func put16(at int, value uint16) func([]byte) {
	return func(b []byte) { le.PutUint16(b[at:], value) }
}

func put32(at int, value uint32) func([]byte) {
	return func(b []byte) { le.PutUint32(b[at:], value) }
}

// asInode makes a change one of an inode.
func asInode(change func([]byte)) func(rawInode) { return func(i rawInode) { change(i) } }

// asNode makes a change one of an extent node.
func asNode(change func([]byte)) func(extentNode, uint64) {
	return func(n extentNode, _ uint64) { change(n) }
}

// orFlag sets and andNotFlag clears flags of an inode.
func orFlag(flag uint32) func(rawInode) {
	return func(i rawInode) { le.PutUint32(i[0x20:], i.iFlags()|flag) }
}

func andNotFlag(flag uint32) func(rawInode) {
	return func(i rawInode) { le.PutUint32(i[0x20:], i.iFlags()&^flag) }
}

// lookAll looks every name of the directory up.
func lookAll(f *FS, path string) error {
	list, err := f.ReadDir(path)
	for _, e := range list {
		if _, err := f.Lstat(path + "/" + e.Name()); err != nil {
			return err
		}
	}
	return err
}

// TestSealedDamage breaks one structure at a time, with a right checksum: the
// error names it, and what does not depend on it is what the kernel reads.
func TestSealedDamage(t *testing.T) {
	const (
		deep  = "level0/level1/level2/level3"
		entry = extentEntrySize // the first one of a node
	)
	for _, c := range []sealedDamage{
		{"inode of a directory without a type", "ext4-default", deep, inInode(asInode(put16(0, 0o755))), lstat, "mode 0755 is of no type", itself},
		{"inode of a directory that is deleted", "ext4-default", deep, inInode(asInode(put16(0x1A, 0))), lstat, "a deleted inode is in use", itself},
		{"inode with more fields than bytes", "ext4-default", "sizes/4095", inInode(asInode(put16(0x80, 160))), lstat, "160 extra bytes in an inode of 256", itself},
		{"inode of a file of two names", "ext4-default", "hard", inInode(asInode(put32(0x6C, 1<<31))), lstat, "size ", itself},
		{"inode of a directory of odd size", "ext4-default", deep, inInode(asInode(put32(sizeAt, 4095))), readDir, "4095 bytes long", itself},
		{"inode of an empty directory", "ext4-default", deep, inInode(asInode(put32(sizeAt, 0))), readDir, "0 bytes long", itself},
		{"inode of a directory longer than its blocks", "ext4-default", deep, inInode(asInode(put32(sizeAt, 3*4096))), readDir, "a hole at 4096", nothing},
		{"inode that takes its extents for a map", "ext4-default", "sizes/4095", inInode(andNotFlag(flagExtents)), readFile, "blocks ", itself},
		{"inode of two kinds", "ext4-inline-data", "sizes/100", inInode(orFlag(flagExtents)), readFile, "both", itself},

		{"extent root", "ext4-extent-depth", "deep", inInode(asInode(put16(blockAt, 0))), readFile, "extent node: magic", itself},
		{"extent root one level too low", "ext4-extent-depth", "deep", inInode(asInode(put16(blockAt+6, 4))), readFile, "depth 4 where its parent wants 3", itself},
		{"extent root too deep", "ext4-extent-depth", "deep", inInode(asInode(put16(blockAt+6, 6))), readFile, "depth 6 is more than 5", itself},
		{"extent root without entries", "ext4-extent-depth", "deep", inInode(asInode(put16(blockAt+2, 0))), readFile, "an index without entries", itself},
		{"extent index to a block that is none", "ext4-extent-depth", "deep", inInode(asInode(put32(blockAt+entry+4, 700))), readFile, "extent node: magic", itself},
		{"extent index outside", "ext4-extent-depth", "deep", inNode(4, asNode(put32(entry+4, outside))), readFile, "extent node at block 2147483632", itself},
		{"extent index to itself", "ext4-extent-depth", "deep", inNode(4, func(n extentNode, at uint64) { le.PutUint32(n[entry+4:], uint32(at)) }), readFile, "depth 1 where its parent wants 0", itself},
		{"extent index out of order", "ext4-extent-depth", "deep", inNode(4, asNode(put32(2*entry, 0))), readFile, "entry 1 begins at block 0", itself},
		{"extent index of another level", "ext4-extent-depth", "deep", inNode(3, asNode(put16(6, 1))), readFile, "depth 1 where its parent wants 2", itself},
		{"extent leaf", "ext4-extent-depth", "deep", inNode(5, asNode(put16(0, 0xF30B))), readFile, "extent node: magic is 0xf30b", itself},
		{"extent leaf too full", "ext4-extent-depth", "deep", inNode(5, asNode(put16(2, 85))), readFile, "85 of 84 entries", itself},
		{"extent leaf out of order", "ext4-extent-depth", "deep", inNode(5, asNode(put32(3*entry, 0))), readFile, "entry 2 begins at block 0", itself},
		{"extent leaf that overlaps", "ext4-extent-depth", "deep", inNode(5, asNode(put16(entry+4, 9))), readFile, "entry 1 begins at block 2, outside 9", itself},
		{"extent of no blocks", "ext4-extent-depth", "deep", inNode(5, asNode(put16(entry+4, 0))), readFile, "extent of 0 blocks", itself},
		{"extent outside", "ext4-extent-depth", "deep", inNode(5, asNode(put32(entry+8, outside))), readFile, "at 2147483632 for block 0", itself},
		{"extent over the superblock", "ext4-extent-depth", "deep", inNode(5, asNode(put32(entry+8, 1))), readFile, "extent of 1 blocks at 1 ", itself},
		{"extent of a directory", "ext4-default", "many", inInode(asInode(put32(extAt+8, outside))), readDir, "at 2147483632", itself},

		{"indirect block outside", "ext4-block-map", "only-indirect", inInode(asInode(put32(blockAt+4*12, outside))), readFile, "indirect block 2147483632", itself},
		{"indirect block on the superblock", "ext4-block-map", "only-double", inInode(asInode(put32(blockAt+4*13, 1))), readFile, "indirect block 1 of", itself},

		{"entry of no length", "ext4-1k", "many", inLeaf(1, put16(4, 0)), readDir, "entry: 0 bytes long", someNames},
		{"entry longer than its block", "ext4-1k", "many", inLeaf(2, put16(4, 2000)), readDir, "entry: 2000 bytes long", someNames},
		{"entry of odd length", "ext4-1k", "many", inLeaf(3, put16(4, 42)), readDir, "entry: 42 bytes long", someNames},
		{"entry with a long name", "ext4-1k", "many", inLeaf(1, func(e []byte) { e[6] = 255 }), readDir, "a name of 255 bytes in", someNames},
		{"entry with a slash", "ext4-1k", "many", inLeaf(1, func(e []byte) { e[direntHeader+5] = '/' }), readDir, `the name "entry/`, someNames},
		{"entry with a NUL", "ext4-1k", "many", inLeaf(1, func(e []byte) { e[direntHeader] = 0 }), readDir, `the name "\x00ntry`, someNames},
		{"entry of an inode that is none", "ext4-1k", "many", inLeaf(1, put32(0, outside)), readDir, "has the inode 2147483632", someNames},
		{"entry of the journal", "ext4-1k", "many", inLeaf(1, put32(0, 8)), readDir, "has the inode 8", someNames},
		{"entry of a free inode", "ext4-1k", "many", freeInode, lookAll, "a deleted inode is in use", someNames},

		{"index with an unknown hash", "ext4-1k", "many", inRoot(func(b []byte) { b[dxInfoHash] = 99 }), lookAll, "", nothing},
		{"index too deep", "ext4-1k", "many", inRoot(func(b []byte) { b[dxInfoLevels] = 9 }), lookAll, "", nothing},
		{"index deeper than it is", "ext4-1k", "many", inRoot(func(b []byte) { b[dxInfoLevels] = 1 }), lookAll, "", nothing},
		{"index without entries", "ext4-1k", "many", inRoot(put16(dxRootAt+2, 0)), lookAll, "", nothing},
		{"index to a block that is none", "ext4-1k", "many", inRoot(put32(dxRootAt+4, 0xFFFFFFF)), lookAll, "", nothing},
		{"index to itself", "ext4-1k", "many", inRoot(put32(dxRootAt+4, 0)), lookAll, "", nothing},
		{"index with wrong hashes", "ext4-1k", "many", inRoot(put32(dxRootAt+dxEntrySize, 2)), lookAll, "", nothing},

		{"attribute block", "ext4-xattrs-4k", "in-block", inXattrBlock(put32(0, 1)), xattrs, "magic is 0x00000001", attributes},
		{"attribute block outside", "ext4-xattrs-4k", "in-block", inInode(asInode(put32(0x68, outside))), xattrs, "block 2147483632 of", attributes},
		{"attribute with a value outside", "ext4-xattrs-4k", "in-block", inXattrBlock(put32(xattrBlockHeader+8, outside)), xattrs, "the value of user.large is outside", attributes},
		{"attribute with its value in a directory", "ext4-xattrs-4k", "in-block", inXattrBlock(put32(xattrBlockHeader+4, rootInode)), xattrs, "the inode is not one for values", attributes},
		{"attribute with its value nowhere", "ext4-xattrs-4k", "in-block", inXattrBlock(put32(xattrBlockHeader+4, outside)), xattrs, "inode 2147483632: the last inode is", attributes},
		{"attributes without an end", "ext4-xattrs-4k", "in-block", inXattrBlock(endless), xattrs, "the entries have no end", attributes},
		{"attribute in the inode, value outside", "ext4-xattrs-4k", "in-inode", inXattrBody(put16(2, 250)), xattrs, "the value of user.small is outside", attributes},
		{"attribute in the inode, name outside", "ext4-xattrs-4k", "in-inode", inXattrBody(func(e []byte) { e[0] = 255 }), xattrs, "an entry reaches over the end", attributes},
		{"attributes in the inode without an end", "ext4-xattrs-4k", "in-inode", inXattrBody(endless), xattrs, "attributes of inode", attributes},
		{"ACL of another version", "ext4-xattrs-4k", "acl", inACL(put32(0, 2)), xattrs, "system.posix_acl_access: version 2", attributes},
		{"ACL with another tag", "ext4-xattrs-4k", "acl", inACL(put16(4, 0x40)), xattrs, "system.posix_acl_access: tag 0x40", attributes},
		{"inode of a value that is none", "ext4-ea-inode", "xattr-10000", inValueInode(andNotFlag(flagEAInode)), xattrs, "the inode is not one for values", attributes},
		{"inode of a value of another length", "ext4-ea-inode", "xattr-10000", inValueInode(asInode(put32(sizeAt, 9999))), xattrs, "10000 bytes in an inode of 9999", attributes},
		{"inode of a value that is deleted", "ext4-ea-inode", "xattr-10000", inValueInode(asInode(put16(0x1A, 0))), xattrs, "a deleted inode is in use", attributes},
		{"extents of a value", "ext4-ea-inode", "xattr-10000", inValueInode(asInode(put32(extAt+8, outside))), xattrs, "extent of", attributes},

		{"link without a target", "ext4-links-4k", "symlink-200", firstData(func(b []byte) { b[0] = 0 }), readLink, "a link with an empty target", itself},
		{"link of no length", "ext4-links-4k", "symlink-200", inInode(asInode(put32(sizeAt, 0))), readLink, "a link of 0 bytes", itself},
		{"link of more than a block", "ext4-links-4k", "symlink-200", inInode(asInode(put32(sizeAt, 4097))), readLink, "a link of 4097 bytes", itself},
		{"link to a block outside", "ext4-links-4k", "symlink-200", inInode(asInode(put32(extAt+8, outside))), readLink, "at 2147483632", itself},
		{"link in the inode without a target", "ext4-links-4k", "symlink-58", inInode(func(i rawInode) { i.iBlock()[0] = 0 }), readLink, "a link with an empty target", itself},

		{"inline data outside", "ext4-inline-data", "sizes/100", inXattrBody(put16(2, 250)), readFile, "the value of system.data is outside", itself},
		{"inline data elsewhere", "ext4-inline-data", "sizes/100", inXattrBody(put32(4, 20)), readFile, "inline data in another inode", itself},
		{"inline data that is none", "ext4-inline-data", "sizes/100", inXattrBody(func(e []byte) { e[xattrEntryHeader] = 'D' }), readFile, "no inline data", itself},
		{"inline directory, entry in the map", "ext4-inode-1024", "dir-of-8", inInode(func(i rawInode) { le.PutUint16(i.iBlock()[inlineParent+4:], 8) }), readDir, "entry: 8 bytes long", someNames},
		{"inline directory, no room for an entry", "ext4-inode-1024", "dir-of-8", inInode(func(i rawInode) { le.PutUint16(i.iBlock()[inlineParent+2*16+4:], 20) }), readDir, "entry: 4 bytes are left of its block", nothing},
		{"inline directory, entries outside", "ext4-inode-1024", "dir-of-8", inXattrBody(put16(2, 250)), readDir, "the value of system.data is outside", itself},
		{"inline directory, entry in the attribute", "ext4-inode-1024", "dir-of-8", inlineTail, readDir, "entry: 3 bytes long", someNames},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			p := admit(t, c.image)
			c.hurt(p, p.inode(c.path))
			require.False(t, bytes.Equal(p.whole, p.image))
			f, err := p.reopen()
			require.NoError(t, err)
			err = c.op(f, c.path)
			if c.text == "" {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, layer.ErrCorrupt)
				require.ErrorContains(t, err, c.text)
				require.NotContains(t, err.Error(), "checksum")
				var place *layer.Error
				require.ErrorAs(t, err, &place)
				require.NotEmpty(t, place.Object)
			}
			requireRest(t, f, c.image, c.path, c.lost)
			require.Empty(t, f.Warnings())
		})
	}
}

// freeInode gives an entry an inode that is not in use.
func freeInode(p *patient, i *Inode) {
	const number = 900
	inLeaf(1, put32(0, number))(p, i)
	p.sealInode(number)
}

// endless fills all the room for attributes with such that have neither name
// nor value.
func endless(area []byte) {
	if le.Uint32(area) == xattrMagic {
		area = area[xattrBlockHeader:]
	}
	for ; len(area) >= xattrEntryHeader; area = area[xattrEntryHeader:] {
		clear(area[:xattrEntryHeader])
		area[1] = 1
	}
	for i := range area {
		area[i] = 1
	}
}

// inlineTail breaks the first of the entries that did not fit into i_block.
func inlineTail(p *patient, i *Inode) {
	_, tail, err := i.inlineData()
	require.NoError(p.t, err)
	require.NotEmpty(p.t, tail)
	at := bytes.Index(p.raw(i.Number), tail)
	require.Positive(p.t, at)
	le.PutUint16(p.raw(i.Number)[at+4:], 3)
	p.sealInode(i.Number)
}

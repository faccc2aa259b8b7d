package ext3

import (
	"bytes"
	"fmt"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
)

// TestSealedSuperblock: fields that contradict the rest are refused, under a
// right checksum too; those that nothing depends on do not keep anything from
// being read.
func TestSealedSuperblock(t *testing.T) {
	const name = "ext4-default"
	for _, c := range []struct {
		what   string
		at     int
		value  uint32
		kind   error // nil: all of it is there
		text   string
		warned bool
	}{
		{"block size", 0x18, 9, layer.ErrCorrupt, "block size 2^9 KiB", false},
		{"blocks in a group", 0x20, 16, layer.ErrCorrupt, "groups of", false},
		{"inodes in a group", 0x28, 8*4096 + 1, layer.ErrCorrupt, "32769 inodes in a group", false},
		{"upper half of the blocks", 0x150, 0x10000000, layer.ErrCorrupt, "blocks of 4096 bytes", false},
		{"inode size", 0x58, 3 << 7, layer.ErrCorrupt, "inode size 384", false},
		{"descriptor size for 32 bits", 0xFE, 32, layer.ErrCorrupt, "group descriptor size 32", false},
		{"feature", 0x60, 1 << 12, layer.ErrUnsupported, "dirdata", false},
		{"checksum type", 0x174, 2 << 8, layer.ErrUnsupported, "checksums of type 2", false},
		{"end behind that of the source", 0x04, 4352, nil, "", true},
		{"free blocks", 0x0C, 0xFFFFFFFF, nil, "", false},
		{"hash seed", 0xEC, 77, nil, "", false},
		{"signs of hashes", 0x160, superUnsignedHash, nil, "", false},
		{"journal", 0xE0, 0xFFFFFFFF, nil, "", false},
		{"errors", 0x194, 5, nil, "", false},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			p := admit(t, name)
			s := p.image[superblockOffset:]
			if c.at == 0xFE || c.at == 0x58 {
				le.PutUint16(s[c.at:], uint16(c.value))
			} else {
				le.PutUint32(s[c.at:], c.value)
			}
			p.sealSuper()
			f, err := p.reopen()
			if c.kind != nil {
				require.ErrorIs(t, err, c.kind)
				require.ErrorContains(t, err, "superblock: ")
				require.ErrorContains(t, err, c.text)
				return
			}
			require.NoError(t, err)
			require.NoError(t, lookAll(f, "many"))
			requireRest(t, f, name, ".", nothing)
			require.Equal(t, c.warned, len(f.Warnings()) > 0)
		})
	}
}

// TestSealedRoot: without a root directory there is nothing to open.
func TestSealedRoot(t *testing.T) {
	for text, hurt := range map[string]func(rawInode){
		"inode 2 is not a directory":         asInode(put16(0, modeRegular|0o644)),
		"inode 2: a deleted inode is in use": asInode(put16(0x1A, 0)),
		"inode 2: mode 0755 is of no type":   asInode(put16(0, 0o755)),
	} {
		p := admit(t, "ext4-1k")
		inInode(hurt)(p, p.inode("."))
		_, err := p.reopen()
		require.ErrorIs(t, err, layer.ErrCorrupt)
		require.ErrorContains(t, err, text)
	}
	p := admit(t, "ext4-bigalloc")
	le.PutUint32(p.image[superblockOffset+0x1C:], 21)
	p.sealSuper()
	_, err := p.reopen()
	require.ErrorIs(t, err, layer.ErrCorrupt)
	require.ErrorContains(t, err, "superblock: cluster size 2^21 KiB")
}

// TestIndexOverflow: an index block with more entries than it can hold has no
// place for its checksum. With Strict it is an error, and no name is lost.
func TestIndexOverflow(t *testing.T) {
	p := admit(t, "ext4-1k")
	block := p.block(p.blockOf(p.inode("many"), 0))
	le.PutUint16(block[dxRootAt+2:], 0xFFFF)
	f, err := p.reopen()
	require.NoError(t, err)
	list, err := f.ReadDir("many")
	require.ErrorIs(t, err, layer.ErrCorrupt)
	require.ErrorContains(t, err, "block of directory inode")
	require.Len(t, list, 200)
	require.NoError(t, lstat(f, "many/entry-123-of-the-directory"))
	require.ErrorIs(t, lstat(f, "many/not-there"), layer.ErrCorrupt)
}

// TestDamagedPlaces: of several damaged places the first is told, with their
// number, and the blocks between them are read.
func TestDamagedPlaces(t *testing.T) {
	p := admit(t, "ext4-1k")
	i := p.inode("many")
	for _, block := range []int64{1, 3} {
		inLeaf(block, put16(4, 0))(p, i)
	}
	f, err := p.reopen()
	require.NoError(t, err)
	err = readDir(f, "many")
	require.ErrorIs(t, err, layer.ErrCorrupt)
	require.ErrorContains(t, err, "2 places cannot be read, the first: ")
	requireRest(t, f, "ext4-1k", "many", someNames)
	require.ErrorIs(t, lstat(f, "many/not-there"), layer.ErrCorrupt)
}

// TestUnknownAttribute: an attribute of a kind that nobody knows is shown, by
// its number.
func TestUnknownAttribute(t *testing.T) {
	p := admit(t, "ext4-xattrs-4k")
	inXattrBody(func(e []byte) { e[1] = 99 })(p, p.inode("in-inode"))
	f, err := p.reopen()
	require.NoError(t, err)
	info, err := f.Lstat("in-inode")
	require.NoError(t, err)
	got, err := info.Sys().(*Inode).Xattrs()
	require.NoError(t, err)
	require.Equal(t, map[string][]byte{"index99.small": []byte("tiny")}, got)
}

// TestSourceErrorsEverywhere fails each read of the source in turn while all of
// a file system is read: it is that error which is told.
func TestSourceErrorsEverywhere(t *testing.T) {
	for _, name := range []string{"ext4-extent-depth", "ext4-xattrs-4k", "ext4-links-4k", "ext4-ea-inode", "ext4-inode-1024", "dirty-ext4-v2"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			image := admit(t, name).whole
			for n := 0; ; n++ {
				f, err := Open(&breaking{bytes.NewReader(image), n}, int64(len(image)))
				if err == nil {
					err = fs.WalkDir(f, ".", func(p string, d fs.DirEntry, err error) error {
						if err == nil {
							err = xattrs(f, p)
						}
						switch {
						case err == nil && d.Type().IsRegular():
							err = readFile(f, p)
						case err == nil && d.Type() == fs.ModeSymlink:
							err = readLink(f, p)
						}
						return err
					})
				}
				if err == nil {
					require.Greater(t, n, 3)
					return
				}
				require.ErrorIs(t, err, errBroken)
				require.NotErrorIs(t, err, layer.ErrCorrupt)
				require.NotErrorIs(t, err, fs.ErrNotExist)
			}
		})
	}
}

// TestSealedDescriptor: a group whose inode table is nowhere costs its inodes,
// each of which is told, and none of another group.
func TestSealedDescriptor(t *testing.T) {
	const name = "ext4-meta-bg-64bit"
	p := admit(t, name)
	victim := p.inode("spread-70/file").Number
	group := (victim - 1) / p.f.geo.inodesPerGroup
	require.Positive(t, group) // the root is elsewhere
	for _, c := range []struct {
		what   string
		change func(desc []byte)
	}{
		{"outside", put32(0x8, outside)},
		{"far outside", put32(0x28, 1)},
		{"on the superblock", put32(0x8, 1)},
		{"over the end", put32(0x8, uint32(p.f.geo.blocks-1))},
	} {
		t.Run(c.what, func(t *testing.T) {
			p := admit(t, name)
			c.change(p.descriptor(group))
			p.sealDescriptor(group)
			f, err := p.reopen()
			require.NoError(t, err)
			r := &recorder{TB: t}
			got, want := testimg.Describe(r, f), testimg.Manifest(t, "ext/"+name+".manifest.jsonl.gz")
			lost := 0
			for path, file := range want {
				if (uint32(file.Inode)-1)/f.geo.inodesPerGroup != group {
					continue
				}
				err := lstat(f, path)
				require.ErrorIs(t, err, layer.ErrCorrupt, path)
				require.ErrorContains(t, err, fmt.Sprintf("descriptor of group %d: inode table at block", group))
				forget(want, path)
				lost++
			}
			require.Positive(t, lost)
			require.LessOrEqual(t, len(r.failures), lost)
			require.NotEmpty(t, r.failures)
			testimg.Compare(t, got, want)
			require.Empty(t, f.Warnings())
		})
	}
}

// TestDamagedPart: damage below the root of a map costs the part of the file
// that is found through it, and no other.
func TestDamagedPart(t *testing.T) {
	for _, c := range []struct {
		what  string
		image string
		path  string
		hurt  func(p *patient, i *Inode)
		text  string
		bad   int // pieces of the file that cannot be read, at least
	}{
		{"extent leaf", "ext4-extent-depth", "deep", func(p *patient, i *Inode) {
			inNode(4, func(n extentNode, _ uint64) {
				clear(p.block(n.leaf(1))[:2])
				p.sealExtentNode(i, n.leaf(1))
			})(p, i)
		}, "extent node: magic", 30},
		{"extent index", "ext4-extent-depth", "deep", inNode(4, asNode(put32(2*extentEntrySize+4, outside))), "extent node at block 2147483632", 30},
		{"data outside", "ext4-block-map", "every-level", inInode(asInode(put32(blockAt, outside))), "blocks 2147483632", 1},
		{"indirect block", "ext4-block-map", "every-level", inInode(asInode(put32(blockAt+4*12, outside))), "indirect block 2147483632", 2},
		{"pointer in the indirect block", "ext4-block-map", "every-level", inPointers(0, 5), "blocks 2147483632", 1},
		{"pointer in the double indirect block", "ext4-block-map", "every-level", inPointers(1, 255), "indirect block 2147483632", 1},
		{"pointer in the triple indirect block", "ext4-block-map", "every-level", inPointers(2, 0), "indirect block 2147483632", 2},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			p := admit(t, c.image)
			i := p.inode(c.path)
			c.hurt(p, i)
			f, err := p.reopen()
			require.NoError(t, err)
			opened, err := f.Open(c.path)
			require.NoError(t, err)
			file := opened.(layer.File)
			whole, err := p.f.Open(c.path)
			require.NoError(t, err)
			bad, good := 0, 0
			for e, err := range whole.(layer.File).Extents() {
				require.NoError(t, err)
				want, got := make([]byte, e.Length), make([]byte, e.Length)
				_, err = whole.(layer.File).ReadAt(want, e.Offset)
				require.NoError(t, err)
				if _, err = file.ReadAt(got, e.Offset); err != nil {
					require.ErrorIs(t, err, layer.ErrCorrupt)
					require.ErrorContains(t, err, inodeName(i.Number))
					require.ErrorContains(t, err, c.text)
					bad++
					continue
				}
				require.True(t, bytes.Equal(want, got), "at %d", e.Offset)
				good++
			}
			require.GreaterOrEqual(t, bad, c.bad)
			require.GreaterOrEqual(t, good, 5)
			var told error
			for _, err := range file.Extents() {
				told = err
			}
			require.ErrorIs(t, told, layer.ErrCorrupt)
			requireRest(t, f, c.image, c.path, itself)
		})
	}
}

// inPointers breaks a pointer in the first block of pointers of the map, of
// blocks (0) or of such blocks.
func inPointers(level, index int) func(*patient, *Inode) {
	return func(p *patient, i *Inode) {
		block := p.block(uint64(le.Uint32(i.block[4*(directPointers+level):])))
		require.NotZero(p.t, le.Uint32(block[4*index:]))
		le.PutUint32(block[4*index:], outside)
	}
}

// A sealedJournal is the journal of an image that is to be damaged.
type sealedJournal struct {
	*patient
	inode *Inode
	log   *journalLog
}

func admitJournal(t *testing.T, name string) *sealedJournal {
	p := admit(t, name, WithoutReplay())
	inode, err := p.f.inode(p.f.super.sJournalInum())
	require.NoError(t, err)
	log, err := p.f.openJournal(nil)
	require.NoError(t, err)
	return &sealedJournal{p, inode, log}
}

// at returns the bytes of a block of the log in the image.
func (j *sealedJournal) at(n uint32) journalBlock {
	return journalBlock(j.patient.block(j.blockOf(j.inode, int64(n))))
}

func (j *sealedJournal) sealSuper() {
	s := (*journalSuperblock)(j.at(0)[:1024])
	be.PutUint32(s[0xFC:], s.checksum())
}

// first returns the first block of a type in the log.
func (j *sealedJournal) first(blockType uint32) journalBlock {
	for n := j.log.start; n < j.log.last; n++ {
		if b := j.at(n); b.hMagic() == jbd2Magic && b.hBlockType() == blockType && !before(b.hSequence(), j.log.sequence) {
			return b
		}
	}
	j.t.Fatalf("no block of type %d in the log", blockType)
	return nil
}

// sealTail is for descriptor and revoke blocks.
func (j *sealedJournal) sealTail(b journalBlock) {
	clear(b[len(b)-jbd2TailSize:])
	be.PutUint32(b[len(b)-jbd2TailSize:], crc32c(j.log.seed, b))
}

// TestSealedJournal: a journal that makes no sense is an error that names it,
// and what lies on the disk can be read without it.
func TestSealedJournal(t *testing.T) {
	super := func(at int, value uint32) func(*sealedJournal) {
		return func(j *sealedJournal) {
			be.PutUint32(j.at(0)[at:], value)
			j.sealSuper()
		}
	}
	inFirst := func(blockType uint32, at int, value uint32) func(*sealedJournal) {
		return func(j *sealedJournal) {
			b := j.first(blockType)
			be.PutUint32(b[at:], value)
			j.sealTail(b)
		}
	}
	for _, c := range []struct {
		what string
		hurt func(*sealedJournal)
		kind error
		text string
	}{
		{"block size", super(0xC, 2048), layer.ErrCorrupt, "journal: superblock: blocks of 2048 bytes"},
		{"length", super(0x10, 1<<20), layer.ErrCorrupt, "journal: superblock: 1048576 blocks in a file"},
		{"first block", super(0x14, 1<<20), layer.ErrCorrupt, "journal: superblock: log from 1048576"},
		{"start before the first block", super(0x14, 1000), layer.ErrCorrupt, "journal: superblock: log from 1000"},
		{"start behind the end", super(0x1C, 1<<20), layer.ErrCorrupt, "starting at 1048576"},
		{"feature", super(0x28, jbd2IncompatCsumV3|1<<9), layer.ErrUnsupported, "journal: feature incompat_9"},
		{"block of the file system", inFirst(jbd2DescriptorBlock, jbd2HeaderSize, 0xFFFFFF), layer.ErrCorrupt, "writes block 16777215 of"},
		{"upper half of a block", inFirst(jbd2DescriptorBlock, jbd2HeaderSize+8, 1), layer.ErrCorrupt, "writes block 42949"},
		{"revoke block longer than a block", inFirst(jbd2RevokeBlock, jbd2HeaderSize, 5000), layer.ErrCorrupt, "a revoke block longer than a block"},
		{"revoke block shorter than its header", inFirst(jbd2RevokeBlock, jbd2HeaderSize, 3), layer.ErrCorrupt, "a revoke block longer than a block"},
		{"inode", func(j *sealedJournal) { inInode(asInode(put16(blockAt, 0)))(j.patient, j.inode) }, layer.ErrCorrupt, "inode 8: extent node: magic"},
		{"deleted inode", func(j *sealedJournal) { inInode(asInode(put16(0x1A, 0)))(j.patient, j.inode) }, layer.ErrCorrupt, "inode 8: a deleted inode"},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			j := admitJournal(t, "dirty-ext4-wrap")
			c.hurt(j)
			_, err := j.reopen()
			require.ErrorIs(t, err, c.kind)
			require.ErrorContains(t, err, c.text)
			require.NotContains(t, err.Error(), "checksum")
			f, err := j.reopen(WithoutReplay())
			require.NoError(t, err)
			list, err := f.ReadDir(".")
			require.NoError(t, err)
			require.NotEmpty(t, list)
		})
	}
}

// TestSealedLogEnds: a block of the log that is none of its kinds ends it, and
// what was committed before is there.
func TestSealedLogEnds(t *testing.T) {
	j := admitJournal(t, "dirty-ext4-default")
	whole, err := open(t, "dirty-ext4-default")
	require.NoError(t, err)
	commits := 0
	for n := j.log.start; n < j.log.last; n++ {
		b := j.at(n)
		if b.hMagic() == jbd2Magic && b.hBlockType() == jbd2CommitBlock && !before(b.hSequence(), j.log.sequence) {
			if commits++; commits == 3 {
				be.PutUint32(b[4:], 9)
				break
			}
		}
	}
	f, err := j.reopen()
	require.NoError(t, err)
	require.Equal(t, 2, f.Journal().Transactions)
	require.Greater(t, whole.Journal().Transactions, 2)
	require.NotEmpty(t, testimg.Describe(t, f))
}

// TestDamagedRevoke: a revoke block whose checksum fails ends the log before
// its transaction, and says so.
func TestDamagedRevoke(t *testing.T) {
	j := admitJournal(t, "dirty-ext4-wrap")
	b := j.first(jbd2RevokeBlock)
	sequence := b.hSequence()
	b[jbd2HeaderSize+5] ^= 1
	f, err := j.reopen()
	require.NoError(t, err)
	require.ErrorIs(t, f.Journal().Err, layer.ErrCorrupt)
	require.ErrorContains(t, f.Journal().Err, fmt.Sprintf("transaction %d", sequence))
	require.Equal(t, sequence, f.Journal().Next)
	require.Contains(t, f.Warnings(), f.Journal().Err)
}

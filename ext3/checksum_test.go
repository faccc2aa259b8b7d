package ext3

import (
	"bytes"
	"io/fs"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
)

// TestChecksums changes a byte that nothing but the checksum covers, in each
// structure that has one: a warning that names it, and an error with Strict.
func TestChecksums(t *testing.T) {
	for _, c := range []struct {
		what  string
		image string
		path  string
		place func(t *testing.T, f *FS, i *Inode) int64
		op    func(f *FS, path string) error
		text  string
	}{
		{"superblock", "ext4-1k", "", func(*testing.T, *FS, *Inode) int64 { return superblockOffset + 0x88 }, nil, "superblock"},
		{"descriptor", "ext4-1k", ".", func(_ *testing.T, f *FS, _ *Inode) int64 { return f.offset(f.descriptorBlock(0)) + 0x0C }, readDir, "descriptor of group 0"},
		{"inode", "ext4-1k", "", inodePlace(0x10), lstat, "inode "},
		{"inode, upper half", "ext4-1k", "", inodePlace(0x90), lstat, "inode "},
		{"extents", "ext4-extents", "500-extents", extentNodePlace, readFile, "extent node"},
		{"attributes", "ext4-xattrs-4k", "in-block", func(_ *testing.T, f *FS, i *Inode) int64 { return f.offset(i.xattrAt) + 0x0C }, xattrs, "attributes"},
		{"attribute's value", "ext4-ea-inode", "xattr-10000", valuePlace, xattrs, "attribute value in inode"},
		{"directory leaf", "ext4-1k", ".", func(t *testing.T, f *FS, i *Inode) int64 { return f.offset(firstBlock(t, i)) + 0x07 }, readDir, "block of directory"},
		{"directory index", "ext4-default", indexed, func(t *testing.T, f *FS, i *Inode) int64 { return f.offset(firstBlock(t, i)) + dxRootAt + 12 }, readDir, "block of directory"},
	} {
		t.Run(c.what, func(t *testing.T) {
			image := testimg.Load(t, "ext/"+c.image+".img.gz")
			f, err := Open(bytes.NewReader(image), int64(len(image)), Strict())
			require.NoError(t, err)
			path := c.path
			switch path {
			case "":
				path = firstFile(t, f)
			case indexed:
				path = indexedDir(t, f)
			}
			info, err := f.Lstat(path)
			require.NoError(t, err)
			image[c.place(t, f, info.Sys().(*Inode))] ^= 0x01

			f, err = Open(bytes.NewReader(image), int64(len(image)))
			require.NoError(t, err)
			if c.op != nil {
				require.NoError(t, c.op(f, path))
				require.NoError(t, c.op(f, path)) // told once
			}
			require.Len(t, f.Warnings(), 1)
			require.ErrorIs(t, f.Warnings()[0], layer.ErrCorrupt)
			require.ErrorContains(t, f.Warnings()[0], c.text)

			f, err = Open(bytes.NewReader(image), int64(len(image)), Strict())
			if err == nil && c.op != nil {
				err = c.op(f, path)
			}
			require.ErrorIs(t, err, layer.ErrCorrupt)
			require.ErrorContains(t, err, c.text)
		})
	}
}

// valuePlace returns where the value of an attribute begins that has an inode
// of its own.
func valuePlace(t *testing.T, f *FS, i *Inode) int64 {
	for _, entries := range []iter.Seq2[xattrEntry, error]{i.blockXattrs(), i.bodyXattrs()} {
		for e, err := range entries {
			require.NoError(t, err)
			if e.inum != 0 {
				value, err := f.inode(e.inum)
				require.NoError(t, err)
				return f.offset(firstBlock(t, value))
			}
		}
	}
	require.Fail(t, "no such attribute")
	return 0
}

// A value that Lustre made belongs to one file, and has no checksum.
func TestLustreValue(t *testing.T) {
	p := admit(t, "ext4-ea-inode")
	owner := p.inode("xattr-10000")
	p.image[valuePlace(t, p.f, owner)] ^= 0x01
	f, err := p.reopen()
	require.NoError(t, err)
	require.ErrorContains(t, xattrs(f, "xattr-10000"), "attribute value in inode")
	for _, entries := range []iter.Seq2[xattrEntry, error]{owner.blockXattrs(), owner.bodyXattrs()} {
		for e := range entries {
			if e.inum != 0 {
				raw := p.raw(e.inum)
				le.PutUint32(raw[0x10:], owner.Number)
				le.PutUint32(raw[0x64:], owner.Generation)
				p.sealInode(e.inum)
			}
		}
	}
	f, err = p.reopen()
	require.NoError(t, err)
	require.NoError(t, xattrs(f, "xattr-10000"))
}

// indexed stands for a directory with an index, whichever has one.
const indexed = "indexed"

func inodePlace(at int64) func(*testing.T, *FS, *Inode) int64 {
	return func(t *testing.T, f *FS, i *Inode) int64 {
		_, inodeAt, err := f.rawInode(i.Number)
		require.NoError(t, err)
		return inodeAt + at
	}
}

func extentNodePlace(_ *testing.T, f *FS, i *Inode) int64 {
	return f.offset(extentNode(i.block[:]).leaf(0)) + 8 // eh_generation, which nobody reads
}

func firstBlock(t *testing.T, i *Inode) uint64 {
	run, err := i.mapper().Map(0)
	require.NoError(t, err)
	return uint64(run.Physical / i.fsys.geo.blockSize)
}

func indexedDir(t *testing.T, f *FS) string {
	found := ""
	require.NoError(t, fs.WalkDir(f, ".", func(p string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		if info, err := d.Info(); err == nil && info.Sys().(*Inode).Flags&flagHashIndex != 0 {
			found = p
			return fs.SkipAll
		}
		return nil
	}))
	require.NotEmpty(t, found)
	return found
}

// TestManyMismatches: the warnings are bounded.
func TestManyMismatches(t *testing.T) {
	f := new(FS)
	for off := range int64(1000) {
		require.NoError(t, f.mismatch(func() string { return "block" }, off, 1, 2))
	}
	require.Len(t, f.Warnings(), maxChecksumWarnings+1)
}

// TestCRC16 compares with the check value of CRC-16/MODBUS.
func TestCRC16(t *testing.T) {
	require.EqualValues(t, 0x4B37, crc16(^uint16(0), []byte("123456789")))
}

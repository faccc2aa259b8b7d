package ext3

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

// TestSuperblockErrors breaks one field of a superblock at a time.
func TestSuperblockErrors(t *testing.T) {
	for _, c := range []struct {
		what  string
		at    int
		value uint32
		width int
		kind  error
		text  string
	}{
		{"magic", 0x38, 0, 2, layer.ErrFormat, "magic"},
		{"block size", 0x18, 7, 4, layer.ErrCorrupt, "block size"},
		{"blocks", 0x04, 0, 4, layer.ErrCorrupt, "0 blocks"},
		{"inode size too large", 0x58, 2048, 2, layer.ErrCorrupt, "inode size"},
		{"inode size odd", 0x58, 130, 2, layer.ErrCorrupt, "inode size"},
		{"first data block", 0x14, 1 << 30, 4, layer.ErrCorrupt, "first data block"},
		{"blocks per group", 0x20, 0, 4, layer.ErrCorrupt, "no blocks"},
		{"inodes per group", 0x28, 0, 4, layer.ErrCorrupt, "inodes in a group"},
		{"inodes", 0x00, 3, 4, layer.ErrCorrupt, "are not 3 inodes"},
		{"descriptor size", 0xFE, 40, 2, layer.ErrCorrupt, "group descriptor size"},
		{"unknown feature", 0x60, 1 << 30, 4, layer.ErrUnsupported, "incompat_30"},
		{"known feature", 0x60, 1, 4, layer.ErrUnsupported, "compression"},
		{"journal device", 0x60, 8, 4, layer.ErrUnsupported, "external journal"},
	} {
		t.Run(c.what, func(t *testing.T) {
			image := testimg.Load(t, "ext/ext2-1k.img.gz")
			s := image[superblockOffset:]
			if c.what == "descriptor size" {
				s[0x60] |= incompat64Bit
			}
			if c.width == 2 {
				le.PutUint16(s[c.at:], uint16(c.value))
			} else {
				le.PutUint32(s[c.at:], c.value)
			}
			_, err := Open(bytes.NewReader(image), int64(len(image)))
			require.ErrorIs(t, err, c.kind)
			require.ErrorContains(t, err, c.text)
		})
	}
}

// TestBackup: a file system whose superblock is overwritten is read through
// its copy, and says so; its journal is replayed all the same.
func TestBackup(t *testing.T) {
	if testing.Short() {
		t.Skip("reads nearly all images: long, and nothing in it is concurrent")
	}
	backups := 0
	for _, name := range names(t) {
		if _, no := refused[name]; no || isDamaged(name) || withoutManifest[name] || name == "dirty-ext3-external-journal" {
			continue
		}
		image := testimg.Load(t, "ext/"+name+".img.gz")
		clear(image[superblockOffset : superblockOffset+1024])
		f, err := Open(bytes.NewReader(image), int64(len(image)))
		if errors.Is(err, layer.ErrFormat) {
			continue // one group only
		}
		require.NoError(t, err, name)
		require.True(t, f.Info().Backup)
		require.Equal(t, strings.HasPrefix(name, "dirty-"), f.Journal().Replayed && f.Journal().Blocks > 0, name)
		testimg.Compare(t, testimg.Describe(t, f), testimg.Manifest(t, "ext/"+name+".manifest.jsonl.gz"))
		require.NotEmpty(t, f.Warnings())
		backups++
	}
	require.NotZero(t, backups)
}

// TestNotExt: sources that are too short, or hold nothing.
func TestNotExt(t *testing.T) {
	for _, size := range []int{0, 100, 1500, 1 << 16} {
		_, err := Open(bytes.NewReader(make([]byte, size)), int64(size))
		require.ErrorIs(t, err, layer.ErrFormat)
	}
}

// A patched image: what is broken, how, and the path that must show it.
type patched struct {
	what  string
	image string
	path  string
	patch func(t *testing.T, f *FS, image []byte, inodeAt int64)
	op    func(f *FS, path string) error
	kind  error
	text  string
}

func readFile(f *FS, path string) error { _, err := f.ReadFile(path); return err }
func readDir(f *FS, path string) error  { _, err := f.ReadDir(path); return err }
func lstat(f *FS, path string) error    { _, err := f.Lstat(path); return err }
func readLink(f *FS, path string) error { _, err := f.ReadLink(path); return err }
func xattrs(f *FS, path string) error {
	info, err := f.Lstat(path)
	if err != nil {
		return err
	}
	_, err = info.Sys().(*Inode).Xattrs()
	return err
}

// set returns a patch of the inode.
func set(at int, value uint32) func(*testing.T, *FS, []byte, int64) {
	return func(_ *testing.T, _ *FS, image []byte, inodeAt int64) { le.PutUint32(image[inodeAt+int64(at):], value) }
}

// inBlock returns a patch of the first block of the inode's content.
func inBlock(at int, value uint32) func(*testing.T, *FS, []byte, int64) {
	return func(t *testing.T, f *FS, image []byte, inodeAt int64) {
		block := int64(le.Uint32(image[inodeAt+0x28:]))
		le.PutUint32(image[block*f.geo.blockSize+int64(at):], value)
	}
}

// inAttributes returns a patch of the inode's block of attributes.
func inAttributes(at int, value uint32) func(*testing.T, *FS, []byte, int64) {
	return func(t *testing.T, f *FS, image []byte, inodeAt int64) {
		block := int64(le.Uint32(image[inodeAt+0x68:]))
		require.NotZero(t, block)
		le.PutUint32(image[block*f.geo.blockSize+int64(at):], value)
	}
}

const (
	sizeAt  = 0x4
	blockAt = 0x28
	extAt   = blockAt + extentEntrySize // first entry of an extent root
)

// TestDamage breaks one structure at a time: the error names it, and the rest
// of the file system stays readable.
func TestDamage(t *testing.T) {
	const huge = 0x7FFFFFF0
	for _, c := range []patched{
		{"direct block outside", "ext2-holes", "every-level", set(blockAt+4*0, huge), readFirst, layer.ErrCorrupt, "blocks 2147483632"},
		{"indirect block outside", "ext2-holes", "every-level", set(blockAt+4*12, huge), readSome, layer.ErrCorrupt, "indirect block"},
		{"block map too short", "ext2-holes", "every-level", set(0x6C, 0x100), readEnd, layer.ErrCorrupt, "more than a block map holds"},
		{"deleted inode", "ext2-1k", "", set(0x18, 0), lstat, layer.ErrCorrupt, "deleted inode"},
		{"no type", "ext2-1k", "", set(0x0, 0), lstat, layer.ErrCorrupt, "of no type"},
		{"negative size", "ext2-1k", "", set(0x6C, 0x80000000), lstat, layer.ErrCorrupt, "size "},
		{"extra size", "ext3-xattrs-1k", "in-inode", set(0x80, 200), lstat, layer.ErrCorrupt, "extra bytes"},
		{"encrypted", "ext2-1k", "", set(0x20, flagEncrypt), readFile, layer.ErrUnsupported, "encrypted"},
		{"encrypted link", "ext3-links-1k", "symlink-200", set(0x20, flagEncrypt), readLink, layer.ErrUnsupported, "encrypted"},
		{"directory size", "ext3-dirs", "linear", set(sizeAt, 1000), readDir, layer.ErrCorrupt, "1000 bytes long"},
		{"directory too large", "ext3-dirs", "linear", set(sizeAt, 0x40000000), readDir, layer.ErrCorrupt, "bytes long"},
		{"directory hole", "ext3-dirs", "linear", set(blockAt, 0), readDir, layer.ErrCorrupt, "a hole"},
		{"entry length", "ext3-dirs", "linear", inBlock(4, 0x02010003), readDir, layer.ErrCorrupt, "3 bytes long"},
		{"entry name length", "ext3-dirs", "linear", inBlock(4, 0x02FF000C), readDir, layer.ErrCorrupt, "a name of 255 bytes"},
		{"attribute magic", "ext2-xattrs-128", "in-block", inAttributes(0, 0), xattrs, layer.ErrCorrupt, "magic"},
		{"attribute block", "ext2-xattrs-128", "in-block", set(0x68, huge), xattrs, layer.ErrCorrupt, "block 2147483632"},
		{"attribute value", "ext2-xattrs-128", "in-block", inAttributes(xattrBlockHeader+8, huge), xattrs, layer.ErrCorrupt, "is outside"},
		{"attribute name", "ext2-xattrs-128", "in-block", fillAttributes, xattrs, layer.ErrCorrupt, "over the end"},
		{"attribute inode", "ext2-xattrs-128", "in-block", inAttributes(xattrBlockHeader+4, 12), xattrs, layer.ErrCorrupt, "not one for values"},
		{"extent magic", "ext4-extents", "500-extents", set(blockAt, 0), readFile, layer.ErrCorrupt, "magic"},
		{"extent entries", "ext4-extents", "500-extents", set(blockAt, 99<<16|extentMagic), readFile, layer.ErrCorrupt, "99 of"},
		{"extent depth", "ext4-extents", "500-extents", set(blockAt+4, 6<<16|4), readFile, layer.ErrCorrupt, "depth"},
		{"extent child depth", "ext4-extents", "500-extents", set(blockAt+4, 1<<16|4), readFile, layer.ErrCorrupt, "its parent wants 0"},
		{"extent child outside", "ext4-extents", "500-extents", set(extAt+4, huge), readFile, layer.ErrCorrupt, "extent node at block"},
		{"slow link to a hole", "ext3-links-1k", "symlink-200", set(blockAt, 0), readLink, layer.ErrCorrupt, "empty target"},
		{"long link", "ext3-links-1k", "symlink-200", set(sizeAt, 1<<20), readLink, layer.ErrCorrupt, "a link of"},
	} {
		t.Run(c.what, func(t *testing.T) {
			image := testimg.Load(t, "ext/"+c.image+".img.gz")
			f, err := Open(bytes.NewReader(image), int64(len(image)))
			require.NoError(t, err)
			path := c.path
			if path == "" {
				path = firstFile(t, f)
			}
			info, err := f.Lstat(path)
			require.NoError(t, err)
			_, at, err := f.rawInode(info.Sys().(*Inode).Number)
			require.NoError(t, err)
			c.patch(t, f, image, at)
			f, err = Open(bytes.NewReader(image), int64(len(image)))
			require.NoError(t, err)
			err = c.op(f, path)
			require.ErrorIs(t, err, c.kind)
			require.ErrorContains(t, err, c.text)
			var pe *fs.PathError
			if c.what[0] != 'a' {
				require.ErrorAs(t, err, &pe)
			}
			testimg.Exercise(t, f)
		})
	}
}

// fillAttributes makes the last entry of the block reach over its end.
func fillAttributes(t *testing.T, f *FS, image []byte, inodeAt int64) {
	block := int64(le.Uint32(image[inodeAt+0x68:])) * f.geo.blockSize
	for at := block + xattrBlockHeader; at < block+f.geo.blockSize; at++ {
		image[at] = 1
	}
	for at := block + xattrBlockHeader; at < block+f.geo.blockSize; at += 20 {
		clear(image[at+2 : at+12]) // no value
	}
}

// firstFile returns the path of some regular file with content.
func firstFile(t *testing.T, f *FS) string {
	found := ""
	require.NoError(t, fs.WalkDir(f, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() && info.Size() > 0 {
			found = p
			return fs.SkipAll
		}
		return nil
	}))
	require.NotEmpty(t, found)
	return found
}

func readAt(f *FS, path string, off int64) error {
	file, err := f.Open(path)
	if err != nil {
		return err
	}
	if off < 0 {
		off += file.(layer.File).Size()
	}
	_, err = file.(io.ReaderAt).ReadAt(make([]byte, 1), off)
	return err
}

func readFirst(f *FS, path string) error { return readAt(f, path, 0) }
func readSome(f *FS, path string) error  { return readAt(f, path, directPointers*f.geo.blockSize) }
func readEnd(f *FS, path string) error   { return readAt(f, path, -1) }

// TestDamagedDirectory: one bad block costs the names in it, and a name that
// is not found may be there.
func TestDamagedDirectory(t *testing.T) {
	image := testimg.Load(t, "ext/ext3-dirs.img.gz")
	f, err := Open(bytes.NewReader(image), int64(len(image)))
	require.NoError(t, err)
	whole, err := f.ReadDir("two-levels")
	require.NoError(t, err)
	info, err := f.Stat("two-levels")
	require.NoError(t, err)
	last := info.Size()/f.geo.blockSize - 1
	run, err := info.Sys().(*Inode).mapper().Map(last * f.geo.blockSize)
	require.NoError(t, err)
	le.PutUint16(image[run.Physical+(last*f.geo.blockSize-run.Offset)+4:], 1)

	f, err = Open(bytes.NewReader(image), int64(len(image)))
	require.NoError(t, err)
	left, err := f.ReadDir("two-levels")
	require.ErrorIs(t, err, layer.ErrCorrupt)
	require.Less(t, len(left), len(whole))
	require.Greater(t, len(left), len(whole)-100)
	_, err = f.Stat("two-levels/not-there")
	require.ErrorIs(t, err, layer.ErrCorrupt)
	_, err = f.Stat("two-levels/" + left[0].Name())
	require.NoError(t, err)
}

// TestBadNames: entries that are no path elements never reach a caller, but in
// an encrypted directory, where any byte may be in a name.
func TestBadNames(t *testing.T) {
	dir := &Inode{fsys: &FS{geo: geometry{firstInode: 11, inodes: 100}, super: new(superblock)}}
	for _, name := range []string{"a/b", "a\x00b", "/", ""} {
		require.ErrorIs(t, dir.checkEntry(rawDirent{name: []byte(name), number: 12}), layer.ErrCorrupt)
	}
	for _, number := range []uint32{1, 8, 101} {
		require.ErrorIs(t, dir.checkEntry(rawDirent{name: []byte("x"), number: number}), layer.ErrCorrupt)
	}
	dir.Flags = flagEncrypt
	raw := []byte("a/b\x00\xff\\x2f")
	require.NoError(t, dir.checkEntry(rawDirent{name: raw, number: 12}))
	name := dir.shownName(raw)
	require.Equal(t, `a\x2fb\x00\xff\x5cx2f`, name)
	require.Equal(t, raw, vnode.Unescape(name))
	require.True(t, fs.ValidPath(name))
}

var errBroken = errors.New("the source is broken")

// A breaking source fails at its n-th read.
type breaking struct {
	*bytes.Reader
	left int
}

func (b *breaking) ReadAt(p []byte, off int64) (int, error) {
	if b.left--; b.left < 0 {
		return 0, errBroken
	}
	return b.Reader.ReadAt(p, off)
}

// TestSourceErrors: an error of the source is told as it is, wherever it
// happens, and never as corruption.
func TestSourceErrors(t *testing.T) {
	image := testimg.Load(t, "ext/dirty-ext4-v1.img.gz")
	for n := 0; ; n++ {
		f, err := Open(&breaking{bytes.NewReader(image), n}, int64(len(image)))
		if err == nil {
			err = fs.WalkDir(f, ".", func(p string, d fs.DirEntry, err error) error {
				if err == nil && d.Type().IsRegular() {
					_, err = f.ReadFile(p)
				}
				return err
			})
		}
		if err == nil {
			require.Greater(t, n, 20)
			return
		}
		require.ErrorIs(t, err, errBroken)
		require.NotErrorIs(t, err, layer.ErrCorrupt)
	}
}

// TestShortSource: what lies beyond the end of an image that was copied short
// is missing, and the rest is there.
func TestShortSource(t *testing.T) {
	image := testimg.Load(t, "ext/ext4-default.img.gz")
	f, err := Open(bytes.NewReader(image[:4<<20]), 4<<20)
	require.NoError(t, err)
	require.Len(t, f.Warnings(), 1)
	_, err = f.device.ReadAt(make([]byte, 8), 4<<20)
	require.ErrorIs(t, err, layer.ErrIncomplete)
	// The size may be a lie of the caller, too.
	f, err = Open(bytes.NewReader(image[:4<<20]), int64(len(image)))
	require.NoError(t, err)
	_, err = f.device.ReadAt(make([]byte, 8), 4<<20)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

// A badSpot is a source of which one block cannot be read.
type badSpot struct {
	*bytes.Reader
	at, size int64
}

func (b *badSpot) ReadAt(p []byte, off int64) (int, error) {
	if off < b.at+b.size && off+int64(len(p)) > b.at {
		return 0, errBroken
	}
	return b.Reader.ReadAt(p, off)
}

// TestBadSpot: metadata is read in large pieces, and a block that cannot be
// read costs what lies in it and nothing else.
func TestBadSpot(t *testing.T) {
	image := testimg.Load(t, "ext/ext3-dirs.img.gz")
	want := testimg.Manifest(t, "ext/ext3-dirs.manifest.jsonl.gz")
	f, err := Open(bytes.NewReader(image), int64(len(image)))
	require.NoError(t, err)
	info, err := f.Stat("one-level")
	require.NoError(t, err)
	run, err := info.Sys().(*Inode).mapper().Map(5 * f.geo.blockSize)
	require.NoError(t, err)
	at := run.Physical + 5*f.geo.blockSize - run.Offset

	f, err = Open(&badSpot{bytes.NewReader(image), at, f.geo.blockSize}, int64(len(image)))
	require.NoError(t, err)
	seen := 0
	require.NoError(t, fs.WalkDir(f, ".", func(p string, d fs.DirEntry, err error) error {
		if p == "one-level" && err != nil {
			require.ErrorIs(t, err, errBroken)
			return nil
		}
		require.NoError(t, err)
		_, err = d.Info()
		require.NoError(t, err)
		seen++
		return nil
	}))
	require.Less(t, seen, len(want))
	require.Greater(t, seen, len(want)-60) // the names of one block
}

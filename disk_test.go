package vmdkfs

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/ext3"
	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
)

const web01 = "web01/web01.vmdk"

// openWeb01 opens the sample VM.
func openWeb01(t *testing.T, opts ...Option) *Disk {
	t.Helper()
	return opened(t)(OpenFile(testimg.Path(t, web01), opts...))
}

// opened returns the disk that Open returned, to be closed with the test.
func opened(t *testing.T) func(*Disk, error) *Disk {
	return func(d *Disk, err error) *Disk {
		t.Helper()
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, d.Close()) })
		return d
	}
}

// list returns the names in a directory, those of directories with a slash.
func list(t *testing.T, fsys fs.ReadDirFS, name string) string {
	t.Helper()
	entries, err := fsys.ReadDir(name)
	require.NoError(t, err)
	var names []string
	for _, e := range entries {
		n := e.Name()
		if e.IsDir() {
			n += "/"
		}
		names = append(names, n)
	}
	return strings.Join(names, " ")
}

// mbr returns a disk with the given volumes as its primary partitions.
func mbr(volumes ...[]byte) []byte {
	disk := make([]byte, 1<<20)
	disk[510], disk[511] = 0x55, 0xaa
	for i, v := range volumes {
		entry := disk[446+16*i:]
		entry[4] = 0x83
		binary.LittleEndian.PutUint32(entry[8:], uint32(len(disk)/512))
		binary.LittleEndian.PutUint32(entry[12:], uint32((len(v)+511)/512))
		disk = append(disk, v...)
		disk = append(disk, make([]byte, -len(v)&511)...)
	}
	return disk
}

// signature returns a volume that begins like one of another kind.
func signature(off int, magic string) []byte {
	v := make([]byte, 80<<10)
	copy(v[off:], magic)
	return v
}

func TestWeb01(t *testing.T) {
	d := openWeb01(t)
	require.Equal(t, "p1/ p2 vg_root/", list(t, d, "."))
	require.Equal(t, "home/ root/", list(t, d, "vg_root"))
	for volume, manifest := range map[string]string{"p1": "boot", "vg_root/root": "root", "vg_root/home": "home"} {
		t.Run(volume, func(t *testing.T) {
			sub, err := d.Sub(volume)
			require.NoError(t, err)
			testimg.Compare(t, testimg.Describe(t, sub), testimg.Manifest(t, "web01/"+manifest+".manifest.jsonl.gz"))
		})
	}
	data, err := d.ReadFile("vg_root/root/etc/hostname")
	require.NoError(t, err)
	require.Equal(t, "web01\n", string(data))
	require.Empty(t, d.Warnings())
}

// TestFS reads files a byte at a time, so that the disk has to be small.
func TestTreeIsAnFS(t *testing.T) {
	disk := mbr(testimg.Load(t, "ext/ext3-times-128.img.gz"), make([]byte, 5000), signature(4086, "SWAPSPACE2"))
	files := fstest.MapFS{"a": {Data: disk}, "b": {Data: make([]byte, 512)}}
	require.NoError(t, fstest.TestFS(opened(t)(Open(files, "a")), "p1/lost+found", "p2", "p3"))
	require.NoError(t, fstest.TestFS(opened(t)(Open(files, "a", WithDisk(files, "b"))), "a/p1/lost+found", "a/p3", "b"))
	require.NoError(t, fstest.TestFS(opened(t)(Open(files, "b")), "disk"))
	sub, err := openWeb01(t).Sub("p1")
	require.NoError(t, err)
	require.NoError(t, fstest.TestFS(sub, "grub/grub.cfg"))
}

// TestLoneBackup: where the first sectors are gone the backup of a GPT counts,
// unless a file system has been made on the whole disk since.
func TestLoneBackup(t *testing.T) {
	gpt := testimg.Load(t, "partition/gpt.img.gz")
	want := list(t, opened(t)(Open(fstest.MapFS{"d": {Data: bytes.Clone(gpt)}}, "d")), ".")
	clear(gpt[:34*512])
	d := opened(t)(Open(fstest.MapFS{"d": {Data: gpt}}, "d"))
	require.Equal(t, want, list(t, d, "."))
	require.ErrorContains(t, d.Warnings()[0].Err, "the backup of the table is used")

	ext := testimg.Load(t, "ext/ext2-1k.img.gz")
	require.Len(t, ext, len(gpt))
	copy(ext[len(ext)-33*512:], gpt[len(gpt)-33*512:])
	d = opened(t)(Open(fstest.MapFS{"d": {Data: ext}}, "d"))
	require.Contains(t, list(t, d, "."), "lost+found")
	require.Empty(t, d.Warnings())
}

// Each of these is a set of disks, by file name, and what its volume tree is.
func TestTree(t *testing.T) {
	ext := func(name string) []byte { return testimg.Load(t, "ext/"+name+".img.gz") }
	pv := func(name string) []byte { return testimg.Load(t, "lvm/"+name+".img.gz") }
	tests := []struct {
		name  string
		disks map[string][]byte // a, b and so on are the further ones
		dirs  map[string]string
	}{
		{"file system on the disk", map[string][]byte{"disk.raw": ext("ext3-times-128")}, nil},
		{"nothing known", map[string][]byte{"disk.raw": make([]byte, 4096)}, map[string]string{".": "disk"}},
		{"one sector", map[string][]byte{"disk.raw": make([]byte, 512)}, map[string]string{".": "disk"}},
		{"other kinds", map[string][]byte{"disk.raw": mbr(signature(3, "EXFAT   "), signature(4086, "SWAPSPACE2"), make([]byte, 512), ext("ext2-1k"))},
			map[string]string{".": "p1 p2 p3 p4/"}},
		{"PV on the disk", map[string][]byte{"disk.raw": pv("linear.pv0")}, map[string]string{".": "linear/"}},
		{"PVs on three disks", map[string][]byte{"disk.raw": pv("striped.pv0"), "a.vmdk": pv("striped.pv1"), "b": pv("striped.pv2")},
			map[string]string{".": "a b disk.raw striped/"}},
		{"partitions on two disks", map[string][]byte{"disk.raw": mbr(ext("ext2-1k")), "a": mbr(make([]byte, 512), make([]byte, 512))},
			map[string]string{".": "a/ disk.raw/", "a": "p1 p2", "disk.raw": "p1/"}},
		{"disks of equal names", map[string][]byte{"disk.raw": ext("ext2-1k"), "a/disk.raw": make([]byte, 512), "b/disk.raw": make([]byte, 512)},
			map[string]string{".": "disk.raw/ disk.raw-2 disk.raw-3"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			files := make(fstest.MapFS)
			for name, data := range test.disks {
				files[name] = &fstest.MapFile{Data: data}
			}
			var opts []Option
			for _, name := range []string{"a", "a.vmdk", "a/disk.raw", "b", "b/disk.raw"} {
				if files[name] != nil {
					opts = append(opts, WithDisk(files, name))
				}
			}
			d := opened(t)(Open(files, "disk.raw", opts...))
			for dir, want := range test.dirs {
				if dir == "." && strings.Contains(want, "striped") || strings.Contains(want, "linear") {
					groups, err := d.Groups()
					require.NoError(t, err)
					require.NotEmpty(t, groups)
					for _, name := range []string{"striped", "linear"} {
						want = strings.Replace(want, name, groups[0].Dir, 1)
					}
					require.ElementsMatch(t, strings.Fields(want), strings.Fields(list(t, d, dir)))
					continue
				}
				require.Equal(t, want, list(t, d, dir))
			}
		})
	}
	t.Run("content of the file system on the disk", func(t *testing.T) {
		d := opened(t)(Open(fstest.MapFS{"d": {Data: ext("ext2-1k")}}, "d"))
		testimg.Compare(t, testimg.Describe(t, d), testimg.Manifest(t, "ext/ext2-1k.manifest.jsonl.gz"))
	})
}

// A disk and a volume group that want one name.
func TestGroupNameTaken(t *testing.T) {
	files := fstest.MapFS{"x": {Data: testimg.Load(t, "lvm/linear.pv0.img.gz")}}
	groups, err := opened(t)(Open(files, "x")).Groups()
	require.NoError(t, err)
	files = fstest.MapFS{groups[0].Name: files["x"], "other": {Data: make([]byte, 512)}}
	d := opened(t)(Open(files, groups[0].Name, WithDisk(files, "other")))
	renamed := groups[0].Name + "~" + groups[0].UUID[:8]
	require.ElementsMatch(t, []string{groups[0].Name, renamed + "/", "other"}, strings.Fields(list(t, d, ".")))
	volumes, err := d.Volumes()
	require.NoError(t, err)
	require.Equal(t, renamed, path.Dir(volumes[len(volumes)-1].Path))
}

// A file system that cannot be opened is a directory which says why, every
// time.
func TestUnreadableFileSystem(t *testing.T) {
	unknown := testimg.Load(t, "ext/ext2-1k.img.gz")
	unknown[1024+96+3] |= 0x80 // the highest bit of s_feature_incompat
	for _, image := range [][]byte{unknown, testimg.Load(t, "ext/dirty-ext3-external-journal.img.gz")} {
		for shape, disk := range map[string][]byte{"p1": mbr(image), ".": image} {
			d := opened(t)(Open(fstest.MapFS{"d": {Data: disk}}, "d"))
			volume, err := d.Volume(shape)
			require.NoError(t, err)
			_, want := volume.FS()
			require.Error(t, want)
			info, err := d.Stat(shape)
			require.NoError(t, err)
			require.True(t, info.IsDir())
			for range 2 {
				_, err = d.ReadDir(shape)
				require.ErrorIs(t, err, want)
				_, err = d.Open(path.Join(shape, "etc/hostname"))
				require.ErrorIs(t, err, want)
			}
		}
	}
}

func TestVolumes(t *testing.T) {
	d := openWeb01(t)
	volumes, err := d.Volumes()
	require.NoError(t, err)
	kinds := map[string]Kind{"": Partitioned, "p1": Ext, "p2": PV, "vg_root/home": Ext, "vg_root/root": Ext}
	for _, v := range volumes {
		kind, err := v.Kind()
		require.NoError(t, err)
		require.Equal(t, kinds[v.Path], kind, v.Path)
		delete(kinds, v.Path)
		same, err := d.Volume(v.Path)
		require.NoError(t, err)
		require.Same(t, v, same)
		f, err := v.Open()
		require.NoError(t, err)
		require.Equal(t, v.Size, f.Size())
		_, err = v.FS()
		switch kind {
		case Ext:
			require.NoError(t, err)
		default:
			require.ErrorIs(t, err, layer.ErrUnsupported)
		}
	}
	require.Empty(t, kinds)

	root, err := d.Volume("vg_root/root")
	require.NoError(t, err)
	require.Equal(t, "vg_root", root.Group.Name)
	require.Equal(t, "root", root.Logical.Name)
	fsys, err := root.FS()
	require.NoError(t, err)
	require.True(t, fsys.(*ext3.FS).Journal().Replayed)

	p2, err := d.Volume("p2")
	require.NoError(t, err)
	label, err := p2.Label()
	require.NoError(t, err)
	require.Equal(t, root.Group.PVs[0].UUID, label.UUID)

	_, err = d.Volume("vg_root/nope")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestWithoutReplay(t *testing.T) {
	d := openWeb01(t, WithoutReplay())
	root, err := d.Volume("vg_root/root")
	require.NoError(t, err)
	fsys, err := root.FS()
	require.NoError(t, err)
	require.False(t, fsys.(*ext3.FS).Journal().Replayed)
}

// A missing PV costs the logical volumes on it, and is named by its UUID.
func TestMissingPV(t *testing.T) {
	files := fstest.MapFS{"a": {Data: testimg.Load(t, "lvm/striped.pv0.img.gz")}}
	d := opened(t)(Open(files, "a"))
	groups, err := d.Groups()
	require.NoError(t, err)
	volumes, err := d.Volumes()
	require.NoError(t, err)
	failed := 0
	for _, v := range volumes {
		if v.Logical == nil {
			continue
		}
		if _, err := v.Open(); err != nil {
			failed++
			require.ErrorIs(t, err, layer.ErrIncomplete)
			require.True(t, strings.Contains(err.Error(), groups[0].PVs[1].UUID) || strings.Contains(err.Error(), groups[0].PVs[2].UUID), err)
		}
	}
	require.Positive(t, failed)
}

// A journal that breaks off in the middle is damage, and told as such.
func TestWarningOfLoss(t *testing.T) {
	d := opened(t)(Open(fstest.MapFS{"d": {Data: mbr(testimg.Load(t, "ext/dirty-ext4-bad-commit.img.gz"))}}, "d"))
	require.Empty(t, d.Warnings(), "p1 was not opened yet")
	_, err := d.ReadDir("p1")
	require.NoError(t, err)
	require.Len(t, d.Warnings(), 1)
	require.Equal(t, "p1", d.Warnings()[0].Path)
	require.True(t, d.Warnings()[0].Loss)
	require.Error(t, d.Warnings()[0].Err)
}

func TestWarningOfTable(t *testing.T) {
	d := opened(t)(Open(fstest.MapFS{"d": {Data: testimg.Load(t, "partition/gpt-header.img.gz")}}, "d"))
	require.NotEmpty(t, d.Warnings())
	require.False(t, d.Warnings()[0].Loss)
}

func TestOpenErrors(t *testing.T) {
	files := fstest.MapFS{
		"dir/x":       {Data: nil},
		"sparse.vmdk": {Data: signature(0, "KDMV\x09\x00\x00\x00")},
	}
	for name, want := range map[string]error{
		"none.vmdk":   fs.ErrNotExist,
		"dir":         nil,
		"sparse.vmdk": layer.ErrUnsupported,
		"../x":        fs.ErrNotExist,
	} {
		_, err := Open(files, name)
		require.Error(t, err, name)
		if want != nil {
			require.ErrorIs(t, err, want, name)
		}
		_, err = OpenFile(testimg.Path(t, web01), WithDisk(files, name))
		require.Error(t, err, name)
	}
	_, err := OpenFile(testimg.Path(t, "web01/none.vmdk"))
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestClose(t *testing.T) {
	d, err := OpenFile(testimg.Path(t, web01))
	require.NoError(t, err)
	require.NoError(t, d.Close())
	require.NoError(t, d.Close())
	_, err = d.ReadFile("p1/grub/grub.cfg")
	require.ErrorIs(t, err, fs.ErrClosed)
}

// failing is a file system in whose files some bytes cannot be read.
type failing struct {
	fs.FS
	err      error
	from, to int64
}

func (f failing) Open(name string) (fs.File, error) {
	file, err := f.FS.Open(name)
	return failingFile{file, f}, err
}

type failingFile struct {
	fs.File
	disk failing
}

func (f failingFile) ReadAt(p []byte, off int64) (int, error) {
	if off < f.disk.to && off+int64(len(p)) > f.disk.from {
		return 0, f.disk.err
	}
	return f.File.(io.ReaderAt).ReadAt(p, off)
}

// A source that fails gives its own error, never one of corruption, and what
// lies elsewhere can be read.
func TestSourceFails(t *testing.T) {
	broken := errors.New("broken cable")
	ext, pv := testimg.Load(t, "ext/ext2-1k.img.gz"), testimg.Load(t, "lvm/linear.pv0.img.gz")
	disk := mbr(ext, pv)
	p2 := int64(len(disk) - len(pv))
	d := opened(t)(Open(failing{fstest.MapFS{"d": {Data: disk}}, broken, p2, p2 + 4096}, "d"))
	entries, err := d.ReadDir(".")
	require.ErrorIs(t, err, broken)
	require.NotErrorIs(t, err, layer.ErrCorrupt)
	require.Len(t, entries, 2)
	_, err = d.ReadDir("p1")
	require.NoError(t, err)
	for _, name := range []string{"p2/x", "vg/lv"} {
		_, err = d.Stat(name)
		require.ErrorIs(t, err, broken, "nobody knows that it does not exist")
	}
}

func TestConcurrent(t *testing.T) {
	var reads atomic.Int64
	d := openWeb01(t, OnRead(func(int) { reads.Add(1) }))
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			name := []string{"vg_root/root/etc/hostname", "p1/grub", "vg_root", "vg_root/home", "."}[i%5]
			if _, err := d.Stat(name); err != nil {
				t.Error(name, err)
			}
			if _, err := d.Volumes(); err != nil {
				t.Error(err)
			}
			d.Warnings()
		})
	}
	all.Wait()
	require.Positive(t, reads.Load())
}

// A name that is no text is one that a path may have all the same.
func TestDiskName(t *testing.T) {
	taken := make(map[string]bool)
	require.Equal(t, `a\xff`, diskName("dir/a\xff.vmdk", taken))
	require.Equal(t, `a\xff-2`, diskName("other/a\xff.vmdk", taken))
}

package vmdkfs

import (
	"bytes"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
)

// TestFormats: what its own tool made is known, with the UUID and the label
// that libblkid finds.
func TestFormats(t *testing.T) {
	kinds := map[string]Kind{"crypto_LUKS": LUKS, "xfs": XFS, "btrfs": Btrfs, "f2fs": F2FS, "exfat": ExFAT, "swap": Swap,
		"reiserfs": ReiserFS, "squashfs": SquashFS, "jfs": JFS, "bcache": Bcache, "erofs": EROFS, "udf": UDF}
	lines := 0
	for line := range strings.Lines(string(testimg.Load(t, "formats/manifest"))) {
		f := append(strings.Fields(line), "", "")
		name, kind, uuid, label := f[0], kinds[f[1]], f[2], f[3]
		lines++
		head := testimg.Load(t, "formats/"+name+".head.gz")
		d := opened(t)(Open(fstest.MapFS{"d": {Data: append(head, make([]byte, -len(head)&511)...)}}, "d"))
		v, err := d.Volume("")
		require.NoError(t, err)
		got, err := v.Kind()
		require.NoError(t, err)
		require.Equal(t, kind, got, name)
		require.Equal(t, "disk", list(t, d, "."), "it is a file with its bytes")
		_, err = v.FS()
		require.ErrorIs(t, err, layer.ErrUnsupported)
		require.ErrorContains(t, err, string(kind))
		if _, known := identities[kind]; known || kind == LUKS && name != "luks2-second" {
			gotUUID, gotLabel, err := v.Identity()
			require.NoError(t, err)
			require.Equal(t, [2]string{uuid, label}, [2]string{gotUUID, gotLabel}, name)
		}
	}
	require.Greater(t, lines, 12)
}

// TestSignatures has the formats that no tool at hand makes.
func TestSignatures(t *testing.T) {
	at := func(off int, text string, more ...any) []byte {
		v := signature(off, text)
		for ; len(more) > 0; more = more[2:] {
			copy(v[more[0].(int):], more[1].(string))
		}
		return v
	}
	for _, tt := range []struct {
		volume []byte
		want   Kind
	}{
		{at(0, "integrt\x00"), Integrity},
		{at(0, "verity\x00\x00"), Verity},
		{at(0, "dmvdo001"), VDO},
		{at(516, "!Stra0tis\x86\xff\x02^\x41rh"), Stratis},
		{at(4120, "\xc6\x85\x73\xf6\x66\xce\x90\xa9\xd9\x6a\x60\xcf\x80\x3d\xf7\xef"), Bcachefs},
		{at(0, "bluestore block device"), BlueStore},
		{at(16384, "\x01\x01", 16384+20, "\x00\x00\x00\x07version\x00", 16384+200, "\x00\x00\x00\x09pool_guid"), ZFS},
		{at(16384, "\x01\x01", 16384+20, "\x00\x00\x00\x07version\x00"), ""},
		{at(32, "NXSB"), APFS},
		{at(1024, "H+\x00\x04"), HFSPlus},
		{at(1024, "HX\x00\x05"), HFSPlus},
		{at(1024, "BD"), HFS},
		{at(65536, "ReIsEr4"), Reiser4},
		{at(4096, "OCFSV2"), OCFS2},
		{at(65536, "\x01\x16\x19\x70\x00\x00\x00\x01"), GFS2},
		{at(1024, "\xf5\xfc\x01\xa5"), VxFS},
		{at(8192, "\x49\xe8\x95\xf9"), HPFS},
		{at(544, "1SFB"), BeFS},
		{at(8192+1372, "\x54\x19\x01\x00"), UFS},
		{at(65536+1372, "\x19\x01\x54\x19"), UFS},
		{at(0x8001, "BEA01", 0x8801, "NSR03"), UDF},
		{at(0x8001, "BEA01"), ""},
		{at(512, "\x57\x45\x56\x82", 512+132, "\x57\x45\x56\x82"), Disklabel},
		{at(512, "\x57\x45\x56\x82"), ""},
		{append(make([]byte, 1<<20), "\x0d\xd0\x01\xc0"...), VMFS},
		{append(make([]byte, 1<<20), "\x0d\xd0\x01\xc1"...), ""},
		{at(4086, "S1SUSPEND\x00"), Swap},
		{at(0x4000, "SKUL\xba\xbe"), LUKS},
		{at(424, "\x3b\xd6\x67\x49\x29\x2e\xd8\x4a\x83\x99\xf6\xa3\x39\xe3\xd0\x01"), BitLocker},
	} {
		f, known, err := detect(bytes.NewReader(tt.volume), int64(len(tt.volume)))
		require.NoError(t, err)
		require.Equal(t, tt.want, f.kind)
		require.Equal(t, tt.want != "", known)
	}
	_, _, err := detect(bytes.NewReader(make([]byte, 1<<20)), 1<<20+4)
	require.Error(t, err, "a source that is shorter than it was said to be")
}

// A FAT volume that BitLocker To Go has encrypted is not read as FAT.
func TestEncryptionFirst(t *testing.T) {
	image := testimg.Load(t, "fat/fat32-small.img.gz")
	copy(image[424:], "\x3b\xd6\x67\x49\x29\x2e\xd8\x4a\x83\x99\xf6\xa3\x39\xe3\xd0\x01")
	f, _, err := detect(bytes.NewReader(image), int64(len(image)))
	require.NoError(t, err)
	require.Equal(t, BitLocker, f.kind)
}

// TestAppleMap: a partition table that is not read is told, unless the disk
// holds something that is.
func TestAppleMap(t *testing.T) {
	disk := signature(0, "ER\x02\x00")
	copy(disk[512:], "PM\x00\x00\x00\x00\x00\x03")
	d := opened(t)(Open(fstest.MapFS{"d": {Data: disk}}, "d"))
	_, err := d.Volumes()
	require.ErrorIs(t, err, layer.ErrUnsupported)
	require.ErrorContains(t, err, "Apple partition map")
	copy(disk[4086:], "SWAPSPACE2")
	d = opened(t)(Open(fstest.MapFS{"d": {Data: disk}}, "d"))
	_, err = d.Volumes()
	require.NoError(t, err)
}

// TestFATInTree: the files of a FAT volume are files of the volume tree.
func TestFATInTree(t *testing.T) {
	d := opened(t)(Open(fstest.MapFS{"d": {Data: mbr(testimg.Load(t, "fat/fat16.img.gz"))}}, "d"))
	require.Equal(t, "p1/", list(t, d, "."))
	data, err := fs.ReadFile(d, "p1/EFI/BOOT/BOOTX64.EFI")
	require.NoError(t, err)
	require.Len(t, data, 30000)
	require.Empty(t, d.Warnings())
	p1, err := d.Volume("p1")
	require.NoError(t, err)
	uuid, label, err := p1.Identity() // by which etc/fstab mounts it
	require.NoError(t, err)
	require.Equal(t, []string{"1616-1616", "SIXTEEN"}, []string{uuid, label})

	image := testimg.Load(t, "fat/fat16.img.gz")
	d = opened(t)(Open(fstest.MapFS{"d": {Data: image[:4<<20]}}, "d"))
	_, err = d.ReadDir(".")
	require.NoError(t, err)
	require.Len(t, d.Warnings(), 1)
}

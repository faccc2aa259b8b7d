package vmdkfs

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

func TestDetect(t *testing.T) {
	boot := bytes.Clone(testimg.Load(t, "partition/fat.img.gz"))
	boot[13] = 3 // no power of two
	label := signature(512, "LABELONE")
	copy(label[512+24:], "LVM2 001")
	tests := []struct {
		name   string
		volume []byte
		want   Kind
	}{
		{"ext2", testimg.Load(t, "ext/ext2-1k.img.gz"), Ext},
		{"ext4", testimg.Load(t, "ext/ext4-default.img.gz"), Ext},
		{"a PV", testimg.Load(t, "lvm/linear.pv0.img.gz"), PV},
		{"a label", label, PV},
		{"a label in the fifth sector", append(make([]byte, 2048), label[512:]...), ""},
		{"another label", signature(512, "LABELONE"), ""},
		{"NTFS", signature(3, "NTFS    "), NTFS},
		{"NTFS, really", testimg.Load(t, "partition/ntfs.img.gz"), NTFS},
		{"FAT, really", testimg.Load(t, "partition/fat.img.gz"), FAT},
		{"ReFS", signature(3, "ReFS\x00\x00\x00\x00"), ReFS},
		{"exFAT", signature(3, "EXFAT   "), ExFAT},
		{"XFS", signature(0, "XFSB"), XFS},
		{"btrfs", signature(0x10040, "_BHRfS_M"), Btrfs},
		{"F2FS", signature(1024, "\x10\x20\xf5\xf2"), F2FS},
		{"ISO", signature(0x8001, "CD001"), ISO9660},
		{"swap, pages of 4 KiB", signature(4086, "SWAPSPACE2"), Swap},
		{"swap, pages of 64 KiB", signature(65526, "SWAPSPACE2"), Swap},
		{"LUKS", signature(0, "LUKS\xba\xbe"), LUKS},
		{"BitLocker", signature(3, "-FVE-FS-"), BitLocker},
		{"RAID", signature(4096, "\xfc\x4e\x2b\xa9\x01\x00\x00\x00"), LinuxRAID},
		{"FAT32, really", testimg.Load(t, "fat/fat32-small.img.gz"), FAT},
		{"a boot sector", boot, ""},
		{"zeros", make([]byte, 80<<10), ""},
		{"nothing", nil, ""},
		{"half a signature", signature(0, "XFSB")[:3], ""},
	}
	for _, test := range tests {
		f, known, err := detect(bytes.NewReader(test.volume), int64(len(test.volume)))
		require.NoError(t, err, test.name)
		require.Equal(t, test.want, f.kind, test.name)
		require.Equal(t, test.want != "", known, test.name)
	}
	_, _, err := detect(bytes.NewReader(nil), 512)
	require.Error(t, err, "a source that is shorter than it was said to be")
}

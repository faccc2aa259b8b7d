package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// infoOf returns what info says of an image, as text and decoded, with the
// given exit status.
func infoOf(t *testing.T, status int, args ...string) (string, facts) {
	t.Helper()
	r := invoke(t, append([]string{"info"}, args...)...)
	require.Equal(t, status, r.status, r.err)
	j := invoke(t, append([]string{"info", "--json"}, args...)...)
	require.Equal(t, status, j.status, j.err)
	var f facts
	require.NoError(t, json.Unmarshal([]byte(j.out), &f))
	return r.out, f
}

func TestInfoOfFAT(t *testing.T) {
	text, f := infoOf(t, 0, unpacked(t, "fat/fat16.img.gz"))
	require.Contains(t, text, `FAT16  label "SIXTEEN"`)
	require.Contains(t, text, "UUID 1616-1616, clean")
	c := f.Disks[0].Content
	require.Equal(t, "FAT16", c.Kind)
	require.True(t, c.Readable)
	require.EqualValues(t, 1024, c.BlockSize)
	require.Positive(t, c.Free)
	r := invoke(t, "cat", unpacked(t, "fat/fat16.img.gz"), "README.TXT")
	require.Zero(t, r.status, r.err)
	require.Len(t, r.out, 300)
}

func TestInfoOfPartitions(t *testing.T) {
	text, f := infoOf(t, 0, unpacked(t, "partition/gpt.img.gz"))
	require.Contains(t, text, "GUID 26ab0db9-0d72-428a-80ba-1e22ee510510, legacy BIOS bootable")
	require.Equal(t, []string{"legacy BIOS bootable"}, f.Partitions[1].Attributes)
	require.True(t, f.Partitions[1].Bootable)
	text, _ = infoOf(t, 0, unpacked(t, "partition/mbr-primary.img.gz"))
	require.Contains(t, text, "NTFS or exFAT, bootable")
}

func TestInfoOfDynamicDisks(t *testing.T) {
	text, f := infoOf(t, 1, unpacked(t, "ldm/disk1.img.gz"), "--disk", unpacked(t, "ldm/disk2.img.gz"))
	require.Contains(t, text, "MISSING Disk3 (d15c0003-1111-4222-8333-000000000003)")
	require.Contains(t, text, "part of a dynamic disk\n")
	require.Len(t, f.DiskGroups, 1)
	require.Equal(t, "WIN01-Dg0", f.DiskGroups[0].Name)
	require.Len(t, f.DiskGroups[0].Volumes, 7)
}

func TestInfoOfOthers(t *testing.T) {
	text, _ := infoOf(t, 0, unpacked(t, "formats/swap.head.gz"))
	require.Contains(t, text, `swap  label "swaplabel", UUID 11112222-3333-4444-8555-666677778888`)
	text, _ = infoOf(t, 0, unpacked(t, "formats/luks2.head.gz"))
	require.Contains(t, text, `LUKS  not read yet, label "encrypted", UUID 11112222-3333-4444-8555-666677778888`)
}

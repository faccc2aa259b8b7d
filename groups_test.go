package vmdkfs

import (
	"crypto/sha256"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

// TestGroupsOnPartitions: three groups on one disk, over a primary and logical
// partitions and a second disk that is one PV, read as device-mapper reads them;
// of what the second disk has nothing else is concerned when it is missing. A
// group of another host is read as any other.
func TestGroupsOnPartitions(t *testing.T) {
	files := fstest.MapFS{
		"a": {Data: testimg.Load(t, "lvm/disks.disk0.img.gz")},
		"b": {Data: testimg.Load(t, "lvm/disks.disk1.img.gz")},
	}
	manifest := strings.Split(strings.TrimSpace(string(testimg.Load(t, "lvm/disks.sha256"))), "\n")
	require.Len(t, manifest, 6)
	sums := func(d *Disk) (sums []string, failed map[string]bool) {
		failed = make(map[string]bool)
		volumes, err := d.Volumes()
		require.NoError(t, err)
		for _, v := range volumes {
			if v.Logical == nil {
				continue // a partition or a disk
			}
			content, err := v.Open()
			h := sha256.New()
			if err == nil {
				_, err = io.Copy(h, io.NewSectionReader(content, 0, v.Size))
			}
			if err != nil {
				failed[v.Path] = true
				continue
			}
			sums = append(sums, fmt.Sprintf("%x  %s", h.Sum(nil), v.Path))
		}
		return sums, failed
	}
	d := opened(t)(Open(files, "a", WithDisk(files, "b")))
	got, failed := sums(d)
	require.ElementsMatch(t, manifest, got)
	require.Empty(t, failed)
	groups, err := d.Groups()
	require.NoError(t, err)
	for _, g := range groups {
		require.Equal(t, g.Name == "foreign", g.SystemID == "elsewhere", g.Name)
		require.Equal(t, g.Name == "two", len(g.Historical) == 1, g.Name)
	}

	alone, failed := sums(opened(t)(Open(files, "a")))
	require.Subset(t, manifest, alone)
	for _, line := range manifest {
		_, name, _ := strings.Cut(line, "  ")
		onOther := name == "two/across" || name == "two/snap"
		require.Equal(t, !onOther, strings.Contains(strings.Join(alone, "\n"), name), name)
	}
	require.NotEmpty(t, failed)
}

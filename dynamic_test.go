package vmdkfs

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
)

// dynamicDisk opens the given disks of the disk group in testdata.
func dynamicDisk(t *testing.T, numbers ...int) *Disk {
	files := make(fstest.MapFS)
	var opts []Option
	for i, n := range numbers {
		name := fmt.Sprint("disk", n)
		files[name] = &fstest.MapFile{Data: testimg.Load(t, "ldm/"+name+".img.gz")}
		if i > 0 {
			opts = append(opts, WithDisk(files, name))
		}
	}
	return opened(t)(Open(files, fmt.Sprint("disk", numbers[0]), opts...))
}

// TestDynamic: the volumes of dynamic disks hold what the device-mapper reads
// in them.
func TestDynamic(t *testing.T) {
	d := dynamicDisk(t, 1, 2, 3, 4)
	require.Equal(t, "WIN01-Dg0/ disk1/ disk2/ disk3/ disk4/", list(t, d, "."))
	require.Equal(t, "p1 p2", list(t, d, "disk4"), "a partition of a dynamic disk is no volume")
	volumes, err := d.Volumes()
	require.NoError(t, err)
	sums := string(testimg.Load(t, "ldm/all.sha256"))
	found := 0
	for _, v := range volumes {
		if v.Dynamic == nil {
			continue
		}
		found++
		require.Equal(t, "WIN01-Dg0/"+v.Dynamic.Name, v.Path)
		f, err := v.Open()
		require.NoError(t, err)
		require.Equal(t, v.Size, f.Size())
		h := sha256.New()
		_, err = io.Copy(h, f)
		require.NoError(t, err)
		require.Contains(t, sums, hex.EncodeToString(h.Sum(nil))+" "+v.Dynamic.Name)
		same, err := d.Volume(v.Path)
		require.NoError(t, err)
		require.Same(t, v, same)
	}
	require.Equal(t, 7, found)
	require.Empty(t, d.Warnings())
	data, err := d.ReadFile("WIN01-Dg0/Raid1")
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(data), "Raid1 "))
	part, err := d.Volume("disk1/p1")
	require.NoError(t, err)
	kind, err := part.Kind()
	require.NoError(t, err)
	require.Equal(t, LDM, kind)
}

// A disk that is missing is named by what needs it.
func TestDynamicMissing(t *testing.T) {
	d := dynamicDisk(t, 1, 2)
	v, err := d.Volume("WIN01-Dg0/Stripe1")
	require.NoError(t, err)
	_, err = v.Open()
	require.ErrorIs(t, err, layer.ErrIncomplete)
	require.ErrorContains(t, err, "Disk3")
	require.Len(t, v.Dynamic.Missing, 2)
	_, err = d.ReadFile("WIN01-Dg0/Raid1")
	require.NoError(t, err)
}

// A dynamic disk whose database is gone says so.
func TestDynamicDamage(t *testing.T) {
	image := testimg.Load(t, "ldm/disk1.img.gz")
	clear(image[len(image)-1<<20:])
	clear(image[6*512:][:512])
	d := opened(t)(Open(fstest.MapFS{"d": {Data: image}}, "d"))
	_, err := d.Volumes()
	require.ErrorIs(t, err, layer.ErrFormat)
	require.ErrorContains(t, err, "private header")
}

// TestDynamicDrives: volumes of dynamic disks have the letters that the
// registry has for their GUIDs, in either order of the bytes, else those of
// their disk group.
func TestDynamicDrives(t *testing.T) {
	d := dynamicDisk(t, 1, 2, 3, 4)
	volumes, err := d.Volumes()
	require.NoError(t, err)
	hints := 0
	for _, v := range volumes {
		if v.Dynamic == nil {
			continue
		}
		plain, err := hex.DecodeString(strings.ReplaceAll(v.Dynamic.GUID, "-", ""))
		require.NoError(t, err)
		stored := bytes.Clone(plain)
		slices.Reverse(stored[0:4])
		slices.Reverse(stored[4:6])
		slices.Reverse(stored[6:8])
		for _, guid := range [][]byte{plain, stored} {
			_, match := matchDevice(append([]byte("DMIO:ID:"), guid...))
			require.NotNil(t, match)
			found, err := d.find(match)
			require.NoError(t, err)
			require.Same(t, v, found)
		}
		if v.Dynamic.Hint == "" {
			continue
		}
		hints++
		want := Mount{Path: "/" + v.Dynamic.Hint[:1], Volume: v, Source: "volume " + v.Dynamic.GUID, Note: "the letter is that of its disk group: the registry has none"}
		require.Contains(t, d.hintedDrives(nil), want)
		for _, known := range []Mount{{Path: want.Path}, {Path: "/Q", Volume: v}} {
			require.NotContains(t, d.hintedDrives([]Mount{known}), want)
		}
	}
	require.NotZero(t, hints)
	_, match := matchDevice([]byte("DMIO:ID:0123456789abcdef"))
	_, err = d.find(match)
	require.ErrorIs(t, err, errNoDevice)
}

// TestDynamicGuest: a Windows has the volumes of its dynamic disks as drives by
// the letters of the disk group, unless its registry has these for others.
func TestDynamicGuest(t *testing.T) {
	for system, want := range map[string]map[string]string{
		"old":    {"/E": "WIN01-Dg0/Volume1", "/F": "WIN01-Dg0/Volume6"},
		"system": {}, // knows an E: and an F: on disks that are not there
	} {
		files := fstest.MapFS{"system": {Data: testimg.Load(t, "winguest/"+system+".img.gz")}}
		var opts []Option
		for _, n := range []string{"disk1", "disk2", "disk3", "disk4"} {
			files[n] = &fstest.MapFile{Data: testimg.Load(t, "ldm/"+n+".img.gz")}
			opts = append(opts, WithDisk(files, n))
		}
		g, err := opened(t)(Open(files, "system", opts...)).Guest()
		require.NoError(t, err)
		hinted := make(map[string]string)
		for _, m := range g.Mounts {
			if strings.Contains(m.Note, "disk group") {
				require.NoError(t, m.Err)
				hinted[m.Path] = m.Volume.Path
				_, err := g.ReadDir(m.Path[1:])
				require.ErrorIs(t, err, layer.ErrFormat, "the volumes of this group have none")
			}
		}
		require.Equal(t, want, hinted, system)
	}
}

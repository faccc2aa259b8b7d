package vmdkfs

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
)

// mdSums returns what the kernel read, by name.
func mdSums(t *testing.T, set string) map[string]string {
	list := make(map[string]string)
	for line := range strings.Lines(string(testimg.Load(t, "md/"+set+".sha256"))) {
		f := strings.Fields(line)
		list[f[2]] = f[0]
	}
	return list
}

// mdDisks opens the disks of a set, but for the first so many.
func mdDisks(t *testing.T, set string, without int) *Disk {
	files := make(fstest.MapFS)
	var opts []Option
	names := testimg.Names(t, "md/"+set+".disk*.img.gz")[without:]
	for i, name := range names {
		disk := string(rune('a' + i + without))
		files[disk] = &fstest.MapFile{Data: testimg.Load(t, name)}
		if i > 0 {
			opts = append(opts, WithDisk(files, disk))
		}
	}
	return opened(t)(Open(files, string(rune('a'+without)), opts...))
}

// TestArrays: arrays lie in the root of the volume tree, and their members are
// no file systems.
func TestArrays(t *testing.T) {
	d := mdDisks(t, "stacked", 0)
	require.Equal(t, "a/ b/ boot/ stripe vg_md/", list(t, d, "."))
	require.Equal(t, "p1 p2", list(t, d, "a"))
	note, err := d.ReadFile("boot/note")
	require.NoError(t, err)
	require.Equal(t, "on a mirror\n", string(note))
	for name, sum := range mdSums(t, "stacked") {
		v, err := d.Volume(name)
		require.NoError(t, err)
		require.Equal(t, strings.Contains(name, "/"), v.Array == nil)
		f, err := v.Open()
		require.NoError(t, err)
		h := sha256.New()
		_, err = io.Copy(h, f)
		require.NoError(t, err)
		require.Equal(t, sum, hex.EncodeToString(h.Sum(nil)), name)
	}
	member, err := d.Volume("a/p1")
	require.NoError(t, err)
	kind, err := member.Kind()
	require.NoError(t, err)
	require.Equal(t, LinuxRAID, kind)
	_, err = member.FS()
	require.ErrorIs(t, err, layer.ErrUnsupported)
	require.ErrorContains(t, err, "Linux RAID member")
	volumes, err := d.Volumes()
	require.NoError(t, err)
	require.Len(t, volumes, 6+2+1)
	require.Empty(t, d.Warnings())
}

// TestArraysIncomplete: half of a mirror is enough, half of a stripe is not,
// and says so.
func TestArraysIncomplete(t *testing.T) {
	d := mdDisks(t, "stacked", 1)
	note, err := d.ReadFile("boot/note")
	require.NoError(t, err)
	require.Equal(t, "on a mirror\n", string(note))
	_, err = d.ReadDir("stripe")
	require.ErrorIs(t, err, layer.ErrIncomplete)
	require.ErrorContains(t, err, "cannot do without member 0 (missing)")
	_, err = d.ReadFile("vg_md/lv")
	require.Error(t, err)
}

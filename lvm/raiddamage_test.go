package lvm

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

// An image is the PVs of a set, to be changed.
type image struct {
	pvs  []PV
	data [][]byte
}

// loaded returns the PVs of a set in testdata.
func loaded(t testing.TB, set string) *image {
	m := &image{}
	for _, pv := range golden(t, set) {
		data, err := io.ReadAll(io.NewSectionReader(pv.Reader, 0, pv.Size))
		require.NoError(t, err)
		m.data = append(m.data, data)
		m.pvs = append(m.pvs, memory(pv.Name, data))
	}
	return m
}

// at returns the bytes of a volume that lies on one PV in one piece.
func (m *image) at(t testing.TB, name string) []byte {
	g := mustOpen(t, m.pvs...).Groups()[0]
	for _, v := range g.Volumes {
		if v.Name == name {
			require.Len(t, v.Segments[0].Stripes, 1)
			for i, pv := range g.PVs {
				if pv.Name == v.Segments[0].Stripes[0].Volume {
					return m.data[i][v.Segments[0].Stripes[0].Offset:][:v.Segments[0].Length]
				}
			}
		}
	}
	require.Fail(t, "no volume "+name)
	return nil
}

// TestRmetaDamage breaks the superblocks of raid legs. The other volumes stay
// as they are.
func TestRmetaDamage(t *testing.T) {
	le := binary.LittleEndian
	all := []string{"0", "1", "2"}
	for _, c := range []struct {
		name   string
		legs   []string
		change func(b []byte)
		kind   error // nil: it reads as before
		text   string
	}{
		{"stale leg's magic", []string{"1"}, func(b []byte) { b[0]++ }, nil, ""},
		{"stale leg's superblock cleared", []string{"1"}, func(b []byte) { clear(b[:512]) }, nil, ""},
		{"good leg's magic", []string{"0"}, func(b []byte) { b[0]++ }, layer.ErrIncomplete, "member 0 (r5_rimage_0), member 1 (r5_rimage_1)"},
		{"all magics", all, func(b []byte) { b[0]++ }, layer.ErrCorrupt, "raid superblock with magic 0x64526d45"},
		{"features", []string{"2"}, func(b []byte) { b[144] = 1 }, layer.ErrUnsupported, "incompatible features 0x1"},
		{"reshape", []string{"2"}, func(b []byte) { b[60] |= 1 }, layer.ErrUnsupported, "reshaped"},
		{"devices", []string{"0"}, func(b []byte) { b[8]++ }, layer.ErrUnsupported, "leg 0 of 4"},
		{"position", []string{"0"}, func(b []byte) { b[12]++ }, layer.ErrUnsupported, "leg 1 of 3"},
		{"level", all, func(b []byte) { b[48] = 6 }, layer.ErrUnsupported, "superblock of level 6"},
		{"layout", all, func(b []byte) { b[52] = 0 }, layer.ErrUnsupported, "layout 0x0"},
		{"stripes", all, func(b []byte) { b[56]++ }, layer.ErrUnsupported, "stripes of 17 sectors"},
		{"data offset", all, func(b []byte) { le.PutUint64(b[96:], 8) }, layer.ErrCorrupt, "data begins at sector 8, with 0 extents"},
		{"data offset of one", []string{"2"}, func(b []byte) { le.PutUint64(b[96:], 8) }, layer.ErrUnsupported, "begins at sector 8, that of others at 0"},
		{"failed", []string{"0", "2"}, func(b []byte) { b[24] = 7 }, layer.ErrIncomplete, "cannot do without"},
		{"recovering from the start", []string{"0"}, func(b []byte) { le.PutUint64(b[32:], 0) }, layer.ErrIncomplete, "member 0"},
		{"old superblocks without reshaping", []string{"0", "2"}, func(b []byte) { b[4] = 0; b[60] = 1; b[96] = 9 }, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := loaded(t, "legs")
			for _, leg := range c.legs {
				c.change(m.at(t, "r5_rmeta_"+leg))
			}
			fsys := mustOpen(t, m.pvs...)
			for path, sum := range sums(t, "legs") {
				f, err := fsys.Open(path)
				if path == "vg_legs/r5" && c.kind != nil {
					require.ErrorIs(t, err, c.kind)
					require.ErrorContains(t, err, c.text)
					continue
				}
				require.NoError(t, err)
				h := sha256.New()
				_, err = io.Copy(h, f)
				require.NoError(t, err)
				require.Equal(t, sum, hex.EncodeToString(h.Sum(nil)), path)
			}
		})
	}
}

// TestNeverSynced: parity that was not computed rebuilds nothing.
func TestNeverSynced(t *testing.T) {
	m := loaded(t, "legs")
	for _, leg := range []string{"0", "1", "2"} {
		binary.LittleEndian.PutUint64(m.at(t, "r5_rmeta_"+leg)[40:], 16) // sectors
	}
	f, err := mustOpen(t, m.pvs...).Open("vg_legs/r5")
	require.NoError(t, err)
	n, err := f.(layer.File).ReadAt(make([]byte, f.(layer.File).Size()), 0)
	require.ErrorIs(t, err, layer.ErrIncomplete)
	require.ErrorContains(t, err, "its parity is not known to be up to date")
	require.GreaterOrEqual(t, n, 16<<10)
}

// TestRecoveringLeg: a leg is read as far as it has been recovered.
func TestRecoveringLeg(t *testing.T) {
	m := loaded(t, "legs")
	for _, leg := range []string{"0", "1"} {
		b := m.at(t, "r1_rmeta_"+leg)
		b[24] = 0 // nothing failed
		binary.LittleEndian.PutUint64(b[16:], 1000)
	}
	binary.LittleEndian.PutUint64(m.at(t, "r1_rmeta_0")[32:], 24) // leg 0 is recovered up to there
	stale, good := m.at(t, "r1_rimage_0"), m.at(t, "r1_rimage_1")
	got, err := mustOpen(t, m.pvs...).ReadFile("vg_legs/r1")
	require.NoError(t, err)
	require.True(t, bytes.Equal(stale[:24*512], got[:24*512]))
	require.True(t, bytes.Equal(good[24*512:], got[24*512:]))
}

// TestRaidTextErrors lists segments that cannot be read.
func TestRaidTextErrors(t *testing.T) {
	leg := func(name string) string { return lvText(name, linear(0, 8, "pv0", 0)) }
	two := leg("a_rmeta_0") + leg("a_rimage_0") + leg("a_rmeta_1") + leg("a_rimage_1")
	const pair = `"a_rmeta_0", "a_rimage_0", "a_rmeta_1", "a_rimage_1"`
	for _, c := range []struct {
		segment, volumes string
		kind             error
		text             string
	}{
		{segText(0, 2, "raid1", "device_count = 3 raids = ["+pair+"]"), two, layer.ErrCorrupt, "3 legs, of which 2 are there"},
		{segText(0, 2, "raid5", "device_count = 1 stripe_size = 8 raids = [\"a_rmeta_0\", \"a_rimage_0\"]"), two, layer.ErrCorrupt, "1 legs"},
		{segText(0, 2, "raid5", "device_count = 2 raids = ["+pair+"]"), two, layer.ErrCorrupt, `no number "stripe_size"`},
		{segText(0, 2, "raid5", "device_count = 2 stripe_size = 0 raids = ["+pair+"]"), two, layer.ErrCorrupt, "stripe size of 0"},
		{segText(0, 2, "raid1", "device_count = 2 raids = [1, 2]"), two, layer.ErrCorrupt, `"raids" holds 1`},
		{segText(0, 1<<60, "raid1", "device_count = 2 raids = ["+pair+"]"), two, layer.ErrCorrupt, "extents"},
		{segText(0, 2, "raid10", "device_count = 2 stripe_size = 8 data_copies = 3 raids = ["+pair+"]"), two, layer.ErrCorrupt, "3 copies on 2 legs"},
		{segText(0, 9, "raid1", "device_count = 2 raids = ["+pair+"]"), two, layer.ErrCorrupt, "beyond its end"},
		{segText(0, 2, "raid1", `device_count = 2 raids = ["a", "b"]`), "", layer.ErrCorrupt, "which the group does not have"},
		{segText(0, 2, "raid1", `device_count = 2 raids = ["pv0", "pv0"]`), "", layer.ErrCorrupt, `leg "pv0" is no volume`},
		{segText(0, 2, "raid1", `device_count = 1 raids = ["z"]`), lvText("z", segText(0, 9, "zero", "")), layer.ErrUnsupported, `raid over a segment of type "zero"`},
		{segText(0, 2, "mirror", `mirror_count = 1 mirrors = ["z", 0]`), lvText("z", segText(0, 9, "zero", "")), layer.ErrUnsupported, `mirror over a segment of type "zero"`},
		{segText(0, 2, "mirror", `mirror_count = 2 mirrors = ["pv0", 0]`), "", layer.ErrCorrupt, "2 legs, of which 1 are there"},
		{segText(0, 2, "mirror", `mirror_count = 2 mirrors = ["pv1", 0, "pv0", 0]`), "", layer.ErrIncomplete, "cannot do without member 0"},
		{segText(0, 2, "mirror", `mirror_count = 2 mirror_log = "x" mirrors = ["pv1", 0, "pv0", 0]`), "", layer.ErrCorrupt, `lies on "x"`},
		{segText(0, 2, "mirror", `mirror_count = 2 mirror_log = "z" mirrors = ["pv1", 0, "pv0", 0]`), leg("z"), layer.ErrCorrupt, "without a region size"},
		{segText(0, 2, "mirror", `mirror_count = 2 mirror_log = "z" region_size = 8 mirrors = ["pv1", 0, "pv0", 0]`), leg("z"), layer.ErrCorrupt, "mirror log \"z\": magic"},
		{segText(0, 2, "mirror", `mirror_count = 2 extents_moved = 0 mirrors = ["pv1", 0, "pv0", 0]`), "", layer.ErrIncomplete, "cannot do without"},
		{segText(0, 2, "mirror", `mirror_count = 2 extents_moved = 2 mirrors = ["pv0", 0, "pv1", 0]`), "", layer.ErrIncomplete, "cannot do without"},
	} {
		fsys := mustOpen(t, onePV('a', vgText("vg", 'g', 1, "ab", lvText("lv", c.segment), c.volumes)).pv())
		_, err := fsys.Open("vg/lv")
		require.ErrorIs(t, err, c.kind, c.segment)
		require.ErrorContains(t, err, c.text, c.segment)
	}
}

// TestMovedMirror: while a segment moves, its old place is read; the new one
// once it has been moved.
func TestMovedMirror(t *testing.T) {
	for moved, extent := range map[string]int{"0": 5, "1": 5, "2": 9} {
		fsys := mustOpen(t, onePV('a', vgText("vg", 'g', 1, "a",
			lvText("lv", segText(0, 2, "mirror", `mirror_count = 2 extents_moved = `+moved+` mirrors = ["pv0", 5, "pv0", 9]`)))).pv())
		data, err := fsys.ReadFile("vg/lv")
		require.NoError(t, err)
		require.Equal(t, expect('a', extent, 2), data)
	}
}

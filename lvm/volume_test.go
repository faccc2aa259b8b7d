package lvm

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

// volumeErrors lists what keeps one volume, called lv, from being opened. The
// group is on the PVs a, which is there, and b, which is not; each has 252
// extents of 4 KiB.
var volumeErrors = []struct {
	name   string
	volume string // one or more, by lvText
	kind   error
	text   string
}{
	{"no id", strings.Replace(lvText("lv", linear(0, 1, "pv0", 0)), "id =", "no =", 1), layer.ErrCorrupt, `no string "id"`},
	{"no segments", lvText("lv"), layer.ErrCorrupt, "0 segments, of which 0 are there"},
	{"fewer segments", strings.Replace(lvText("lv", linear(0, 1, "pv0", 0)), "segment_count = 1", "segment_count = 2", 1), layer.ErrCorrupt, "2 segments, of which 1 are there"},
	{"no type", lvText("lv", "start_extent = 0\nextent_count = 1\n"), layer.ErrCorrupt, `segment1: no string "type"`},
	{"gap", lvText("lv", linear(0, 1, "pv0", 0), linear(2, 1, "pv0", 1)), layer.ErrCorrupt, "segment2 begins at byte 8192, the one before ends at 4096"},
	{"overlap", lvText("lv", linear(0, 2, "pv0", 0), linear(1, 1, "pv0", 2)), layer.ErrCorrupt, "segment2 begins at byte 4096, the one before ends at 8192"},
	{"not from 0", lvText("lv", linear(1, 1, "pv0", 0)), layer.ErrCorrupt, "begins at byte 4096"},
	{"empty segment", lvText("lv", linear(0, 0, "pv0", 0)), layer.ErrCorrupt, "0 extents from 0"},
	{"huge segment", lvText("lv", segText(0, 1<<52, "zero", "")), layer.ErrCorrupt, "4503599627370496 extents"},
	{"huge volume", lvText("lv", segText(0, 1<<50, "zero", ""), segText(1<<50, 1<<50, "zero", "")), layer.ErrCorrupt, "makes the volume too large"},
	{"unknown type", lvText("lv", segText(0, 1, "vdo", "")), layer.ErrUnsupported, `vg/lv: segment1: segment type "vdo"`},
	{"type with flags", lvText("lv", segText(0, 1, "striped+NEW", "")), layer.ErrUnsupported, `"striped+NEW"`},
	{"no stripes", lvText("lv", segText(0, 1, "striped", "stripe_count = 0\nstripes = []")), layer.ErrCorrupt, "0 stripes"},
	{"fewer stripes", lvText("lv", segText(0, 2, "striped", `stripe_count = 2 stripes = ["pv0", 0]`)), layer.ErrCorrupt, "2 stripes, of which 1 are there"},
	{"odd extents", lvText("lv", segText(0, 3, "striped", `stripe_count = 2 stripe_size = 8 stripes = ["pv0", 0, "pv0", 9]`)), layer.ErrCorrupt, "3 extents in 2 stripes"},
	{"no stripe size", lvText("lv", segText(0, 2, "striped", `stripe_count = 2 stripes = ["pv0", 0, "pv0", 9]`)), layer.ErrCorrupt, `no number "stripe_size"`},
	{"stripe size 0", lvText("lv", segText(0, 2, "striped", `stripe_count = 2 stripe_size = 0 stripes = ["pv0", 0, "pv0", 9]`)), layer.ErrCorrupt, "stripe size of 0 sectors"},
	{"odd stripe size", lvText("lv", segText(0, 2, "striped", `stripe_count = 2 stripe_size = 3 stripes = ["pv0", 0, "pv0", 9]`)), layer.ErrCorrupt, "stripe size of 3 sectors"},
	{"huge stripe size", lvText("lv", segText(0, 2, "striped", fmt.Sprintf(`stripe_count = 2 stripe_size = %d stripes = ["pv0", 0, "pv0", 9]`, int64(1)<<62))), layer.ErrCorrupt, "stripe size"},
	{"unknown PV", lvText("lv", linear(0, 1, "pv7", 0)), layer.ErrCorrupt, `lies on "pv7", which the group does not have`},
	{"behind the PV", lvText("lv", linear(0, 2, "pv0", 251)), layer.ErrCorrupt, `2 extents from 251 of "pv0", which has 252`},
	{"far behind the PV", lvText("lv", linear(0, 2, "pv0", 1<<40)), layer.ErrCorrupt, `from 1099511627776 of "pv0"`},
	{"overflow", lvText("lv", linear(0, 2, "pv0", 1<<62)), layer.ErrCorrupt, "from 4611686018427387904"},
	{"missing PV", lvText("lv", linear(0, 1, "pv0", 0), linear(1, 1, "pv1", 0)), layer.ErrIncomplete, "vg/lv: segment2: PV " + testUUID('b') + ` is missing, last seen as "/dev/sdb"`},
	{"missing stripe", lvText("lv", segText(0, 2, "striped", `stripe_count = 2 stripe_size = 8 stripes = ["pv1", 0, "pv0", 9]`)), layer.ErrIncomplete, "/dev/sdb"},
	{"on itself", lvText("lv", linear(0, 1, "lv", 0)), layer.ErrCorrupt, `lies on "lv", which lies on it`},
	{"on each other", lvText("lv", linear(0, 1, "other", 0)) + lvText("other", linear(0, 1, "lv", 0)), layer.ErrCorrupt, "lies on vg/other: segment1: lies on"},
	{"beyond a volume", lvText("lv", linear(0, 2, "other", 1)) + lvText("other", linear(0, 2, "pv0", 0)), layer.ErrCorrupt, `2 extents from 1 of "other", beyond its end`},
	{"on what is refused", lvText("lv", linear(0, 2, "other", 0)) + lvText("other", segText(0, 2, "vdo", "")), layer.ErrUnsupported, `lies on vg/other: segment1: segment type "vdo"`},
	{"snapshot of nothing", lvText("lv", linear(0, 2, "pv0", 0)) + lvText("snapshot0", segText(0, 2, "snapshot", `origin = "x" cow_store = "lv"`)), layer.ErrCorrupt, `lies on "x", which the group does not have`},
	{"damaged snapshot", lvText("lv", linear(0, 2, "pv0", 0)) + lvText("snapshot0", "type = \"snapshot\"\ncow_store = \"lv\"\n"), layer.ErrCorrupt, `lies on "", which the group does not have`},
	{"snapshot in no store", lvText("lv", linear(0, 2, "pv0", 0)) + lvText("o", linear(0, 2, "pv0", 4)) +
		lvText("snapshot0", segText(0, 2, "snapshot", `origin = "o" cow_store = "lv"`)), layer.ErrCorrupt, "exception store with magic"},
	{"merging", lvText("lv", linear(0, 2, "pv0", 0)) + lvText("cow", linear(0, 2, "pv0", 2)) +
		lvText("snapshot0", segText(0, 2, "snapshot", `origin = "lv" merging_store = "cow"`)), layer.ErrCorrupt, "exception store with magic"},
	{"stripes over nothing", lvText("lv", segText(0, 2, "striped", `stripe_count = 2 stripe_size = 1 stripes = ["on", 0, "pv0", 9]`)) +
		lvText("on", linear(0, 1, "hole", 0)) + lvText("hole", segText(0, 1<<40, "zero", "")), layer.ErrUnsupported, `stripes over a segment of type "zero"`},
	{"deep down", stack("lv", maxStack+1, true), layer.ErrUnsupported, "more than 16 volumes lie on each other"},
	{"deep up", stack("lv", maxStack+1, false), layer.ErrUnsupported, "more than 16 volumes lie on each other"},
}

// stack returns the text of n volumes, each on the next, the first of them
// called name. The first comes first, or last.
func stack(name string, n int, down bool) string {
	var list []string
	for i := range n {
		on := fmt.Sprintf("%s%d", name, i+1)
		if i == n-1 {
			on = "pv0"
		}
		own := name
		if i > 0 {
			own = fmt.Sprintf("%s%d", name, i)
		}
		list = append(list, lvText(own, linear(0, 1, on, 0)))
	}
	if !down {
		for i, j := 0, n-1; i < j; i, j = i+1, j-1 {
			list[i], list[j] = list[j], list[i]
		}
	}
	return strings.Join(list, "")
}

func TestVolumeErrors(t *testing.T) {
	for _, c := range volumeErrors {
		t.Run(c.name, func(t *testing.T) {
			good := lvText("good", linear(0, 3, "pv0", 100))
			fsys := mustOpen(t, onePV('a', vgText("vg", 'g', 1, "ab", c.volume, good)).pv())
			list, err := fs.ReadDir(fsys, "vg")
			require.NoError(t, err)
			require.NotEmpty(t, list)
			_, err = fsys.Open("vg/lv")
			require.ErrorIs(t, err, c.kind)
			require.ErrorContains(t, err, c.text)
			var pe *fs.PathError
			require.ErrorAs(t, err, &pe)
			info, err := fsys.Stat("vg/lv")
			require.NoError(t, err)
			require.Error(t, info.Sys().(*Volume).Err)

			data, err := fsys.ReadFile("vg/good")
			require.NoError(t, err)
			require.Equal(t, expect('a', 100, 3), data)
		})
	}
}

// expect returns n extents of a test PV.
func expect(id byte, extent, n int) []byte {
	data := make([]byte, n*4096)
	for i := range data {
		data[i] = pattern(id, testStart+extent*4096+i)
	}
	return data
}

// Volumes on volumes are read through all of them, as deep as the limit.
func TestStacked(t *testing.T) {
	for _, down := range []bool{true, false} {
		fsys := mustOpen(t, onePV('a', vgText("vg", 'g', 1, "a", stack("lv", maxStack, down))).pv())
		data, err := fsys.ReadFile("vg/lv")
		require.NoError(t, err)
		require.Equal(t, expect('a', 0, 1), data)
	}
	fsys := mustOpen(t, onePV('a', vgText("vg", 'g', 1, "a",
		lvText("lv", segText(0, 4, "striped", `stripe_count = 2 stripe_size = 2 stripes = ["low", 1, "pv0", 50]`)),
		lvText("low", linear(0, 2, "pv0", 20), linear(2, 3, "pv0", 10)))).pv())
	data, err := fsys.ReadFile("vg/lv")
	require.NoError(t, err)
	low, high := append(expect('a', 21, 1), expect('a', 10, 1)...), expect('a', 50, 2)
	var want []byte
	for off := 0; off < len(low); off += 1024 {
		want = append(append(want, low[off:off+1024]...), high[off:off+1024]...)
	}
	require.Equal(t, want, data)
	require.NoError(t, fstest.TestFS(fsys, "vg/lv", "vg/low"))
}

// A segment that is an error fails where it lies and nowhere else.
func TestErrorSegment(t *testing.T) {
	fsys := mustOpen(t, onePV('a', vgText("vg", 'g', 1, "a", lvText("lv", linear(0, 2, "pv0", 3), segText(2, 1, "error", ""), segText(3, 1, "zero", "")),
		lvText("on", linear(0, 1, "lv", 2)), lvText("lost", segText(0, 1, "error", "")), lvText("striped", segText(0, 2, "striped", `stripe_count = 2 stripe_size = 8 stripes = ["lost", 0, "pv0", 3]`)))).pv())
	f, err := fsys.Open("vg/lv")
	require.NoError(t, err)
	buf := make([]byte, 4*4096)
	n, err := f.(layer.File).ReadAt(buf, 0)
	require.Equal(t, 2*4096, n)
	require.ErrorIs(t, err, layer.ErrIncomplete)
	require.ErrorContains(t, err, `vg/lv: segment at byte 8192: segment type "error"`)
	require.Equal(t, expect('a', 3, 2), buf[:n])
	n, err = f.(layer.File).ReadAt(buf, 3*4096)
	require.Equal(t, 4096, n)
	require.ErrorIs(t, err, io.EOF)
	require.Equal(t, make([]byte, 4096), buf[:n])
	for _, name := range []string{"vg/on", "vg/striped"} {
		_, err = fsys.ReadFile(name)
		require.ErrorIs(t, err, layer.ErrIncomplete)
	}
	_, err = (&layout{}).Map(0)
	require.Error(t, err)
}

// A PV that is shorter than its metadata says is told, and only the volumes
// behind its end are out of reach.
func TestShortPV(t *testing.T) {
	pv := onePV('a', vgText("vg", 'g', 1, "a", lvText("low", linear(0, 2, "pv0", 0)), lvText("high", linear(0, 2, "pv0", 200)))).pv()
	pv.Size /= 2
	fsys := mustOpen(t, pv)
	require.Equal(t, []string{"lvm: pv-a: PV has 524288 bytes, its label says 1048576 (incomplete)"}, texts(fsys.Warnings()))
	_, err := fsys.ReadFile("vg/low")
	require.NoError(t, err)
	_, err = fsys.Open("vg/high")
	require.ErrorIs(t, err, layer.ErrIncomplete)
	require.ErrorContains(t, err, "PV pv-a ends at byte 524288 of at least 843776")
}

// An error of the source says which PV it is of, and stays what it is.
func TestSourceErrors(t *testing.T) {
	pv := onePV('a', vgText("vg", 'g', 1, "a", lvText("lv", linear(0, 2, "pv0", 0)))).pv()
	failed := errors.New("bad sector")
	pv.Reader = until{pv.Reader, testStart + 4096, failed}
	fsys := mustOpen(t, pv)
	_, err := fsys.ReadFile("vg/lv")
	require.ErrorIs(t, err, failed)
	require.ErrorContains(t, err, "pv-a: reading 8192 bytes: bad sector (at byte 16384)")
}

func TestHidden(t *testing.T) {
	fsys := mustOpen(t, onePV('a', vgText("vg", 'g', 1, "a", lvText("lv", linear(0, 1, "pv0", 0)),
		strings.Replace(lvText("hidden", linear(0, 1, "pv0", 1)), `, "VISIBLE"`, "", 1))).pv())
	list, err := fsys.ReadDir("vg")
	require.NoError(t, err)
	require.Len(t, list, 1)
	_, err = fsys.Open("vg/hidden")
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.Len(t, fsys.Groups()[0].Volumes, 2)
	require.False(t, fsys.Groups()[0].Volumes[1].Visible)
}

func TestSegmentType(t *testing.T) {
	for text, want := range map[string]string{
		"striped":                    "striped",
		"cache+CACHE_USES_CACHEVOL":  "cache",
		"cache-pool+METADATA_FORMAT": "cache-pool",
		"thin-pool+CROP_METADATA+":   "thin-pool",
		"raid5+RESHAPE_SOMEHOW":      "raid5+RESHAPE_SOMEHOW", "raid5+RESHAPE+RESHAPE_DATA_OFFSET": "raid5",
		"cache-pool+METADATA_FORMAT+LATER": "cache-pool+METADATA_FORMAT+LATER",
	} {
		require.Equal(t, want, segmentType(text))
	}
}

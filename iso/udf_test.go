package iso

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

// udfTree returns the UDF file system of a written tree.
func udfTree(t *testing.T, root *memNode, opts ...WriteOption) *udfReader {
	t.Helper()
	image, report, err := written(memFS(root), opts...)
	require.NoError(t, err)
	require.NoError(t, report.Err())
	return readUDF(t, bytes.NewReader(image), int64(len(image)))
}

func TestUDF(t *testing.T) {
	source := memFS(everything())
	u := udfTree(t, everything())
	changed := map[string]string{ // names that UDF has otherwise
		`names/\xe4\xf6.txt`:                      "names/__.txt",
		`names/dev\x5cx2d.swap`:                   `names/dev\x2d.swap`,
		"names/" + strings.Repeat("n", 255):       "names/" + strings.Repeat("n", 254),
		"names/" + strings.Repeat("n", 254) + "m": "names/" + strings.Repeat("n", 253) + "0",
		"names/" + strings.Repeat(`\xff`, 255):    "names/" + strings.Repeat("_", 254),
	}
	kinds := map[fs.FileMode]int{0: 5, fs.ModeDir: 4, fs.ModeSymlink: 12, fs.ModeNamedPipe: 9, fs.ModeSocket: 10, fs.ModeDevice: 6, fs.ModeDevice | fs.ModeCharDevice: 7}
	var count int
	require.NoError(t, fs.WalkDir(source, ".", func(p string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		if p == "links/long" || p == "links/one" {
			require.NotContains(t, u.files, p) // their targets do not fit
			return nil
		}
		name := p
		if other, ok := changed[p]; ok {
			name = other
		}
		count++
		if strings.Count(p, "/d/") > 20 {
			require.Contains(t, u.files, p)
			return nil
		}
		f := u.files[name]
		require.NotNil(t, f, name)
		info, err := d.Info()
		require.NoError(t, err)
		require.Equal(t, kinds[info.Mode().Type()], f.kind, p)
		unix := info.Sys().(layer.Sys).Unix()
		require.Equal(t, [2]uint32{unix.UID, unix.GID}, [2]uint32{f.uid, f.gid}, p)
		perm := uint32(info.Mode().Perm())
		require.Equal(t, perm&7|perm>>3&7<<5|perm>>6&7<<10, f.perm, p)
		for bit, mode := range map[uint16]fs.FileMode{1 << 6: fs.ModeSetuid, 1 << 7: fs.ModeSetgid, 1 << 8: fs.ModeSticky} {
			require.Equal(t, info.Mode()&mode != 0, f.icbFlags&bit != 0, p)
		}
		switch info.Mode().Type() {
		case 0:
			want, err := fs.ReadFile(source, p)
			require.NoError(t, err)
			require.True(t, bytes.Equal(want, u.content(f)), p)
		case fs.ModeSymlink:
			want, err := fs.ReadLink(source, p)
			require.NoError(t, err)
			want = map[string]string{"/usr//lib/../x/.": "/usr/lib/../x/.", `\xff/\x5cx41`: `_/\x41`, "dir/": "dir/.", "//server/x": "/server/x"}[want]
			if want != "" {
				require.Equal(t, want, u.target(f), p)
			}
		case fs.ModeDevice, fs.ModeDevice | fs.ModeCharDevice:
			ea := f.extendedAttributes
			u.tag(ea, 262, f.icb)
			require.Equal(t, []uint32{12, 1, 56, 32, unix.Major, unix.Minor}, []uint32{u32(ea[24:]), u32(ea[28:]), u32(ea[32:]), u32(ea[36:]), u32(ea[40:]), u32(ea[44:])}, p)
		}
		return nil
	}))
	require.Len(t, u.files, count)
	require.Equal(t, u.files["hard1"].icb, u.files["z/hard2"].icb)
	require.Equal(t, 2, u.files["hard1"].links)
	require.Equal(t, "a.txt", u.target(u.files["link"]))
	require.Equal(t, "../..", u.target(u.files["links/up"]))
	require.Equal(t, "/", u.target(u.files["links/root"]))
}

func TestUDFTimes(t *testing.T) {
	fine := memData(nil)
	fine.mtime = time.Date(2024, 2, 29, 12, 34, 56, 123456789, time.UTC)
	old := memData(nil)
	old.mtime = time.Date(1601, 1, 2, 3, 4, 5, 0, time.UTC)
	u := udfTree(t, memTree(memEntry{"fine", fine}, memEntry{"old", old}))
	require.Equal(t, [12]byte{0, 0x10, 0xe8, 7, 2, 29, 12, 34, 56, 12, 34, 56}, u.files["fine"].mtime)
	require.Equal(t, [12]byte{0, 0x10, 0x41, 6, 1, 2, 3, 4, 5}, u.files["old"].mtime)
}

// TestUDFExtents writes files of several extents, and of so many that their
// descriptors take further blocks, by lowering how much one extent holds.
func TestUDFExtents(t *testing.T) {
	for extents, allocated := range map[int]int{1: 0, 2: 0, 234: 0, 235: 1, 233 + 253: 1, 233 + 254: 2, 233 + 252 + 253: 2, 233 + 252 + 254: 3} {
		t.Run(fmt.Sprint(extents), func(t *testing.T) {
			data := bytes.Repeat([]byte("0123456789abcdeX"), extents*sectorSize/16)
			data = data[:len(data)-5]
			limit := func(s *settings) { s.maxExtent = sectorSize }
			u := udfTree(t, memTree(memEntry{"before", memData(data)}, memEntry{"file", memData(data)}, memEntry{"next", memData([]byte("next"))}), limit)
			f := u.files["file"]
			require.Len(t, f.extents, extents)
			require.Equal(t, allocated, f.allocated)
			require.True(t, bytes.Equal(data, u.content(f)))
			require.True(t, bytes.Equal(data, u.content(u.files["before"])))
			require.Equal(t, "next", string(u.content(u.files["next"])))
		})
	}
}

func TestUDFLargeDirectory(t *testing.T) {
	root := memTree()
	for i := range 3000 {
		root.children = append(root.children, memEntry{fmt.Sprintf("%0200d", i), memData(fmt.Append(nil, i))})
	}
	limit := func(s *settings) { s.maxExtent = sectorSize }
	u := udfTree(t, root, limit)
	require.Len(t, u.files, 3001)
	require.Positive(t, u.files["."].allocated)
	require.Equal(t, "2999", string(u.content(u.files[fmt.Sprintf("%0200d", 2999)])))
}

func TestUDFLabel(t *testing.T) {
	for label, want := range map[string]string{
		"": "", "WEB01": "WEB01", strings.Repeat("x", 200): strings.Repeat("x", 126), strings.Repeat("€", 200): strings.Repeat("€", 63),
	} {
		image, _, err := written(memFS(memTree()), WithLabel(label))
		require.NoError(t, err)
		d := image[(mainSequence+3)*sectorSize:][:512]
		require.Equal(t, tagLogicalVolume, u16(d))
		field := d[84:212]
		if n := field[127]; n > 0 {
			require.Equal(t, want, cs0(t, field[:n]))
		} else {
			require.Empty(t, want)
		}
	}
}

func TestWithoutUDF(t *testing.T) {
	image, _, err := written(memFS(everything()), WithoutUDF())
	require.NoError(t, err)
	require.NotContains(t, string(image), "NSR0")
	got, err := opened(image)
	require.NoError(t, err)
	equalTrees(t, memFS(everything()), got)
}

// TestSameData checks that all views have the one copy of a file.
func TestSameData(t *testing.T) {
	image, _, err := written(memFS(everything()))
	require.NoError(t, err)
	u := readUDF(t, bytes.NewReader(image), int64(len(image)))
	got, err := opened(image)
	require.NoError(t, err)
	for _, p := range []string{"a.txt", "big", "hard1", "z/hard2"} {
		f, err := got.Open(p)
		require.NoError(t, err)
		for e, err := range f.(layer.File).Extents() {
			require.NoError(t, err)
			require.Equal(t, u.files[path.Clean(p)].extents[0], [2]int64{e.Physical, e.Length}, p)
		}
	}
}

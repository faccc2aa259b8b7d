package lvm

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

const testdata = "../testdata/lvm/"

// gunzip returns the content of a file in testdata.
func gunzip(t testing.TB, name string) []byte {
	t.Helper()
	f, err := os.Open(testdata + name)
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	data, err := io.ReadAll(z)
	require.NoError(t, err)
	return data
}

// memory returns a PV that lies in memory.
func memory(name string, data []byte) PV {
	return PV{Name: name, Reader: bytes.NewReader(data), Size: int64(len(data))}
}

// golden returns the PVs of a set in testdata.
func golden(t testing.TB, set string) []PV {
	t.Helper()
	names, err := filepath.Glob(testdata + set + ".pv*.img.gz")
	require.NoError(t, err)
	require.NotEmpty(t, names)
	var pvs []PV
	for _, name := range names {
		base := filepath.Base(name)
		pvs = append(pvs, memory(strings.TrimSuffix(base, ".img.gz"), gunzip(t, base)))
	}
	return pvs
}

// sums returns a manifest: what the kernel read, by path.
func sums(t testing.TB, set string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(testdata + set + ".sha256")
	require.NoError(t, err)
	list := make(map[string]string)
	for line := range strings.Lines(string(data)) {
		sum, path, ok := strings.Cut(strings.TrimSpace(line), "  ")
		require.True(t, ok, line)
		list[path] = sum
	}
	return list
}

// goldenSets are the sets of which every volume can be read but those named.
var goldenSets = []struct {
	name    string
	without int               // index of the PV to leave out, or -1
	sums    string            // manifest
	refused map[string]error  // by path
	says    map[string]string // part of the error
}{
	{name: "linear", without: -1, sums: "linear"},
	{name: "striped", without: -1, sums: "striped"},
	{name: "striped", without: 2, sums: "striped-missing", refused: map[string]error{
		"vg_striped/three4k": layer.ErrIncomplete, "vg_striped/two64k": layer.ErrIncomplete,
		"vg_striped/three64k": layer.ErrIncomplete, "vg_striped/grown": layer.ErrIncomplete,
	}, says: map[string]string{"vg_striped/two64k": "/dev/sdc"}},
	{name: "areas", without: -1, sums: "areas"},
	{name: "wrapped", without: -1, sums: "wrapped"},
	{name: "names", without: -1, sums: "names"},
	{name: "stale", without: -1, sums: "stale"},
	{name: "refused", without: -1, sums: "refused"},
}

// TestGolden compares every volume with what the kernel's device-mapper read
// from it.
func TestGolden(t *testing.T) {
	for _, set := range goldenSets {
		t.Run(set.name, func(t *testing.T) {
			pvs := golden(t, set.name)
			if set.without >= 0 {
				pvs = append(pvs[:set.without:set.without], pvs[set.without+1:]...)
			}
			fsys, err := Open(pvs)
			require.NoError(t, err)
			want := sums(t, set.sums)
			err = fs.WalkDir(fsys, ".", func(path string, d fs.DirEntry, err error) error {
				require.NoError(t, err)
				if d.IsDir() {
					return nil
				}
				sum := want[path]
				delete(want, path)
				if kind := set.refused[path]; kind != nil {
					_, err := fsys.Open(path)
					require.ErrorIs(t, err, kind)
					require.ErrorContains(t, err, set.says[path])
					return nil
				}
				require.NotEmpty(t, sum, "%s is in no manifest", path)
				f, err := fsys.Open(path)
				require.NoError(t, err, path)
				if sum == "error" {
					_, err = io.Copy(io.Discard, f)
					require.ErrorIs(t, err, layer.ErrIncomplete, path)
					return nil
				}
				checkVolume(t, path, f.(layer.File), sum)
				return nil
			})
			require.NoError(t, err)
			require.Empty(t, want, "not in the file system")
		})
	}
}

// checkVolume reads a file from its start to its end, then in pieces of all
// sizes and from many goroutines.
func checkVolume(t *testing.T, path string, f layer.File, sum string) {
	var content bytes.Buffer
	_, err := f.WriteTo(&content)
	require.NoError(t, err, path)
	require.EqualValues(t, content.Len(), f.Size(), path)
	checkContent(t, path, f, content.Bytes(), sum)
}

// checkContent compares a file with its manifest, and what is read of it in
// pieces with its content.
func checkContent(t *testing.T, path string, f io.ReaderAt, content []byte, sum string) {
	got := sha256.Sum256(content)
	require.Equal(t, sum, hex.EncodeToString(got[:]), path)
	size := int64(len(content))
	var wait sync.WaitGroup
	for seed := range uint64(4) {
		wait.Go(func() {
			random := rand.New(rand.NewPCG(seed, 0))
			for range 50 {
				off := random.Int64N(size)
				buf := make([]byte, 1+random.IntN(1<<(1+random.IntN(18))))
				n, err := f.ReadAt(buf, off)
				want := content[off:min(off+int64(len(buf)), size)]
				if n != len(want) || (err != nil && err != io.EOF) || !bytes.Equal(buf[:n], want) {
					t.Errorf("%s: ReadAt(%d bytes, %d) = %d, %v", path, len(buf), off, n, err)
				}
			}
		})
	}
	wait.Wait()
}

func TestGoldenExtents(t *testing.T) {
	pvs := golden(t, "striped")
	fsys, err := Open(pvs)
	require.NoError(t, err)
	for _, path := range []string{"vg_striped/grown", "vg_striped/three4k", "vg_striped/spans"} {
		f, err := fsys.Open(path)
		require.NoError(t, err)
		want, err := fsys.ReadFile(path)
		require.NoError(t, err)
		got := make([]byte, len(want))
		for e, err := range f.(layer.File).Extents() {
			require.NoError(t, err)
			_, err = pvs[e.Source].Reader.ReadAt(got[e.Offset:][:e.Length], e.Physical)
			require.NoError(t, err)
		}
		require.True(t, bytes.Equal(want, got), path)
	}
}

func TestGoldenFS(t *testing.T) {
	for _, set := range []string{"areas", "wrapped", "names", "stale"} { // the small ones: it reads byte by byte
		fsys, err := Open(golden(t, set))
		require.NoError(t, err)
		var paths []string
		for path, sum := range sums(t, set) {
			if sum != "error" {
				paths = append(paths, path)
			}
		}
		require.NoError(t, fstest.TestFS(fsys, paths...), set)
	}
}

// report is what lvm fullreport writes; its numbers are strings.
type report struct {
	Report []struct {
		VG []struct {
			Name       string `json:"vg_name"`
			UUID       string `json:"vg_uuid"`
			Seqno      string `json:"vg_seqno"`
			ExtentSize string `json:"vg_extent_size"`
			Tags       string `json:"vg_tags"`
		} `json:"vg"`
		PV []struct {
			Name    string `json:"pv_name"`
			UUID    string `json:"pv_uuid"`
			Start   string `json:"pe_start"`
			Size    string `json:"dev_size"`
			Missing string `json:"pv_missing"`
			Areas   string `json:"pv_mda_count"`
		} `json:"pv"`
		LV []struct {
			Name string `json:"lv_name"`
			UUID string `json:"lv_uuid"`
			Size string `json:"lv_size"`
			Tags string `json:"lv_tags"`
		} `json:"lv"`
		Segments []struct {
			LV         string `json:"lv_name"`
			Type       string `json:"segtype"`
			Start      string `json:"seg_start"`
			Size       string `json:"seg_size"`
			Stripes    string `json:"stripes"`
			StripeSize string `json:"stripe_size"`
		} `json:"seg"`
	} `json:"report"`
}

// number returns one of a report's numbers.
func number(t *testing.T, s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	require.NoError(t, err)
	return n
}

// sortedTags returns tags in the report's order; one empty string is none.
func sortedTags(tags []string) []string {
	if len(tags) == 0 {
		return []string{""}
	}
	return slices.Sorted(slices.Values(tags))
}

// TestGoldenReport compares what Groups tells with LVM's own report.
func TestGoldenReport(t *testing.T) {
	for _, set := range []string{"linear", "striped", "areas", "wrapped", "refused"} {
		t.Run(set, func(t *testing.T) {
			pvs := golden(t, set)
			fsys, err := Open(pvs)
			require.NoError(t, err)
			require.Len(t, fsys.Groups(), 1)
			g := fsys.Groups()[0]
			var all report
			require.NoError(t, json.Unmarshal(gunzip(t, set+".json.gz"), &all))
			want := all.Report[0]

			vg := want.VG[0]
			require.Equal(t, []any{vg.Name, vg.UUID, number(t, vg.Seqno), number(t, vg.ExtentSize), vg.Tags},
				[]any{g.Name, g.UUID, g.Seqno, g.ExtentSize, strings.Join(g.Tags, ",")})
			require.Equal(t, g.Name, g.Dir)
			require.False(t, g.Created.IsZero())

			require.Len(t, g.PVs, len(want.PV))
			for i, pv := range want.PV {
				got := g.PVs[i]
				require.Equal(t, []any{pv.Name, pv.UUID, number(t, pv.Size), pv.Missing != ""}, []any{got.Device, got.UUID, got.Size, got.Missing})
				require.Equal(t, number(t, pv.Start), got.Start)
				require.Equal(t, pvs[i].Name, got.PV)
				label, err := ReadLabel(pvs[i].Reader, pvs[i].Size)
				require.NoError(t, err)
				require.Equal(t, pv.UUID, label.UUID)
				require.Equal(t, number(t, pv.Size), label.Size)
				require.EqualValues(t, number(t, pv.Areas), len(label.MetadataAreas))
				require.True(t, label.Used)
			}

			volumes := make(map[string]*Volume)
			for _, v := range g.Volumes {
				volumes[v.Name] = v
			}
			for _, lv := range want.LV {
				v := volumes[strings.Trim(lv.Name, "[]")]
				require.NotNil(t, v, lv.Name)
				require.Equal(t, []any{lv.UUID, strings.Split(lv.Tags, ","), !strings.HasPrefix(lv.Name, "[")}, []any{v.UUID, sortedTags(v.Tags), v.Visible}, lv.Name)
				if lv.Name == "snap" { // the report has the size of its store
					require.Equal(t, volumes["origin"].Size, v.Size)
				} else {
					require.Equal(t, number(t, lv.Size), v.Size, lv.Name)
				}
			}
			next := make(map[string]int)
			for _, s := range want.Segments {
				name := strings.Trim(s.LV, "[]")
				v := volumes[name]
				require.Greater(t, len(v.Segments), next[name], name)
				got := v.Segments[next[name]]
				next[name]++
				require.Equal(t, []int64{number(t, s.Start), number(t, s.Size)}, []int64{got.Start, got.Length}, name)
				if got.Type == "striped" {
					require.EqualValues(t, number(t, s.Stripes), len(got.Stripes), name)
					require.Equal(t, number(t, s.StripeSize), got.StripeSize, name)
				} else {
					require.Equal(t, s.Type, got.Type, name)
				}
			}
		})
	}
}

func TestGoldenWarnings(t *testing.T) {
	for set, want := range map[string][]string{
		"linear":  nil,
		"wrapped": nil,
		"areas":   {"lvm: areas.pv2: metadata area is set to be ignored (at byte 4096)", "lvm: areas.pv2: metadata area is set to be ignored"},
		"stale":   {`metadata of group "vg_stale", change`, "belongs to a group whose metadata is not there"},
	} {
		fsys, err := Open(golden(t, set))
		require.NoError(t, err)
		got := fsys.Warnings()
		require.Len(t, got, len(want), "%v", got)
		for i := range want {
			require.ErrorContains(t, got[i], want[i])
		}
	}
}

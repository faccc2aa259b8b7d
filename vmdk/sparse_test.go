package vmdk

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

const sparseDir = goldenDir + "/sparse"

// sparseFiles are the images in testdata/vmdk/sparse, decompressed once.
var sparseFiles = sync.OnceValues(func() (fstest.MapFS, error) {
	paths, err := filepath.Glob(filepath.Join(sparseDir, "*.gz"))
	if err != nil {
		return nil, err
	}
	files := make(fstest.MapFS)
	for _, p := range paths {
		f, err := os.Open(p)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(z)
		if err != nil {
			return nil, err
		}
		files[strings.TrimSuffix(filepath.Base(p), ".gz")] = &fstest.MapFile{Data: data}
	}
	return files, nil
})

// sparseFS returns a directory of the images, in which a test may replace
// files.
func sparseFS(t testing.TB) fstest.MapFS {
	files, err := sparseFiles()
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 30)
	return maps.Clone(files)
}

// A golden is a line of testdata/vmdk/sparse/sha256: what qemu-img reads.
type golden struct {
	sum, name      string
	offset, length int64
}

func sparseSums(t testing.TB) []golden {
	text, err := os.ReadFile(filepath.Join(sparseDir, "sha256"))
	require.NoError(t, err)
	var list []golden
	for line := range strings.Lines(string(text)) {
		var g golden
		_, err := fmt.Sscan(line, &g.sum, &g.name, &g.offset, &g.length)
		require.NoError(t, err)
		list = append(list, g)
	}
	require.GreaterOrEqual(t, len(list), 25)
	return list
}

// sum reads length bytes at off in pieces of step bytes and returns their hash.
func sum(t testing.TB, f layer.File, off, length int64, step int) string {
	h := sha256.New()
	_, err := io.CopyBuffer(h, onlyReader{io.NewSectionReader(f, off, length)}, make([]byte, step))
	require.NoError(t, err)
	return fmt.Sprintf("%x", h.Sum(nil))
}

type onlyReader struct{ io.Reader }

func TestSparseGolden(t *testing.T) {
	dir := sparseFS(t)
	for _, g := range sparseSums(t) {
		t.Run(fmt.Sprint(g.name, g.offset), func(t *testing.T) {
			f := mustOpen(t, dir, g.name)
			file := content(t, f)
			for _, step := range []int{512, 5000, 1 << 20} {
				require.Equal(t, g.sum, sum(t, file, g.offset, g.length, step), step)
			}
			if g.offset == 0 && file.Size() < 8<<20 {
				require.Equal(t, g.length, file.Size())
			}
			require.LessOrEqual(t, g.offset+g.length, file.Size())
			require.Empty(t, f.Warnings())
		})
	}
}

// TestSparseFS: it reads one byte after the other, so that the disk is small.
func TestSparseFS(t *testing.T) {
	require.NoError(t, fstest.TestFS(mustOpen(t, chainDir(), "vm/snap.vmdk"), "disk"))
}

// A region is a line of `qemu-img map`.
type region struct {
	Start, Length int64
	Data          bool
	Offset        int64
}

// TestSparseMap compares what is stored with what `qemu-img map` says.
func TestSparseMap(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(sparseDir, "maps.json"))
	require.NoError(t, err)
	var disks map[string][]region
	require.NoError(t, json.Unmarshal(text, &disks))
	require.GreaterOrEqual(t, len(disks), 20)
	for name, regions := range disks {
		t.Run(name, func(t *testing.T) {
			var want, got []region
			for _, r := range regions {
				if r.Data {
					want = join(want, region{Start: r.Start, Length: r.Length})
				}
			}
			file := content(t, mustOpen(t, sparseFS(t), name))
			for e, err := range file.Extents() {
				require.NoError(t, err)
				got = join(got, region{Start: e.Offset, Length: e.Length})
				for _, r := range regions {
					if r.Data && r.Offset > 0 && e.Physical >= 0 && e.Offset >= r.Start && e.Offset < r.Start+r.Length {
						require.Equal(t, r.Offset+e.Offset-r.Start, e.Physical)
					}
				}
			}
			require.Equal(t, want, got)
		})
	}
}

// join appends r to list, to the last of it where they touch.
func join(list []region, r region) []region {
	if n := len(list); n > 0 && list[n-1].Start+list[n-1].Length == r.Start {
		list[n-1].Length += r.Length
		return list
	}
	return append(list, r)
}

// TestChainLinks: the chain is told from the top to the base.
func TestChainLinks(t *testing.T) {
	var got []string
	links := mustOpen(t, sparseFS(t), "base-000002.vmdk").Chain()
	for i, link := range links {
		got = append(got, fmt.Sprint(link.Name, " ", link.Kind, " ", link.Size))
		if i > 0 {
			require.Equal(t, link.Descriptor.CID, links[i-1].Descriptor.ParentCID)
		}
	}
	require.Equal(t, []string{
		"base-000002.vmdk seSparse 1049088",
		"base-000001.vmdk vmfsSparse 1049088",
		"base.vmdk monolithicFlat 1049088",
	}, got)
	require.Len(t, mustOpen(t, sparseFS(t), "chain7.vmdk").Chain(), 8)
	raw := mustOpen(t, sparseFS(t), "base-flat.vmdk").Chain()
	require.Equal(t, []Link{{Name: "base-flat.vmdk", Kind: "raw", Size: 1049088}}, raw)
}

// TestSparseConcurrent: many goroutines read a chain and a stream at once.
func TestSparseConcurrent(t *testing.T) {
	for _, name := range []string{"chain7.vmdk", "over.vmdk", "ovf-grain8.vmdk"} {
		file := content(t, mustOpen(t, sparseFS(t), name))
		want := make([]byte, file.Size())
		_, err := content(t, mustOpen(t, sparseFS(t), name)).ReadAt(want, 0)
		require.NoError(t, err)
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				buf := make([]byte, 30000)
				for off := i * 700; off < len(want); off += 25013 {
					n, err := file.ReadAt(buf, int64(off))
					if err != nil && err != io.EOF || !bytes.Equal(buf[:n], want[off:min(len(want), off+len(buf))]) {
						t.Error(name, off, n, err)
						return
					}
				}
			})
		}
		wg.Wait()
	}
}

// TestSourceNumbers: the sources are the files in the order in which the
// descriptors name them, and compressed grains lie in no place.
func TestSourceNumbers(t *testing.T) {
	sources := make(map[int]bool)
	for e, err := range content(t, mustOpen(t, sparseFS(t), "over.vmdk")).Extents() {
		require.NoError(t, err)
		require.Equal(t, e.Source == 1, e.Physical < 0) // the stream
		sources[e.Source] = true
	}
	require.Equal(t, []int{0, 1}, slices.Sorted(maps.Keys(sources)))
}

// TestGrainCutByExtent: a grain that its extent cuts short does not reach into
// the next one.
func TestGrainCutByExtent(t *testing.T) {
	dir := sparseFS(t)
	sparse, flat := whole(t, dir, "tables16.vmdk"), dir["mixed-f001.vmdk"].Data
	dir["cut.vmdk"] = &fstest.MapFile{Data: []byte("# Disk DescriptorFile\nversion=1\nRW 3 SPARSE tables16.vmdk\nRW 5 ZERO\nRW 6147 SPARSE tables16.vmdk\nRW 28 FLAT mixed-f001.vmdk 0\n")}
	want := slices.Concat(sparse[:3*512], make([]byte, 5*512), sparse, flat[:28*512])
	bad, err := failing(t, mustOpen(t, dir, "cut.vmdk"), want, 3000)
	require.Empty(t, bad, err)
}

package vmdk

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

// BenchmarkOpen opens a sparse disk of 2 TiB and reads a sector of it.
func BenchmarkOpen(b *testing.B) {
	buf := make([]byte, 512)
	b.ReportAllocs()
	for b.Loop() {
		f, err := Open(newLarge(), "large.vmdk")
		require.NoError(b, err)
		_, err = content(b, f).ReadAt(buf, 1<<40)
		require.NoError(b, err)
		f.Close()
	}
}

// BenchmarkRandom reads 4 KiB at random from a sparse disk of 2 TiB, in which
// nearly every read needs a piece of the tables that is not kept.
func BenchmarkRandom(b *testing.B) {
	file := content(b, mustOpen(b, newLarge(), "large.vmdk"))
	buf := make([]byte, 4096)
	random := rand.New(rand.NewPCG(1, 2))
	b.SetBytes(4096)
	for b.Loop() {
		if _, err := file.ReadAt(buf, random.Int64N(largeSectors/8)*4096); err != nil {
			b.Fatal(err)
		}
	}
}

// benchSize is the size of the disks that are read as a whole.
const benchSize = 256 << 20

// sparseDisk returns a directory with a hosted sparse disk whose grains are all
// stored in their order, and the same flat.
func sparseDisk() fstest.MapFS {
	const grains, tables = benchSize / 65536, benchSize / 65536 / 512
	const data = 128 << 10
	image := make([]byte, data+benchSize)
	copy(image, newLarge().head[:512])
	le := binary.LittleEndian
	le.PutUint64(image[12:], benchSize/512)
	le.PutUint32(image[8:], flagNewlines)
	le.PutUint64(image[56:], 22) // the directory; the tables follow
	le.PutUint64(image[64:], data/512)
	copy(image[512:], fmt.Sprintf("# Disk DescriptorFile\nversion=1\nRW %d SPARSE \"x\"\n", benchSize/512))
	for i := range tables {
		le.PutUint32(image[22*512+4*i:], uint32(23+4*i))
	}
	for i := range grains {
		le.PutUint32(image[23*512+4*i:], uint32(data/512+128*i))
	}
	for i := data; i < len(image); i += 512 {
		le.PutUint64(image[i:], uint64(i))
	}
	return fstest.MapFS{"sparse": {Data: image}, "flat": {Data: image[data:]}}
}

// BenchmarkSequential reads the same bytes from a sparse disk and flat, in
// pieces of 1 MiB.
func BenchmarkSequential(b *testing.B) {
	dir := sparseDisk()
	for _, name := range []string{"flat", "sparse"} {
		b.Run(name, func(b *testing.B) {
			file := content(b, mustOpen(b, dir, name))
			buf := make([]byte, 1<<20)
			b.SetBytes(benchSize)
			for b.Loop() {
				for off := int64(0); off < benchSize; off += int64(len(buf)) {
					if _, err := file.ReadAt(buf, off); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// BenchmarkStream reads a stream of text; the rate is of what is stored.
func BenchmarkStream(b *testing.B) {
	dir := sparseFS(b)
	for _, name := range []string{"ovf.vmdk", "ovf-grain8.vmdk"} {
		b.Run(name, func(b *testing.B) {
			file := content(b, mustOpen(b, dir, name))
			stored := int64(0)
			for e := range file.Extents() {
				stored += e.Length
			}
			b.SetBytes(stored)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := io.Copy(io.Discard, io.NewSectionReader(file, 0, file.Size())); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestSparseDisk: what the benchmark compares is equal.
func TestSparseDisk(t *testing.T) {
	dir := sparseDisk()
	flat, sparse := content(t, mustOpen(t, dir, "flat")), content(t, mustOpen(t, dir, "sparse"))
	require.Equal(t, flat.Size(), sparse.Size())
	a, b := make([]byte, 1<<20), make([]byte, 1<<20)
	for off := int64(0); off < benchSize; off += 31 << 20 {
		n, err := flat.ReadAt(a, off)
		require.NoError(t, err)
		_, err = sparse.ReadAt(b[:n], off)
		require.NoError(t, err)
		require.True(t, bytes.Equal(a, b))
	}
	var extents []layer.Extent
	for e, err := range sparse.Extents() {
		require.NoError(t, err)
		extents = append(extents, e)
	}
	require.Equal(t, []layer.Extent{{Length: benchSize, Physical: 128 << 10}}, extents)
}

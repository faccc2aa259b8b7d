package lvm

import (
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

// BenchmarkThin reads a thin volume of 128 MiB from its start to its end, from
// a file, whose chunks of 64 KiB lie in runs of four in any order.
func BenchmarkThin(b *testing.B) {
	const count, run = 2048, 4
	var mapping []entry64
	for _, first := range rand.New(rand.NewPCG(1, 2)).Perm(count / run) {
		for i := range run {
			mapping = append(mapping, entry64{uint64(len(mapping)), uint64(first*run + i)})
		}
	}
	p := newTestPool(252, mapping)
	data := content(b, p.pv(1, thinText("thin", count*poolChunk, 1, "")))
	label, err := readLabel(memory("", data))
	require.NoError(b, err)
	text, _, err := readText(memory("", data), label.MetadataAreas[0])
	require.NoError(b, err)
	larger := strings.NewReplacer("extent_count = 160\n", "extent_count = 32768\n", "pe_count = 252", "pe_count = 32800")
	pv := onePV('a', larger.Replace(string(text))).image()
	p.write(pv[testStart:])
	name := filepath.Join(b.TempDir(), "pv")
	require.NoError(b, os.WriteFile(name, pv, 0o600))
	file, err := os.OpenFile(name, os.O_RDWR, 0)
	require.NoError(b, err)
	defer file.Close()
	fill := make([]byte, 1<<20)
	for i := range fill {
		fill[i] = byte(i * 7)
	}
	size := int64(testStart + 32800*4096)
	for off := int64(testStart + poolMetadata*4096); off < size; off += int64(len(fill)) {
		_, err := file.WriteAt(fill[:min(int64(len(fill)), size-off)], off)
		require.NoError(b, err)
	}
	fsys, err := Open([]PV{{Name: "pv", Reader: file, Size: size}})
	require.NoError(b, err)
	f, err := fsys.Open("vg/thin")
	require.NoError(b, err)
	b.SetBytes(count * poolChunk * 4096)
	b.ReportAllocs()
	for b.Loop() {
		_, err := f.(layer.File).Seek(0, io.SeekStart)
		require.NoError(b, err)
		_, err = f.(layer.File).WriteTo(io.Discard)
		require.NoError(b, err)
	}
}

package lvm

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

// scattered returns a PV with a group of so many volumes, whose segments are
// one extent long and never follow each other.
func scattered(volumes, segments int) PV {
	var list []string
	for v := range volumes {
		var parts []string
		for s := range segments {
			parts = append(parts, linear(int64(s), 1, "pv0", int64((v*segments+s)*7%251)))
		}
		list = append(list, lvText(fmt.Sprintf("lv%d", v), parts...))
	}
	text := vgText("vg", 'g', 1, "a", list...)
	p := onePV('a', text)
	p.areas[0] = testArea{offset: testSize, size: areaHeaderSize + int64(len(text)), at: areaHeaderSize + 1000}
	return p.pv()
}

// BenchmarkOpen opens a group of 1,000 volumes with 10,000 segments.
func BenchmarkOpen(b *testing.B) {
	pvs := []PV{scattered(1000, 10)}
	b.ReportAllocs()
	for b.Loop() {
		fsys, err := Open(pvs)
		require.NoError(b, err)
		require.Len(b, fsys.Groups()[0].Volumes, 1000)
	}
}

// BenchmarkReadAt reads 4 KiB at random from a volume of 10,000 segments.
func BenchmarkReadAt(b *testing.B) {
	const segments = 10_000
	fsys, err := Open([]PV{scattered(1, segments)})
	require.NoError(b, err)
	f, err := fsys.Open("vg/lv0")
	require.NoError(b, err)
	buf := make([]byte, 4096)
	random := rand.New(rand.NewPCG(1, 2))
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.(layer.File).ReadAt(buf, random.Int64N(segments)*4096); err != nil {
			b.Fatal(err)
		}
	}
}

// TestManySegments reads a volume of 10,000 segments.
func TestManySegments(t *testing.T) {
	fsys := mustOpen(t, scattered(1, 10_000))
	f, err := fsys.Open("vg/lv0")
	require.NoError(t, err)
	n := 0
	for e, err := range f.(layer.File).Extents() {
		require.NoError(t, err)
		require.EqualValues(t, n*4096, e.Offset)
		require.EqualValues(t, testStart+n*7%251*4096, e.Physical)
		n++
	}
	require.Equal(t, 10_000, n)
}

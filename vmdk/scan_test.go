package vmdk

import (
	"bytes"
	"encoding/binary"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

// markersOf returns where the markers of a stream lie, from the first grain to
// its end: those of grains, and the first of each kind of metadata.
func markersOf(t *testing.T, data []byte) (grains []int, kinds map[uint32]int) {
	kinds = make(map[uint32]int)
	for off := 128 * 512; off < len(data); {
		m := (*marker)(data[off:])
		if m.size() > 0 {
			grains = append(grains, off)
			off += (grainMarker + int(m.size()) + 511) / 512 * 512
			continue
		}
		if _, ok := kinds[m.kind()]; !ok {
			kinds[m.kind()] = off
		}
		off += 512 + int(m.val())*512
	}
	require.GreaterOrEqual(t, len(grains), 3)
	require.Len(t, kinds, 4)
	return grains, kinds
}

// cut returns the images with one of them cut short.
func cut(t *testing.T, name string, n int) fstest.MapFS {
	dir := sparseFS(t)
	dir[name] = &fstest.MapFile{Data: dir[name].Data[:n]}
	return dir
}

// TestStreamWithoutFooter: a stream that lacks no more than its footer has its
// grain directory where the markers say, and reads as before.
func TestStreamWithoutFooter(t *testing.T) {
	for _, name := range []string{"ovf.vmdk", "ovf-grain8.vmdk"} {
		dir := sparseFS(t)
		want, data := whole(t, dir, name), dir[name].Data
		_, kinds := markersOf(t, data)
		header := (*hostedHeader)(data)
		damaged := map[string]fstest.MapFS{
			"cut before the footer":   cut(t, name, kinds[markerFooter]),
			"cut in the footer":       cut(t, name, len(data)-700),
			"without its end":         cut(t, name, len(data)-512),
			"zeros behind it":         patched(sparseFS(t), name, func([]byte) {}),
			"a damaged footer marker": patched(sparseFS(t), name, func(d []byte) { d[len(d)-1536+12] = 1 }),
			"a damaged footer":        patched(sparseFS(t), name, func(d []byte) { d[len(d)-1024] = 1 }),
			"a damaged end":           patched(sparseFS(t), name, func(d []byte) { d[len(d)-512] = 1 }),
			"no capacity in the header": patched(cut(t, name, kinds[markerFooter]), name, func(d []byte) {
				(*hostedHeader)(d).setCapacity(0)
			}),
		}
		damaged["zeros behind it"][name].Data = append(bytes.Clone(data), make([]byte, 4096)...)
		require.Equal(t, uint64(directoryEnd), header.gdOffset())
		for what, dir := range damaged {
			f := mustOpen(t, dir, name)
			bad, err := failing(t, f, want, 4096)
			require.Empty(t, bad, "%s: %v", what, err)
			require.Len(t, f.Warnings(), 1, what)
			require.ErrorContains(t, f.Warnings()[0], "its grain directory was found by the markers", what)
			require.NotErrorIs(t, f.Warnings()[0], layer.ErrIncomplete)
		}
	}
}

// TestCutStream: of a stream that was cut short, all that is in it is read, and
// what may have been behind the cut is an error.
func TestCutStream(t *testing.T) {
	for _, name := range []string{"ovf.vmdk", "ovf-grain8.vmdk"} {
		data := sparseFS(t)[name].Data
		want := whole(t, sparseFS(t), name)
		size := int((*hostedHeader)(data).grainSize()) * 512
		grains, kinds := markersOf(t, data)
		for i, off := range grains {
			if i == 0 {
				_, err := Open(cut(t, name, off), name)
				require.ErrorIs(t, err, layer.ErrIncomplete)
				require.ErrorContains(t, err, "ends without its footer")
				continue
			}
			last := int((*marker)(data[grains[i-1]:]).val()) * 512 // on the disk
			for _, tail := range [][]byte{nil, make([]byte, 512), make([]byte, 8192)} {
				dir := sparseFS(t)
				dir[name] = &fstest.MapFile{Data: append(bytes.Clone(data[:off]), tail...)}
				f := mustOpen(t, dir, name)
				require.Len(t, f.Warnings(), 1)
				require.ErrorIs(t, f.Warnings()[0], layer.ErrIncomplete)
				bad, err := failing(t, f, want, 512)
				require.ErrorIs(t, err, layer.ErrIncomplete)
				require.ErrorContains(t, err, "cut short")
				require.Equal(t, last+size, bad[0])
				require.Len(t, bad, (len(want)-bad[0])/512)
			}
		}
		// Cut in a grain: it is the one that cannot be read, with those behind.
		end := grains[len(grains)-1]
		f := mustOpen(t, cut(t, name, end+512), name)
		if (*marker)(data[end:]).size() > 500 {
			bad, err := failing(t, f, want, 512)
			require.ErrorIs(t, err, layer.ErrCorrupt)
			require.Equal(t, int((*marker)(data[end:]).val())*512, bad[0])
		}
		// Cut in the directory: all grains are there, and all else was never
		// written.
		f = mustOpen(t, cut(t, name, kinds[markerDirectory]+512), name)
		bad, err := failing(t, f, want, 4096)
		require.Empty(t, bad, err)
		require.Len(t, f.Warnings(), 1)
	}
}

// TestStreamOutOfOrder: without order, nobody knows where a stream was cut.
func TestStreamOutOfOrder(t *testing.T) {
	const name = "ovf-grain8.vmdk"
	data := sparseFS(t)[name].Data
	want := whole(t, sparseFS(t), name)
	grains, kinds := markersOf(t, data)
	a, b := grains[0], grains[1]
	swapped := append(bytes.Clone(data[:a]), data[b:grains[2]]...)
	swapped = append(swapped, data[a:b]...)
	swapped = append(swapped, data[grains[2]:kinds[markerDirectory]]...)
	dir := sparseFS(t)
	dir[name] = &fstest.MapFile{Data: swapped}
	bad, err := failing(t, mustOpen(t, dir, name), want, 4096)
	require.ErrorIs(t, err, layer.ErrIncomplete)
	require.Len(t, bad, (len(want)+4095)/4096-len(grains))

	dir = patched(cut(t, name, grains[4]), name, func(d []byte) { copy(d[b:b+8], d[a:a+8]) })
	_, err = Open(dir, name)
	require.ErrorIs(t, err, layer.ErrCorrupt)
	require.ErrorContains(t, err, "grain 0 twice")

	// A marker of a sector that is no grain's ends what is known.
	dir = patched(cut(t, name, grains[4]), name, func(d []byte) { binary.LittleEndian.PutUint64(d[grains[3]:], 1<<60) })
	bad, err = failing(t, mustOpen(t, dir, name), want, 4096)
	require.ErrorIs(t, err, layer.ErrIncomplete)
	require.Equal(t, int((*marker)(data[grains[2]:]).val())*512+4096, bad[0])
}

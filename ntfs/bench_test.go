package ntfs

import (
	"bytes"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/vnode"
)

// BenchmarkList lists a directory of 1200 names and describes each file, as a
// walk does.
func BenchmarkList(b *testing.B) {
	f := golden(b, "crowded")
	b.ReportAllocs()
	files := 0
	for b.Loop() {
		list, err := f.ReadDir("all")
		require.NoError(b, err)
		for _, e := range list {
			if _, err := e.Info(); err != nil {
				b.Fatal(err)
			}
		}
		files += len(list)
	}
	b.ReportMetric(float64(files)/b.Elapsed().Seconds(), "files/s")
}

// BenchmarkLookup finds a name in a directory of 1200.
func BenchmarkLookup(b *testing.B) {
	f := golden(b, "crowded")
	list, err := f.ReadDir("all")
	require.NoError(b, err)
	name := "all/" + list[len(list)/2].Name()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := fs.Stat(f, name); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPieces reads a file that lies in 1700 pieces, whose map is in many
// records.
func BenchmarkPieces(b *testing.B) {
	f := golden(b, "fragmented")
	info, err := f.Stat("pieces-1700")
	require.NoError(b, err)
	b.SetBytes(info.Size())
	for b.Loop() {
		if _, err := f.ReadFile("pieces-1700"); err != nil {
			b.Fatal(err)
		}
	}
}

// TestPieces reads single bytes of a file whose map is in many records, from
// its end to its start, so that parts of the map are decoded again and again.
func TestPieces(t *testing.T) {
	f := golden(t, "fragmented")
	whole, err := f.ReadFile("pieces-1700")
	require.NoError(t, err)
	file, err := f.Open("pieces-1700")
	require.NoError(t, err)
	defer file.Close()
	var got [1]byte
	for at := int64(len(whole)) - 1; at >= 0; at -= 509 {
		_, err := file.(vnode.Content).ReadAt(got[:], at)
		require.NoError(t, err)
		require.True(t, bytes.Equal(whole[at:at+1], got[:]), at)
	}
}

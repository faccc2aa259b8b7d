package ntfs

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/extent"
)

// TestDecodeRuns decodes mapping pairs of every form.
func TestDecodeRuns(t *testing.T) {
	g := &geometry{clusterSize: 512, clusters: 1 << 40}
	for _, c := range []struct {
		name  string
		pairs []byte
		end   int64
		want  []extent.Run
	}{
		{"none", []byte{0}, 0, nil},
		{"without an end", []byte{0x11, 2, 7}, 2, []extent.Run{{Length: 1024, Physical: 7 * 512}}},
		{"backwards", []byte{0x21, 4, 0, 2, 0x11, 1, 0xFF, 0}, 5, []extent.Run{{Length: 2048, Physical: 512 * 512}, {Offset: 2048, Length: 512, Physical: 511 * 512}}},
		{"a delta of zero is a place", []byte{0x11, 1, 9, 0x11, 1, 0, 0}, 2, []extent.Run{{Length: 512, Physical: 9 * 512}, {Offset: 512, Length: 512, Physical: 9 * 512}}},
		{"hole", []byte{0x11, 1, 9, 0x01, 3, 0x11, 1, 1, 0}, 5, []extent.Run{{Length: 512, Physical: 9 * 512}, {Offset: 512, Length: 1536, Source: extent.Hole}, {Offset: 2048, Length: 512, Physical: 10 * 512}}},
		{"numbers of 8 bytes", []byte{0x88, 1, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0, 0, 0, 1, 0, 0, 0, 0}, 1, []extent.Run{{Length: 512, Physical: (1<<32 + 0xFF) * 512}}},
		{"a length that needs a zero byte", []byte{0x12, 0x80, 0, 5, 0}, 128, []extent.Run{{Length: 65536, Physical: 5 * 512}}},
	} {
		got, err := decodeRuns(nil, c.pairs, 0, c.end, g)
		require.NoError(t, err, c.name)
		require.Equal(t, c.want, got, c.name)
	}
}

// TestRunForms decodes numbers of every size in both nibbles: a length, then a
// place forwards, backwards, with all its bytes in use, and none.
func TestRunForms(t *testing.T) {
	g := &geometry{clusterSize: 1, clusters: math.MaxInt64}
	number := func(size int, v int64) []byte { return le.AppendUint64(nil, uint64(v))[:size] }
	for n := 1; n <= 8; n++ {
		long := int64(1)<<(8*n-2) + 3 // has bits in its highest byte
		hole := append([]byte{byte(n)}, number(n, long)...)
		got, err := decodeRuns(nil, hole, 10, 10+long, g)
		require.NoError(t, err)
		require.Equal(t, []extent.Run{{Offset: 10, Length: long, Source: extent.Hole}}, got)
		for m := 1; m <= 8; m++ {
			far := int64(1)<<(8*m-2) - 7
			var pairs []byte
			for _, delta := range []int64{far, -1, 5, 1 - far} {
				pairs = append(append(append(pairs, byte(m<<4|n)), number(n, 3)...), number(m, delta)...)
			}
			got, err := decodeRuns(nil, append(pairs, 0), 10, 22, g)
			require.NoError(t, err)
			require.Equal(t, []extent.Run{{Offset: 10, Length: 3, Physical: far}, {Offset: 13, Length: 3, Physical: far - 1},
				{Offset: 16, Length: 3, Physical: far + 4}, {Offset: 19, Length: 3, Physical: 5}}, got, "%d, %d", n, m)
		}
	}
}

// TestDecodeRunsErrors: what does not cover its clusters exactly is refused.
func TestDecodeRunsErrors(t *testing.T) {
	g := &geometry{clusterSize: 512, clusters: 1000}
	for _, c := range []struct {
		pairs []byte
		end   int64
		text  string
	}{
		{[]byte{0}, 1, "end at cluster 0, not 1"},
		{[]byte{0x11, 1, 9, 0}, 2, "end at cluster 1"},
		{[]byte{0x11, 2, 9, 0}, 1, "2 clusters"},
		{[]byte{0x11, 0, 9, 0}, 1, "0 clusters"},
		{[]byte{0x11, 0xFF, 9, 0}, 1, "-1 clusters"},
		{[]byte{0x10, 9, 0}, 1, "form 0x10"},
		{[]byte{0x19, 1, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0}, 1, "form 0x19"},
		{[]byte{0x91, 1, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 1, "form 0x91"},
		{[]byte{0x21, 1, 9}, 1, "form 0x21"},
		{[]byte{0x11, 1, 0xF0, 0}, 1, "at cluster -16"},
		{[]byte{0x21, 1, 0xE8, 3, 0}, 1, "at cluster 1000"},
		{[]byte{0x81, 1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0x11, 1, 1, 0}, 2, "at cluster 9223372036854775807"},
		{[]byte{0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0}, math.MaxInt64, "9223372036854775807 clusters"},
	} {
		_, err := decodeRuns(nil, c.pairs, 0, c.end, g)
		require.ErrorContains(t, err, c.text)
	}
}

// BenchmarkDecodeRuns decodes as many runs as a record can hold.
func BenchmarkDecodeRuns(b *testing.B) {
	g := &geometry{clusterSize: 4096, clusters: 1 << 30}
	var pairs []byte
	for range 200 {
		pairs = append(pairs, 0x31, 1, 7, 5, 0)
	}
	var runs []extent.Run
	for b.Loop() {
		var err error
		if runs, err = decodeRuns(runs[:0], pairs, 0, 200, g); err != nil {
			b.Fatal(err)
		}
	}
}

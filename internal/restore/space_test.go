package restore

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFreeBytes(t *testing.T) {
	for _, c := range []struct {
		blocks int64
		size   uint64
		want   int64
		known  bool
	}{
		{3, 4096, 12288, true},
		{0, 4096, 0, true},
		{-7, 4096, 0, true},
		{math.MaxInt64, 1, math.MaxInt64, true},
		{math.MaxInt64, 2, 0, false},
	} {
		free, known := freeBytes(c.blocks, c.size)
		require.Equal(t, c.known, known, "%d * %d", c.blocks, c.size)
		if known {
			require.Equal(t, c.want, free, "%d * %d", c.blocks, c.size)
		}
	}
	_, known := freeBytes(uint64(math.MaxUint64), 1)
	require.False(t, known) // and not less than none
}

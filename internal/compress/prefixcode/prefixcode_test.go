package prefixcode

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCode(t *testing.T) {
	var c Code
	require.True(t, c.Build([]uint8{2, 0, 1, 3, 3})) // 10, none, 0, 110, 111
	for v, want := range map[uint32][2]uint{0x0000: {2, 1}, 0x7fff: {2, 1}, 0x8000: {0, 2}, 0xbfff: {0, 2}, 0xc000: {3, 3}, 0xe000: {4, 3}, 0xffff: {4, 3}} {
		symbol, n := c.Lookup(v)
		require.Equal(t, want, [2]uint{symbol, n}, "%#x", v)
	}
	lengths := make([]uint8, 17) // 0, 10, 110, ... the last two of 16 bits
	for i := range lengths {
		lengths[i] = uint8(min(i+1, 16))
	}
	require.True(t, c.Build(lengths))
	for i := range uint(16) {
		symbol, n := c.Lookup(0xffff << (16 - i) & 0xffff)
		require.Equal(t, [2]uint{i, i + 1}, [2]uint{symbol, n})
	}
	symbol, n := c.Lookup(0xffff)
	require.Equal(t, [2]uint{16, 16}, [2]uint{symbol, n})
}

func TestNoCode(t *testing.T) {
	var c Code
	require.False(t, c.Build([]uint8{1, 1, 1}), "too many")
	require.False(t, c.Build([]uint8{1, 2}), "too few")
	require.False(t, c.Build([]uint8{17}), "too long")
	require.True(t, c.Build([]uint8{0, 0}), "none")
	_, n := c.Lookup(0x1234)
	require.Zero(t, n)
}

package restore

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestZeros(t *testing.T) {
	b := make([]byte, 3*block+5)
	b[block] = 1
	require.Equal(t, block, zeros(b))
	require.Equal(t, block, data(b[block:]))
	require.Equal(t, block+5, zeros(b[2*block:]))
	require.Equal(t, 0, data(nil))
}

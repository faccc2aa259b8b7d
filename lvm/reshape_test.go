package lvm

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

// TestReshaping: raid that the kernel was reshaping when the machine went off
// is refused by name, with all PVs and without any one of them. What is beside
// it is read.
func TestReshaping(t *testing.T) {
	const all = 6
	want := sums(t, "reshaping")
	require.Len(t, want, 1)
	for without := range all + 1 {
		pvs := golden(t, "reshaping")
		require.Len(t, pvs, all)
		if without < all {
			pvs = append(pvs[:without:without], pvs[without+1:]...)
		}
		fsys := mustOpen(t, pvs...)
		for _, name := range []string{"legs5", "chunk6", "legs10"} {
			_, err := fsys.Open("vg_reshaping/" + name)
			require.ErrorIs(t, err, layer.ErrUnsupported, "%s without PV %d", name, without)
			require.ErrorContains(t, err, "raid that is being reshaped", name)
		}
		if without == all {
			for name, sum := range want {
				f, err := fsys.Open(name)
				require.NoError(t, err)
				checkVolume(t, name, f.(layer.File), sum)
			}
		}
	}
}

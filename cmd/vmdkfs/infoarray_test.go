package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestInfoArrays: arrays are told with their members, in which state they are.
func TestInfoArrays(t *testing.T) {
	first, second := unpacked(t, "md/stacked.disk0.img.gz"), unpacked(t, "md/stacked.disk1.img.gz")
	r := invoke(t, "info", first, "--disk", second)
	require.Equal(t, 0, r.status, r.err)
	for _, part := range []string{"Linux RAID member\n", "boot  Linux raid1", "stripe  Linux raid0", "metadata 1.0", "member 1  stacked.disk1.img/p1, in sync", "LVM2 PV  of vg_md"} {
		require.Contains(t, r.out, part)
	}
	r = invoke(t, "info", "--json", second)
	var f facts
	require.NoError(t, json.Unmarshal([]byte(r.out), &f))
	require.Len(t, f.Arrays, 2)
	require.Equal(t, []memberFacts{{0, "", "missing"}, {1, "p1", "in sync"}}, f.Arrays[0].Members)
	require.Contains(t, f.Arrays[1].Content.Error, "cannot do without member 0")
}

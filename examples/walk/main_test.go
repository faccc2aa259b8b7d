package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWalk(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, walk(&out, "../../testdata/web01/web01.vmdk"))
	for _, line := range []string{"p1: grub/grub.cfg\n", "vg_root/root: etc/hostname\n", "vg_root/home: alice\n", "# p2: LVM2 PV"} {
		require.Contains(t, out.String(), line)
	}
	require.Error(t, walk(&out, "../../testdata/none.vmdk"))
}

package main

import (
	"bytes"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestExtract(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, extract(&out, "../../testdata/web01/web01.vmdk", "vg_root/root/etc/hostname"))
	require.Equal(t, "web01\n", out.String())
	require.ErrorIs(t, extract(&out, "../../testdata/web01/web01.vmdk", "vg_root/root/none"), fs.ErrNotExist)
}

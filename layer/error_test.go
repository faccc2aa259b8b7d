package layer_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vmdkfs/vmdkfs/layer"
)

func TestError(t *testing.T) {
	for _, c := range []struct {
		err  *layer.Error
		want string
	}{
		{layer.Errorf(layer.ErrCorrupt, "ext3", "inode 12", 4096, "depth %d", 9), "ext3: inode 12: depth 9 (corrupt, at byte 4096)"},
		{layer.Errorf(layer.ErrIncomplete, "lvm", "", -1, "PV %s is missing", "x"), "lvm: PV x is missing (incomplete)"},
		{&layer.Error{Layer: "vmdk", Object: "a-flat.vmdk", Offset: 512, Err: io.ErrUnexpectedEOF}, "vmdk: a-flat.vmdk: unexpected EOF (at byte 512)"},
		{&layer.Error{Layer: "vmdk", Offset: -1, Err: layer.ErrFormat}, "vmdk (not this format)"},
	} {
		require.Equal(t, c.want, c.err.Error())
		require.ErrorIs(t, c.err, c.err.Err)
	}
}

// Tell what is missing from what is damaged.
func ExampleError() {
	err := fmt.Errorf("open: %w", layer.Errorf(layer.ErrIncomplete, "lvm", "vg_root/data", -1, "PV pv1 is missing"))
	var place *layer.Error
	fmt.Println(errors.Is(err, layer.ErrIncomplete), errors.Is(err, layer.ErrCorrupt))
	fmt.Println(errors.As(err, &place), place.Object)
	// Output:
	// true false
	// true vg_root/data
}

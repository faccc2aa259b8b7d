package vmdkfs

import (
	"io/fs"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A hugeFile is one that an image says has a terabyte, and its directory.
type hugeFile struct{ mode fs.FileMode }

func (f hugeFile) Mode() fs.FileMode { return f.mode }
func (hugeFile) Size() int64         { return 1 << 40 }
func (hugeFile) ModTime() time.Time  { return time.Time{} }
func (hugeFile) Sys() any            { return nil }

func (hugeFile) Lookup(string) (vnode.Node, error) { return struct{ vnode.Node }{hugeFile{0o644}}, nil }
func (hugeFile) Entries() iter.Seq2[vnode.Entry, error] {
	return func(func(vnode.Entry, error) bool) {}
}

// TestHugeGuestText: no file of the guest's configuration is read whole, however
// large it says that it is.
func TestHugeGuestText(t *testing.T) {
	g := &Guest{FS: vnode.New(hugeFile{fs.ModeDir | 0o755})}
	testimg.WithinBudget(t, func() {
		_, err := g.readText("fstab")
		require.ErrorIs(t, err, layer.ErrUnsupported)
		require.ErrorContains(t, err, "1099511627776 bytes, more than 1048576")
	})
}

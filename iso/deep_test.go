package iso

import (
	"bytes"
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

// TestDeep: of 100,000 directories, one in the other, there is an image of as
// many as can be read again, and an error.
func TestDeep(t *testing.T) {
	var image bytes.Buffer
	var report *Report
	var err error
	testimg.WithinBudget(t, func() { report, err = Write(&image, vnode.New(testimg.DeepDir(100_000))) })
	require.NoError(t, err)
	require.Len(t, report.Errors, 1)
	require.ErrorIs(t, report.Errors[0], layer.ErrCorrupt)
	require.ErrorContains(t, report.Errors[0], "more than 2048 directories deep")
	f, err := Open(bytes.NewReader(image.Bytes()), int64(image.Len()))
	require.NoError(t, err)
	deepest := strings.TrimSuffix(strings.Repeat("d/", maxDepth-1), "/")
	list, err := fs.ReadDir(f, deepest)
	require.NoError(t, err)
	require.Len(t, list, 1)
}

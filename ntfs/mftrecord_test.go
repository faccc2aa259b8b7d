package ntfs

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
)

// TestMFTRecordAttributes: the table's own record, and its copy, have attributes
// that contradict themselves, before it is known where any record lies.
func TestMFTRecordAttributes(t *testing.T) {
	image := testimg.NTFS(t, "c512")
	fsys, err := Open(bytes.NewReader(image), int64(len(image)))
	require.NoError(t, err)
	for _, at := range []int64{fsys.geo.mft, fsys.geo.mirror} {
		rec := record(image[at:])
		le.PutUint32(image[at+int64(rec.attrsOffset())+4:], 7) // the length of the first attribute
	}
	_, err = Open(bytes.NewReader(image), int64(len(image)))
	require.ErrorIs(t, err, layer.ErrCorrupt)
	require.ErrorContains(t, err, "7 bytes long")
}

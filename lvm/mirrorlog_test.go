package lvm

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/raid"
	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
)

// TestMirrorLogLimits: a log says of how many regions it likes; what is kept of
// it is bounded.
func TestMirrorLogLimits(t *testing.T) {
	log := make([]byte, mirrorLogBits+raid.MaxRegions/8+1)
	binary.LittleEndian.PutUint32(log, mirrorLogMagic)
	binary.LittleEndian.PutUint32(log[4:], mirrorLogVersion)
	binary.LittleEndian.PutUint64(log[8:], raid.MaxRegions)
	for i := range log[mirrorLogBits:] {
		log[mirrorLogBits+i] = 0x55 // every second region
	}
	read := func(regions int64) (bad []raid.Range, err error) {
		testimg.WithinBudget(t, func() { bad, err = readMirrorLog(bytes.NewReader(log), int64(len(log)), regions<<9, 1<<9) })
		return bad, err
	}
	_, err := read(raid.MaxRegions + 1)
	require.ErrorIs(t, err, layer.ErrUnsupported)
	require.ErrorContains(t, err, "regions, more than 67108864")
	_, err = read(raid.MaxRegions)
	require.ErrorIs(t, err, layer.ErrUnsupported)
	require.ErrorContains(t, err, "more than 1048576 parts")
	bad, err := read(2 * maxBad)
	require.NoError(t, err)
	require.Len(t, bad, maxBad)
}

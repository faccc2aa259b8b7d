package lvm

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"path"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

// failsOnce is a source of which one read fails.
type failsOnce struct {
	r    io.ReaderAt
	left *atomic.Int64
	err  error
}

func (f failsOnce) ReadAt(p []byte, off int64) (int, error) {
	if f.left.Add(-1) == 0 {
		return 0, f.err
	}
	return f.r.ReadAt(p, off)
}

// Whichever read of a PV fails: the error is that of the read, never one of
// damage, and is not kept.
func TestGoldenDMReadErrors(t *testing.T) {
	failed := errors.New("bad sector")
	for _, set := range []string{"odd", "cutcache", "cutwrite", "cutintegrity"} {
		whole := golden(t, set)[0]
		for name, sum := range sums(t, set) {
			if path.Dir(name) != "vg_"+set || path.Ext(name) != "" {
				continue
			}
			for n := int64(1); n < 25; n++ {
				pv := whole
				left := new(atomic.Int64)
				left.Store(n)
				pv.Reader = failsOnce{pv.Reader, left, failed}
				fsys, err := Open([]PV{pv})
				if err != nil {
					require.ErrorIs(t, err, failed)
					continue
				}
				f, err := fsys.Open(name)
				if err != nil {
					require.NotErrorIs(t, err, layer.ErrCorrupt, "%s, read %d", name, n)
					continue
				}
				_, err = io.Copy(io.Discard, f)
				if err == nil && left.Load() > 0 {
					break // there are no more reads
				}
				if err != nil {
					require.ErrorIs(t, err, failed)
				}
				data, err := fsys.ReadFile(name)
				require.NoError(t, err)
				got := sha256.Sum256(data)
				require.Equal(t, sum, hex.EncodeToString(got[:]))
			}
			break
		}
	}
}

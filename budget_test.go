package vmdkfs

import (
	"bytes"
	"io/fs"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

// A meter counts what is read of a source.
type meter struct {
	*bytes.Reader
	reads, bytes atomic.Int64
}

func (m *meter) ReadAt(p []byte, off int64) (int, error) {
	n, err := m.Reader.ReadAt(p, off)
	m.reads.Add(1)
	m.bytes.Add(int64(n))
	return n, err
}

// TestWorkOfWalk: a walk that describes every file reads what the image holds of
// metadata a few times at most, and lists no more names than it has room for.
func TestWorkOfWalk(t *testing.T) {
	for name, disk := range hostileDisks(t) {
		t.Run(name, func(t *testing.T) {
			m := &meter{Reader: bytes.NewReader(disk)}
			d := opened(t)(Open(testimg.Replace(fstest.MapFS{}, "disk", m, int64(len(disk))), "disk"))
			names := 0
			_ = fs.WalkDir(d, ".", func(_ string, e fs.DirEntry, err error) error {
				if names++; err == nil {
					_, _ = e.Info()
				}
				return nil
			})
			require.LessOrEqual(t, m.bytes.Load(), 2*int64(len(disk)))
			require.LessOrEqual(t, m.reads.Load(), int64(len(disk))/1024)
			require.LessOrEqual(t, names, len(disk)/8) // the smallest entry of a directory
		})
	}
}

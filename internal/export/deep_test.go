package export

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

// TestDeep: 100,000 directories, one in the other, end with an error, and take
// little memory.
func TestDeep(t *testing.T) {
	fsys := vnode.New(testimg.DeepDir(100_000))
	source := Source{Path: ".", Content: true}
	dest := filepath.Join(t.TempDir(), "copy")
	for name, export := range map[string]func(Options) error{
		"copy": func(o Options) error { _, err := Copy(t.Context(), fsys, []Source{source}, dest, o); return err },
		"tar":  func(o Options) error { _, err := Tar(t.Context(), fsys, []Source{source}, io.Discard, o); return err },
		"zip": func(o Options) error {
			_, err := Zip(t.Context(), fsys, []Source{source}, io.Discard, false, o)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			failed := false
			err := export(Options{Fail: func(_ string, err error) { failed = failed || errors.Is(err, layer.ErrCorrupt) }})
			runtime.ReadMemStats(&after)
			require.NoError(t, err)
			require.True(t, failed)
			require.Less(t, after.HeapSys, before.HeapSys+256<<20)
		})
	}
	_, err := os.Stat(filepath.Join(dest, "d", "d", "d"))
	require.NoError(t, err)
}

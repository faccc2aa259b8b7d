package export

import (
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A deepDir holds one directory, and so on for so many levels.
type deepDir int

func (deepDir) Mode() fs.FileMode  { return fs.ModeDir | 0o755 }
func (deepDir) Size() int64        { return 0 }
func (deepDir) ModTime() time.Time { return time.Unix(0, 0) }
func (deepDir) Sys() any           { return nil }

func (d deepDir) Lookup(name string) (vnode.Node, error) {
	if name != "d" || d == 0 {
		return nil, fs.ErrNotExist
	}
	return d - 1, nil
}

func (d deepDir) Entries() iter.Seq2[vnode.Entry, error] {
	return func(yield func(vnode.Entry, error) bool) {
		if d > 0 {
			yield(deepEntry(d-1), nil)
		}
	}
}

type deepEntry deepDir

func (deepEntry) Name() string                { return "d" }
func (deepEntry) Type() fs.FileMode           { return fs.ModeDir }
func (e deepEntry) Node() (vnode.Node, error) { return deepDir(e), nil }

// TestDeep: 100,000 directories, one in the other, end with an error, and take
// little memory.
func TestDeep(t *testing.T) {
	fsys := vnode.New(deepDir(100_000))
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

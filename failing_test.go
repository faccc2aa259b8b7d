package vmdkfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
)

// TestShrinkingFile: an image that is cut short while it is open costs an
// error of what lay behind the cut; it is not mapped into memory, so that there
// is no signal.
func TestShrinkingFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "web01-flat.vmdk")
	require.NoError(t, os.WriteFile(name, testimg.Load(t, "web01/web01-flat.vmdk"), 0o600))
	d, err := OpenFile(name)
	require.NoError(t, err)
	defer d.Close()
	before, err := fs.ReadFile(d, "vg_root/root/etc/hostname")
	require.NoError(t, err)
	require.NotEmpty(t, before)
	require.NoError(t, os.Truncate(name, 2<<20))
	failed := 0
	err = fs.WalkDir(d, ".", func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			_, err = fs.ReadFile(d, path)
		}
		if err != nil {
			require.ErrorIs(t, err, io.ErrUnexpectedEOF, path)
			require.NotErrorIs(t, err, layer.ErrCorrupt, path)
			failed++
		}
		return nil
	})
	require.NoError(t, err)
	require.Positive(t, failed)
}

// stale fails as a file does whose server has forgotten it.
type stale struct {
	io.ReaderAt
	failing bool
}

func (s *stale) ReadAt(p []byte, off int64) (int, error) {
	if s.failing {
		return 0, &fs.PathError{Op: "read", Path: "disk", Err: syscall.ESTALE}
	}
	return s.ReaderAt.ReadAt(p, off)
}

// TestStaleHandle: the error of the source comes through all layers.
func TestStaleHandle(t *testing.T) {
	f, err := os.Open(testimg.Path(t, "web01/web01-flat.vmdk"))
	require.NoError(t, err)
	defer f.Close()
	info, err := f.Stat()
	require.NoError(t, err)
	source := &stale{ReaderAt: f}
	d := opened(t)(Open(testimg.Replace(fstest.MapFS{}, "disk", source, info.Size()), "disk"))
	_, err = d.Stat("vg_root/root/etc")
	require.NoError(t, err)
	source.failing = true
	_, err = fs.ReadFile(d, "vg_root/root/usr/no such file")
	require.True(t, errors.Is(err, syscall.ESTALE) || errors.Is(err, fs.ErrNotExist), err)
	_, err = fs.ReadFile(d, "p1/grub/grub.cfg")
	require.ErrorIs(t, err, syscall.ESTALE)
	require.NotErrorIs(t, err, layer.ErrCorrupt)
	_, err = Open(testimg.Replace(fstest.MapFS{}, "disk", source, info.Size()), "disk")
	require.ErrorIs(t, err, syscall.ESTALE)
}

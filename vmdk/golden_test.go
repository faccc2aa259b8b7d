package vmdk

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

const goldenDir = "../testdata/vmdk"

// mustOpen opens a disk that is closed with the test.
func mustOpen(t testing.TB, fsys fs.FS, name string) *FS {
	f, err := Open(fsys, name)
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

// content returns the open disk.
func content(t testing.TB, f *FS) layer.File {
	file, err := f.Open("disk")
	require.NoError(t, err)
	return file.(layer.File)
}

// sums returns the sha256 of the disks of the golden descriptors, by name.
func sums(t testing.TB) map[string]string {
	text, err := os.ReadFile(filepath.Join(goldenDir, "sha256"))
	require.NoError(t, err)
	m := make(map[string]string)
	for line := range strings.Lines(string(text)) {
		sum, name, ok := strings.Cut(strings.TrimSpace(line), "  ")
		require.True(t, ok, line)
		m[name] = sum
	}
	require.GreaterOrEqual(t, len(m), 5)
	return m
}

func TestGolden(t *testing.T) {
	dir := os.DirFS(goldenDir)
	for name, want := range sums(t) {
		t.Run(name, func(t *testing.T) {
			f := mustOpen(t, dir, name)
			sum := sha256.New()
			n, err := content(t, f).WriteTo(sum)
			require.NoError(t, err)
			require.Equal(t, want, hex.EncodeToString(sum.Sum(nil)))
			sectors := int64(0)
			for _, e := range f.Descriptor().Extents {
				sectors += e.Sectors
			}
			require.Equal(t, sectors*512, n)

			info, err := f.Stat("disk")
			require.NoError(t, err)
			require.Equal(t, n, info.Size())
			require.Same(t, f.Descriptor(), info.Sys())
			require.NoError(t, fstest.TestFS(f, "disk"))
		})
	}
}

func TestGoldenRaw(t *testing.T) {
	want, err := os.ReadFile(filepath.Join(goldenDir, "mono-flat.vmdk"))
	require.NoError(t, err)
	f := mustOpen(t, os.DirFS(filepath.Dir(goldenDir)), "vmdk/mono-flat.vmdk")
	require.Nil(t, f.Descriptor())
	data, err := f.ReadFile("disk")
	require.NoError(t, err)
	require.Equal(t, want, data)
	info, err := f.Stat("disk")
	require.NoError(t, err)
	require.Nil(t, info.Sys())
	require.NoError(t, fstest.TestFS(f, "disk"))
}

func TestGoldenExtents(t *testing.T) {
	extents := func(name string) (list []layer.Extent) {
		for e, err := range content(t, mustOpen(t, os.DirFS(goldenDir), name)).Extents() {
			require.NoError(t, err)
			list = append(list, e)
		}
		return list
	}
	require.Equal(t, []layer.Extent{
		{Offset: 0, Length: 16 * 512, Source: 0, Physical: 8 * 512},
		{Offset: 16 * 512, Length: 20 * 512, Source: 1, Physical: 2 * 512},
		{Offset: 36 * 512, Length: 12 * 512, Source: 0, Physical: 28 * 512},
		{Offset: 48 * 512, Length: 8 * 512, Source: 0, Physical: 0},
	}, extents("parts.vmdk"))
	require.Equal(t, []layer.Extent{
		{Offset: 0, Length: 16 * 512, Source: 0, Physical: 0},
		{Offset: 48 * 512, Length: 8 * 512, Source: 1, Physical: 4 * 512},
	}, extents("zero.vmdk"))
}

func TestGoldenForeign(t *testing.T) {
	for name, want := range map[string]string{
		"qcow.head":      "qcow",
		"qcow2.head":     "qcow2",
		"qed.head":       "QED",
		"vdi.head":       "VDI",
		"vhdx.head":      "VHDX",
		"vpc.head":       "dynamic Hyper-V disk (VHD)",
		"fixed-vhd.head": "fixed Hyper-V disk (VHD)",
		"parallels.head": "Parallels",
	} {
		_, err := Open(os.DirFS(goldenDir), name)
		require.ErrorIs(t, err, layer.ErrUnsupported, name)
		require.ErrorContains(t, err, want)
	}
}

func TestConcurrentReads(t *testing.T) {
	f := mustOpen(t, os.DirFS(goldenDir), "zero.vmdk")
	want, err := f.ReadFile("disk")
	require.NoError(t, err)
	file := content(t, f)
	errs := make(chan error)
	const readers = 8
	for i := range readers {
		go func() {
			buf := make([]byte, 3000)
			var failed error
			for off := i * 100; off < len(want); off += 1009 {
				n, err := file.ReadAt(buf, int64(off))
				if (err != nil && err != io.EOF) || !bytes.Equal(buf[:n], want[off:min(len(want), off+3000)]) {
					failed = errors.Join(failed, fmt.Errorf("%d bytes at %d: %w", n, off, err))
				}
			}
			errs <- failed
		}()
	}
	for range readers {
		require.NoError(t, <-errs)
	}
}

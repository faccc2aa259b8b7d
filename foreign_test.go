package vmdkfs_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"io/fs"
	"path"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/filesystem/fat12"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	ntfs "www.velocidex.com/golang/go-ntfs/parser"

	"github.com/vmdkfs/vmdkfs"
	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
)

// openWin01 opens the disk of two extents that testdata/win01 describes.
func openWin01(t *testing.T) *vmdkfs.Disk {
	t.Helper()
	files := fstest.MapFS{"win01.vmdk": {Data: testimg.Load(t, "win01/win01.vmdk")}}
	for _, name := range []string{"win01-f001.vmdk", "win01-f002.vmdk"} {
		files[name] = &fstest.MapFile{Data: testimg.Load(t, "win01/"+name+".gz")}
	}
	disk, err := vmdkfs.Open(files, "win01.vmdk")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, disk.Close()) })
	return disk
}

// volume opens a volume of the disk for its bytes.
func volume(t *testing.T, disk *vmdkfs.Disk, name string) layer.File {
	t.Helper()
	v, err := disk.Volume(name)
	require.NoError(t, err)
	f, err := v.Open()
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, f.Close()) })
	return f
}

// sums reads a file as sha256sum writes it, by path.
func sums(t *testing.T, name string) map[string]string {
	t.Helper()
	found := make(map[string]string)
	for line := range strings.Lines(string(testimg.Load(t, name))) {
		sum, file, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		require.True(t, ok, line)
		found[file] = sum
	}
	return found
}

// sum returns the sum of all that r has.
func sum(t *testing.T, r io.Reader) string {
	t.Helper()
	h := sha256.New()
	_, err := io.Copy(h, r)
	require.NoError(t, err)
	return hex.EncodeToString(h.Sum(nil))
}

// TestVolumeBytes compares the disk and its partitions with what dd cut out.
func TestVolumeBytes(t *testing.T) {
	disk := openWin01(t)
	want := sums(t, "win01/sha256")
	require.Len(t, want, 4)
	for name, digest := range want {
		f := volume(t, disk, strings.TrimPrefix(name, "disk"))
		assert.Equal(t, digest, sum(t, f), name)
	}
}

// TestForeignNTFS has go-ntfs read the NTFS volume through all the layers
// below: what it reads is what ntfs-3g wrote, so each of its bytes is where it
// belongs. Package ntfs reads the same.
func TestForeignNTFS(t *testing.T) {
	disk := openWin01(t)
	volume := volume(t, disk, "p3")
	context, err := ntfs.GetNTFSContext(volume, 0)
	require.NoError(t, err)
	defer context.Close()
	content := func(name string) string {
		r, err := ntfs.GetDataForPath(context, name)
		require.NoError(t, err, name)
		return sum(t, io.NewSectionReader(r, 0, ntfs.RangeSize(r)))
	}
	files := 0
	for name, f := range testimg.Manifest(t, "win01/p3.manifest.jsonl.gz") {
		if f.Type == "file" && f.Size > 0 {
			files++
			assert.Equal(t, f.SHA256, content(name), name)
			ours, err := disk.ReadFile(path.Join("p3", name))
			require.NoError(t, err)
			assert.Equal(t, f.SHA256, sum(t, bytes.NewReader(ours)), name)
		}
		for stream, text := range f.Xattrs {
			value, err := base64.StdEncoding.DecodeString(text)
			require.NoError(t, err)
			stream = name + ":" + strings.TrimPrefix(stream, "user.")
			assert.Equal(t, sum(t, strings.NewReader(string(value))), content(stream), stream)
		}
	}
	assert.Greater(t, files, 200)
}

// TestForeignFAT has go-diskfs read the EFI system partition.
func TestForeignFAT(t *testing.T) {
	volume := volume(t, openWin01(t), "p1")
	fat, err := fat12.Read(file.New(volume, true), volume.Size(), 0, 512)
	require.NoError(t, err)
	want := sums(t, "win01/p1.sha256")
	got := make(map[string]string)
	var read func(dir string)
	read = func(dir string) {
		list, err := fat.ReadDir(dir)
		require.NoError(t, err, dir)
		for _, e := range list {
			name := path.Join(dir, e.Name())
			switch {
			case e.IsDir():
				read(name)
			case e.Type()&fs.ModeType == 0:
				f, err := fat.Open(name)
				require.NoError(t, err, name)
				got[name] = sum(t, f)
				assert.NoError(t, f.Close())
			}
		}
	}
	read(".")
	assert.Equal(t, want, got)
}

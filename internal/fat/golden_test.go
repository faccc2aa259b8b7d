package fat

import (
	"bytes"
	"path"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

// golden returns a golden image.
func golden(tb testing.TB, name string) []byte { return testimg.Load(tb, "fat/"+name+".img.gz") }

// goldens returns the names of all of them.
func goldens(tb testing.TB) []string {
	var names []string
	for _, p := range testimg.Names(tb, "fat/*.manifest.jsonl.gz") {
		names = append(names, strings.TrimSuffix(path.Base(p), ".manifest.jsonl.gz"))
	}
	return names
}

func open(image []byte) (*FS, error) { return Open(bytes.NewReader(image), int64(len(image))) }

func mustOpen(tb testing.TB, image []byte) *FS {
	f, err := open(image)
	require.NoError(tb, err)
	return f
}

// comparable leaves out of a description what the kernel makes up.
func comparable(files map[string]testimg.File) map[string]testimg.File {
	for name, f := range files {
		f.Inode, f.Nlink = 0, 0
		f.Ctime = f.Mtime
		if name == "." { // has no entry: the kernel gives it the epoch
			f = testimg.File{Path: f.Path, Type: f.Type, Mode: f.Mode}
		}
		files[name] = f
	}
	return files
}

func TestGolden(t *testing.T) {
	infos := map[string]Info{
		"fat12-floppy": {Type: "FAT12", Label: "FLOPPY", Serial: "0F10-0F10", SectorSize: 512, ClusterSize: 512, Size: 1440 << 10},
		"fat12-2k":     {Type: "FAT12", Label: "TWO K", Serial: "0000-2048", SectorSize: 2048, ClusterSize: 4096, Size: 4 << 20},
		"fat12-4k":     {Type: "FAT12", SectorSize: 4096, ClusterSize: 4096, Size: 8 << 20},
		"fat16":        {Type: "FAT16", Label: "SIXTEEN", Serial: "1616-1616", SectorSize: 512, ClusterSize: 1024, Size: 5 << 20},
		"fat16-1fat":   {Type: "FAT16", SectorSize: 512, ClusterSize: 2048, Size: 9 << 20},
		"fat32-small":  {Type: "FAT32", Label: "EFI SYSTEM", Serial: "3232-3232", SectorSize: 512, ClusterSize: 512, Size: 3 << 20},
		"fat32":        {Type: "FAT32", Label: "THIRTYTWO", Serial: "DEAD-BEEF", SectorSize: 512, ClusterSize: 512, Size: 34 << 20},
		"fat32-4k":     {Type: "FAT32", SectorSize: 4096, ClusterSize: 8192, Size: 10 << 20},
	}
	require.Len(t, goldens(t), len(infos))
	for name, want := range infos {
		t.Run(name, func(t *testing.T) {
			f := mustOpen(t, golden(t, name))
			testimg.Compare(t, comparable(testimg.Describe(t, f)), comparable(testimg.Manifest(t, "fat/"+name+".manifest.jsonl.gz")))
			require.Empty(t, f.Warnings())
			info, err := f.Info()
			require.NoError(t, err)
			require.Positive(t, info.Free)
			require.Less(t, info.Free, info.Size)
			require.True(t, info.Clean)
			want.Free, want.Clean = info.Free, true
			if want.Serial == "" {
				want.Serial = info.Serial
			}
			require.Equal(t, want, info)
		})
	}
}

func TestFS(t *testing.T) {
	require.NoError(t, fstest.TestFS(mustOpen(t, golden(t, "fat12-floppy")), "README.TXT", "deep/1/2/3/4/5/6/7/8/bottom", "CÜNüäß.TXT"))
}

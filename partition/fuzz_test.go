package partition

import (
	"io"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
)

// FuzzOpen opens whatever it is given, with the checksums of a GPT made right
// when seal is set, and reads what it finds.
func FuzzOpen(f *testing.F) {
	for _, name := range goldens(f) {
		disk := image(f, name)
		f.Add(disk[:48<<10], true)
		f.Add(append(disk[:16<<10:16<<10], disk[len(disk)-17<<10:]...), false)
	}
	f.Add(newMBR(200), false)
	f.Fuzz(func(t *testing.T, disk []byte, sealed bool) {
		if sealed {
			disk = append([]byte(nil), disk...)
			testimg.SealGPTHeader(disk, 512, 512)
			testimg.SealGPTHeader(disk, 4096, 4096)
			testimg.SealGPTHeader(disk, len(disk)-512, 512)
		}
		fsys, err := open(disk)
		if err != nil {
			return
		}
		entries, err := fsys.ReadDir(".")
		require.Len(t, entries, len(fsys.Partitions()))
		if err != nil {
			require.NotEmpty(t, fsys.Table().Warnings)
		}
		for _, p := range fsys.Partitions() {
			require.True(t, fs.ValidPath(p.Name))
			file, err := fsys.Open(p.Name)
			if err != nil {
				continue
			}
			r := file.(layer.File)
			require.Equal(t, p.Size, r.Size())
			n, _ := io.Copy(io.Discard, io.NewSectionReader(r, 0, 4096))
			require.Equal(t, max(0, min(4096, p.Size, int64(len(disk))-p.Start)), n)
			r.ReadAt(make([]byte, 10), max(0, p.Size-5))
			for range r.Extents() {
			}
		}
	})
}

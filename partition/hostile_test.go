package partition

import (
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

func subject(t testing.TB) testimg.Subject {
	images := make(map[string][]byte)
	for _, name := range goldens(t) {
		if !strings.HasPrefix(name, "other-") {
			images[name] = image(t, name)
		}
	}
	return testimg.Subject{
		Images: images,
		Open:   func(_ string, r io.ReaderAt, size int64) (fs.FS, error) { return testimg.FS(Open(r, size)) },
		Seal: func(name string, disk []byte) {
			if strings.HasPrefix(name, "gpt-4k") {
				testimg.SealGPTHeader(disk, 4096, 4096)
				testimg.SealGPTHeader(disk, len(disk)-4096, 4096)
			} else if strings.HasPrefix(name, "gpt") {
				testimg.SealGPT(disk)
			}
		},
		More: func(_ testing.TB, fsys fs.FS) {
			fsys.(*FS).Table()
			fsys.(*FS).Partitions()
		},
	}
}

func TestHostile(t *testing.T) { testimg.Hostile(t, subject(t)) }

func FuzzImage(f *testing.F) { testimg.Fuzz(f, subject(f)) }

func TestFaults(t *testing.T) {
	testimg.Faults(t, subject(t), "gpt", "mbr-logical", "gpt-header")
}

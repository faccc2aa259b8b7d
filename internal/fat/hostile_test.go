package fat

import (
	"io"
	"io/fs"
	"testing"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

func subject(t testing.TB) testimg.Subject {
	images := make(map[string][]byte)
	for _, name := range goldens(t) {
		if image := golden(t, name); len(image) <= 16<<20 {
			images[name] = image
		}
	}
	return testimg.Subject{
		Images: images,
		Open:   func(_ string, r io.ReaderAt, size int64) (fs.FS, error) { return testimg.FS(Open(r, size)) },
		More: func(_ testing.TB, fsys fs.FS) {
			fsys.(*FS).Info()
			fsys.(*FS).Warnings()
		},
	}
}

func TestHostile(t *testing.T) { testimg.Hostile(t, subject(t)) }

func FuzzImage(f *testing.F) { testimg.Fuzz(f, subject(f)) }

func TestFaults(t *testing.T) {
	testimg.Faults(t, subject(t), "fat12-floppy", "fat16", "fat32-small")
}

func TestBadSectors(t *testing.T) {
	testimg.BadSectors(t, subject(t), "fat12-floppy", "fat16", "fat32-small")
}

package ntfs

import (
	"io"
	"io/fs"
	"testing"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

func hostileImages(t testing.TB) map[string][]byte {
	images := make(map[string][]byte)
	for _, name := range []string{"bad-boot", "bad-mft", "c4096", "c512", "chkdsk", "dirty-log", "efs", "hibernated", "interix", "lznt1-512", "lznt1",
		"names", "objects", "reparse", "s4096", "sparse", "streams", "wsl", "crowded", "c64k"} {
		images[name] = testimg.NTFS(t, name)
	}
	return images
}

func subject(t testing.TB) testimg.Subject {
	return testimg.Subject{
		Images: hostileImages(t),
		Open:   func(_ string, r io.ReaderAt, size int64) (fs.FS, error) { return testimg.FS(Open(r, size)) },
		Seal:   func(_ string, data []byte) { testimg.SealNTFS(data) },
		More: func(tb testing.TB, fsys fs.FS) {
			f := fsys.(*FS)
			f.Info()
			f.State()
			n := 0
			for _, err := range f.Deleted() {
				testimg.CheckKind(tb, "deleted", err)
				if n++; err != nil || n > 1000 {
					break
				}
			}
		},
	}
}

func TestHostile(t *testing.T) { testimg.Hostile(t, subject(t)) }

func FuzzImage(f *testing.F) { testimg.Fuzz(f, subject(f)) }

func TestFaults(t *testing.T) {
	testimg.Faults(t, subject(t), "c512", "streams", "lznt1-512", "crowded", "reparse", "objects")
}

func TestBadSectors(t *testing.T) {
	testimg.BadSectors(t, subject(t), "c512", "streams", "crowded")
}

package iso

import (
	"io"
	"io/fs"
	"testing"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

// hostileTrees are the trees that the mutants of an image are read by, after
// the image's name.
var hostileTrees = map[string]Tree{"": Best, " joliet": Joliet, " plain": Plain}

func subject(t testing.TB) testimg.Subject {
	images, trees := make(map[string][]byte), make(map[string]Tree)
	for _, name := range []string{"deep", "old", "plain", "unix", "windows", "zisofs"} {
		image := golden(t, name+".iso")
		for suffix, tree := range hostileTrees {
			if _, err := opened(image, WithTree(tree)); err == nil {
				images[name+suffix], trees[name+suffix] = image, tree
			}
		}
	}
	return testimg.Subject{
		Images: images,
		Open: func(name string, r io.ReaderAt, size int64) (fs.FS, error) {
			return testimg.FS(Open(r, size, WithTree(trees[name])))
		},
	}
}

func TestHostile(t *testing.T) { testimg.Hostile(t, subject(t)) }

func FuzzImage(f *testing.F) { testimg.Fuzz(f, subject(f)) }

func TestFaults(t *testing.T) {
	testimg.Faults(t, subject(t), "unix", "deep", "windows")
}

func TestBadSectors(t *testing.T) {
	testimg.BadSectors(t, subject(t), "unix", "deep")
}

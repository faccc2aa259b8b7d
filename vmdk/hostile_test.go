package vmdk

import (
	"io"
	"io/fs"
	"maps"
	"path"
	"strings"
	"testing"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

// TestHostile changes one file at a time of disks and of chains of them: the
// descriptor, an extent, a parent. The name of a mutant is that of the disk
// that is opened, and of the file that is changed.
func subject(t testing.TB) testimg.Subject {
	dir := sparseFS(t)
	for _, name := range testimg.Names(t, "vmdk/*.vmdk") {
		maps.Copy(dir, testimg.Files(t, name))
	}
	images := make(map[string][]byte)
	for _, pair := range []string{"mono mono", "mono mono-flat", "parts parts", "parts parts-f001", "split split", "twosparse twosparse", "vmfs vmfs", "zero zero",
		"base-000001 base-000001", "base-000001 base-000001-delta", "base-000002 base-000002-sesparse", "base-000002 base-000001-delta", "base-000002 base",
		"chain3 chain3", "chain3 chain0", "chain7 chain4", "compat6 compat6", "cow8 cow8-delta", "grain8 grain8", "grain256 grain256", "hwversion hwversion",
		"large large", "large large-sesparse", "mixed mixed", "mixed mixed-f001", "mixed mixed-s002", "monolithicSparse monolithicSparse",
		"ovf-gd ovf-gd", "ovf-grain8 ovf-grain8", "ovf-raw ovf-raw", "ovf ovf", "streamOptimized streamOptimized", "tables16 tables16",
		"two two", "two two-s001", "twoGbMaxExtentSparse twoGbMaxExtentSparse-s001", "over over", "zeroed zeroed"} {
		disk, changed, _ := strings.Cut(pair, " ")
		if f, err := Open(dir, disk+".vmdk"); err == nil {
			f.Close()
			images[pair] = dir[changed+".vmdk"].Data
		} else {
			t.Log(err)
		}
	}
	if len(images) < 30 {
		t.Fatal(len(images), "images")
	}
	return testimg.Subject{
		Images: images,
		Open: func(pair string, r io.ReaderAt, size int64) (fs.FS, error) {
			disk, changed, _ := strings.Cut(pair, " ")
			return testimg.FS(Open(testimg.Replace(dir, path.Clean(changed+".vmdk"), r, size), disk+".vmdk"))
		},
		More: func(tb testing.TB, fsys fs.FS) {
			f := fsys.(*FS)
			f.Chain()
			f.Descriptor()
			for _, err := range f.Warnings() {
				_ = err.Error()
			}
		},
	}
}

func TestHostile(t *testing.T) { testimg.Hostile(t, subject(t)) }

func FuzzImage(f *testing.F) { testimg.Fuzz(f, subject(f)) }

func TestFaults(t *testing.T) {
	testimg.Faults(t, subject(t), "streamOptimized streamOptimized", "tables16 tables16", "base-000002 base-000002-sesparse", "base-000001 base-000001-delta", "twoGbMaxExtentSparse twoGbMaxExtentSparse-s001")
}

package md

import (
	"fmt"
	"io"
	"io/fs"
	"testing"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

func subject(t testing.TB) testimg.Subject {
	images, sizes, supers := make(map[string][]byte), make(map[string][]int), make(map[string][]int64)
	for name := range parts(t, disks(t, "arrays")) {
		_, data, at := loaded(t, "arrays", name)
		images[name], sizes[name] = testimg.Join(data...)
		supers[name] = at
	}
	return testimg.Subject{
		Images: images,
		Open: func(name string, r io.ReaderAt, size int64) (fs.FS, error) {
			var devices []Device
			for i, part := range testimg.Parts(r, size, sizes[name]) {
				devices = append(devices, Device{fmt.Sprint("device", i), part, part.Size()})
			}
			return testimg.FS(Open(devices))
		},
		Seal: func(name string, data []byte) {
			start := 0
			for i, n := range sizes[name] {
				seal(data[start+int(supers[name][i]) : start+n][:min(superblockSize, n-int(supers[name][i]))])
				start += n
			}
		},
		Warnings: func(fsys fs.FS) []error { return fsys.(*FS).Warnings() },
		More: func(_ testing.TB, fsys fs.FS) {
			fsys.(*FS).Arrays()
			fsys.(*FS).Warnings()
		},
	}
}

func TestHostile(t *testing.T) { testimg.Hostile(t, subject(t)) }

func FuzzImage(f *testing.F) { testimg.Fuzz(f, subject(f)) }

func TestFaults(t *testing.T) {
	testimg.Faults(t, subject(t), "r5-ls", "r5-rs")
}

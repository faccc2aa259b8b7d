package fat

import (
	"testing"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

// fuzzSize is how much of an image the fuzzer has: all that is used, in most.
const fuzzSize = 1 << 20

// FuzzOpen changes bytes of golden images and reads all that is left. FAT has
// no checksums that would keep a change from being seen.
func FuzzOpen(f *testing.F) {
	names := []string{"fat12-floppy", "fat16", "fat32-small", "fat12-4k"}
	images := make([][]byte, len(names))
	for i, name := range names {
		images[i] = golden(f, name)
		images[i] = images[i][:min(len(images[i]), fuzzSize)]
		f.Add(uint8(i), []byte{})
		f.Add(uint8(i), []byte{0x0d, 0, 0, 0, 1, 0, 2, 0, 0, 0xff, 3, 2, 0, 0, 0})
	}
	f.Fuzz(func(t *testing.T, image uint8, changes []byte) {
		m := testimg.Mutate(images[int(image)%len(images)], changes)
		fsys, err := Open(m, m.Size())
		if err != nil {
			return
		}
		fsys.Info()
		fsys.Warnings()
		testimg.Exercise(t, fsys)
	})
}

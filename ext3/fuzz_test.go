package ext3

import (
	"testing"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

// FuzzOpen changes bytes of golden images and reads all that is left.
func FuzzOpen(f *testing.F) {
	seeds := []string{"ext2-1k", "ext2-holes", "ext3-links-1k", "ext3-xattrs-1k", "ext4-extents", "dirty-ext3-revoke", "dirty-ext4-v1", "dirty-ext4-v2"}
	images := make([][]byte, len(seeds))
	for i, name := range seeds {
		images[i] = testimg.Load(f, "ext/"+name+".img.gz")
		f.Add(uint8(i), []byte{})
		f.Add(uint8(i), []byte{0x58, 4, 0, 0, 0xFF, 0, 8, 0, 0, 0x55})
	}
	f.Fuzz(func(t *testing.T, image uint8, changes []byte) {
		m := testimg.Mutate(images[int(image)%len(images)], changes)
		fsys, err := Open(m, m.Size())
		if err != nil {
			return
		}
		testimg.Exercise(t, fsys)
	})
}

package diff_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/vmdkfs/vmdkfs/ext3"
)

// mutate returns a copy of an image with some bytes changed, where it is not
// empty: in inodes and directories more often than not, as there is little else.
func mutate(image []byte, random *rand.Rand, changes int) []byte {
	changed := bytes.Clone(image)
	for changes > 0 {
		at := random.IntN(len(image)-4096) + 4096 // the superblock stays
		sector := at &^ 511
		if bytes.Count(image[sector:sector+512], []byte{0}) == 512 {
			continue
		}
		changed[at] ^= 1 << random.IntN(8)
		changes--
	}
	return changed
}

// openImage opens a file system, nil when it cannot be.
func openImage(t *testing.T, image []byte) *ext3.FS {
	t.Helper()
	fsys, err := ext3.Open(bytes.NewReader(image), int64(len(image)))
	if err != nil {
		return nil
	}
	return fsys
}

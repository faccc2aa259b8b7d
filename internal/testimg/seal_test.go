package testimg

import (
	"bytes"
	"strings"
	"testing"
)

// TestSeals: the checksums that real tools have written are those that the
// seals would write. (Logs that were written to more than once have old
// descriptors, whose data is gone: ext3 tests those.)
func TestSeals(t *testing.T) {
	for _, c := range []struct {
		pattern string
		seal    func([]byte)
	}{
		{"partition/gpt.img.gz", SealGPT},
		{"partition/gpt-resized.img.gz", SealGPT},
		{"lvm/areas.pv*.img.gz", SealLVM},
		{"lvm/wrapped.pv0.img.gz", SealLVM},
		{"ext/ext4-[368]*k.img.gz", SealExt},
		{"ext/ext4-desc-128.img.gz", SealExt},
		{"ext/ext4-inode-4096.img.gz", SealExt},
		{"ext/ext2-1k.img.gz", SealExt},
		{"ntfs/[!b]*.img.gz", SealNTFS},
	} {
		for _, name := range Names(t, c.pattern) {
			if strings.Contains(name, "hibernated") {
				continue
			}
			image := Load(t, name)
			sealed := bytes.Clone(image)
			c.seal(sealed)
			for i := range image {
				if image[i] != sealed[i] {
					t.Errorf("%s: byte %#x was %#x, is %#x", name, i, image[i], sealed[i])
					break
				}
			}
		}
	}
}

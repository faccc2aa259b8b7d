package testimg

import (
	"bytes"
	"testing"
)

// upcaseMark stands in an image of testdata/ntfs where its $UpCase begins.
const upcaseMark = "vmdkfs: $UpCase\n"

// NTFS returns an image in testdata/ntfs. They are stored without their
// $UpCase, 128 KiB that do not compress and are the same in all: it is put
// back.
func NTFS(tb testing.TB, name string) []byte {
	tb.Helper()
	image := Load(tb, "ntfs/"+name+".img.gz")
	at := bytes.Index(image, []byte(upcaseMark))
	if at < 0 {
		tb.Fatalf("%s: no place for $UpCase", name)
	}
	copy(image[at:], Load(tb, "ntfs/upcase.gz"))
	return image
}

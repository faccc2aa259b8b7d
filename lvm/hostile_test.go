package lvm

import (
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

func subject(t testing.TB) testimg.Subject {
	images, sizes, blocks := make(map[string][]byte), make(map[string][]int), make(map[string]map[int]uint32)
	for _, set := range []string{"areas", "legs", "linear", "mirrors", "names", "snapshots", "merging", "moving", "striped", "stale", "wrapped", "odd", "torn",
		"writecache", "external", "thin", "cache"} {
		names, err := filepath.Glob(testdata + set + ".pv*.img.gz")
		if err != nil || len(names) == 0 {
			t.Fatal(set, err)
		}
		var pvs [][]byte
		for _, name := range names {
			pvs = append(pvs, gunzip(t, filepath.Base(name)))
		}
		images[set], sizes[set] = testimg.Join(pvs...)
		blocks[set] = metadataBlocks(images[set])
	}
	return testimg.Subject{
		Images: images,
		Open: func(set string, r io.ReaderAt, size int64) (fs.FS, error) {
			var pvs []PV
			for i, part := range testimg.Parts(r, size, sizes[set]) {
				pvs = append(pvs, PV{Name: fmt.Sprint("pv", i), Reader: part, Size: part.Size()})
			}
			return testimg.FS(Open(pvs))
		},
		Seal: func(set string, data []byte) {
			at := 0
			for _, n := range sizes[set] {
				testimg.SealLVM(data[at : at+n])
				at += n
			}
			for at, xor := range blocks[set] {
				b := (*block)(data[at:])
				binary.LittleEndian.PutUint32(b[:], b.checksum(xor))
			}
		},
		Warnings: func(fsys fs.FS) []error { return fsys.(*FS).Warnings() },
		More: func(_ testing.TB, fsys fs.FS) {
			f := fsys.(*FS)
			f.Warnings()
			f.Groups()
		},
	}
}

func TestHostile(t *testing.T) { testimg.Hostile(t, subject(t)) }

func FuzzImage(f *testing.F) { testimg.Fuzz(f, subject(f)) }

// metadataBlocks returns where an image has blocks of thin pools' and caches'
// metadata, and what their checksums are changed by.
func metadataBlocks(data []byte) map[int]uint32 {
	found := make(map[int]uint32)
	for at := 0; at+blockSize <= len(data); at += blockSize {
		b := (*block)(data[at:])
		for _, xor := range []uint32{thinSuperblockXOR, cacheSuperblockXOR, nodeXOR, arrayXOR} {
			if b.checksumXL() == b.checksum(xor) {
				found[at] = xor
			}
		}
	}
	return found
}

func TestFaults(t *testing.T) {
	// Not those of which a leg is out of date: alone, it does not know that.
	testimg.Faults(t, subject(t), "linear", "snapshots", "striped", "areas", "mirrors")
}

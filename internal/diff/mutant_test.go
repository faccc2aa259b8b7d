package diff_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs"
	"github.com/vmdkfs/vmdkfs/ext3"
	"github.com/vmdkfs/vmdkfs/internal/diff"
	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/internal/walk"
	"github.com/vmdkfs/vmdkfs/ntfs"
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

// open opens the file system in an image, nil when it cannot be.
func open(t *testing.T, name string, image []byte) walk.FS {
	t.Helper()
	return openReader(name, bytes.NewReader(image), int64(len(image)))
}

func openReader(name string, r io.ReaderAt, size int64) (fsys walk.FS) {
	var err error
	if strings.HasPrefix(name, "ext/") {
		fsys, err = ext3.Open(r, size)
	} else {
		fsys, err = ntfs.Open(r, size)
	}
	if err != nil {
		return nil
	}
	return fsys
}

// mutants are images of which two versions that differ in a few bits are
// compared, and how many of each.
var mutants = map[string]int{
	"ext/ext4-default": 40, "ext/ext3-1k": 40, "ext/ext2-1k": 40, "ext/ext4-inline-data": 40, "ext/ext3-dirs": 40,
	"ext/ext4-xattrs-4k": 40, "ext/ext4-extent-depth": 40,
	"ntfs/c512": 60, "ntfs/s4096": 30, "ntfs/c64k": 20, "ntfs/streams": 40, "ntfs/crowded": 10, "ntfs/fragmented": 20, "ntfs/names": 40,
	"ntfs/interix": 30, "ntfs/wsl": 40, "ntfs/reparse": 40, "ntfs/windows/streams": 20,
	"ntfs/pair-2": 60, // and the first of the two is pair-1
}

// sameAsWalk checks that a walk and the tables of inodes tell the same of two
// versions.
func sameAsWalk(t *testing.T, first, second walk.FS, label string) {
	t.Helper()
	a, b := diff.Tree{FS: first, Name: "."}, diff.Tree{FS: second, Name: "."}
	slow, slowFailures := outcome(t, a, b, diff.Options{Slow: true})
	fast, failures := outcome(t, a, b, diff.Options{})
	require.Equal(t, slow, fast, label)
	require.Equal(t, slowFailures, failures, label)
}

// rounds is how many of so many damaged versions are looked at: few where the
// race detector makes each ten times as slow.
func rounds(count int) int {
	if testing.Short() {
		return max(count/8, 4)
	}
	return count
}

// mutateRecord returns a copy of an NTFS image with a bit changed in the part of
// a file record or index block that is in use: attribute headers, runs, bitmaps,
// references.
func mutateRecord(image []byte, random *rand.Rand) []byte {
	changed := bytes.Clone(image)
	for {
		at := random.IntN(len(image)/512) * 512
		used := 0
		switch string(image[at : at+4]) {
		case "FILE":
			used = int(binary.LittleEndian.Uint32(image[at+0x18:]))
		case "INDX":
			used = 0x18 + int(binary.LittleEndian.Uint32(image[at+0x1C:]))
		}
		if at += random.IntN(max(used, 1)); used > 0 && at < len(image) {
			changed[at] ^= 1 << random.IntN(8)
			return changed
		}
	}
}

// TestMutatedRecords: so they do when one bit of what NTFS keeps of files is
// wrong.
func TestMutatedRecords(t *testing.T) {
	t.Parallel()
	for name, count := range map[string]int{"ntfs/c512": 400, "ntfs/streams": 400, "ntfs/wsl": 300, "ntfs/fragmented": 50, "ntfs/reparse": 300} {
		image := load(t, name)
		whole := open(t, name, image)
		random := rand.New(rand.NewPCG(11, uint64(len(image))))
		for n := range rounds(count) {
			changed := mutateRecord(image, random)
			if damaged := open(t, name, changed); damaged != nil {
				sameAsWalk(t, whole, damaged, fmt.Sprintf("%s, %d", name, n))
				sameAsWalk(t, damaged, open(t, name, bytes.Clone(changed)), fmt.Sprintf("%s, %d, both", name, n))
			}
		}
	}
}

// TestMutants: so they do of a damaged version and one that is not, and of two
// that are damaged alike.
func TestMutants(t *testing.T) {
	t.Parallel()
	for name, count := range mutants {
		image := load(t, name)
		whole := open(t, name, image)
		if name == "ntfs/pair-2" {
			whole = open(t, name, load(t, "ntfs/pair-1"))
		}
		random := rand.New(rand.NewPCG(9, uint64(len(image))))
		opened := 0
		for n := range rounds(count) {
			changed := mutate(image, random, 1+n%8)
			damaged := open(t, name, changed)
			if damaged == nil {
				continue // the damage is to what must be there
			}
			opened++
			sameAsWalk(t, whole, damaged, fmt.Sprintf("%s, %d", name, n))
			sameAsWalk(t, damaged, open(t, name, bytes.Clone(changed)), fmt.Sprintf("%s, %d, both", name, n))
		}
		require.Greater(t, opened, rounds(count)/2, name)
	}
}

// A badSpot is an image of which some bytes cannot be read.
type badSpot struct {
	*bytes.Reader
	from, to int64
}

var errBadSpot = errors.New("bad spot")

func (d badSpot) ReadAt(p []byte, off int64) (int, error) {
	if off < d.to && d.from < off+int64(len(p)) {
		return 0, errBadSpot
	}
	return d.Reader.ReadAt(p, off)
}

// TestBadSpots: so they do where one version, or both, cannot be read in part.
func TestBadSpots(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"ext/ext4-default", "ext/ext3-dirs", "ntfs/c512", "ntfs/pair-2", "ntfs/fragmented"} {
		image := load(t, name)
		whole := open(t, name, image)
		random := rand.New(rand.NewPCG(13, 1))
		opened := 0
		for n := range rounds(60) {
			at := random.Int64N(int64(len(image))) &^ 511
			if sector := image[at:][:512]; bytes.Count(sector, []byte{0}) == len(sector) && n%4 > 0 {
				continue
			}
			bad := badSpot{bytes.NewReader(image), at, at + 512}
			damaged := openReader(name, bad, bad.Size())
			if damaged == nil {
				continue
			}
			opened++
			sameAsWalk(t, whole, damaged, fmt.Sprintf("%s, %d", name, n))
			sameAsWalk(t, damaged, whole, fmt.Sprintf("%s, %d, the first", name, n))
			sameAsWalk(t, damaged, openReader(name, bad, bad.Size()), fmt.Sprintf("%s, %d, both", name, n))
		}
		require.Greater(t, opened, rounds(60)/8, name)
	}
}

// TestGuests: so they do in the trees that guests see, where entries are wrapped
// and volumes mounted.
func TestGuests(t *testing.T) {
	t.Parallel()
	for name, image := range map[string][]byte{
		"winguest": testimg.Load(t, "winguest/system.img.gz"),
		"web01":    testimg.Load(t, "web01/web01-flat.vmdk"),
	} {
		guest := func(image []byte) walk.FS {
			d, err := vmdkfs.Open(fstest.MapFS{"disk.img": {Data: image}}, "disk.img")
			if err != nil {
				return nil
			}
			g, err := d.Guest()
			if err != nil {
				return nil // the damage is to what it is known by
			}
			return g
		}
		whole := guest(image)
		require.NotNil(t, whole, name)
		random := rand.New(rand.NewPCG(12, 1))
		compared := 0
		for n := range rounds(60) {
			if damaged := guest(mutate(image, random, 1+n%8)); damaged != nil {
				compared++
				sameAsWalk(t, whole, damaged, fmt.Sprintf("%s, %d", name, n))
			}
		}
		require.Greater(t, compared, rounds(60)/4, name)
	}
}

// TestEntryTypes: so they do when an entry of a directory is wrong about what it
// names being a directory.
func TestEntryTypes(t *testing.T) {
	for _, c := range []struct {
		image, name string
		at          int // of the byte with the type, from the name
		flip        byte
		places      int
	}{
		{"ext/ext2-1k", "level3", -1, 1, 1},
		{"ext/ext4-default", "level3", -1, 1, 2}, // in the journal as well
		{"ext/ext2-1k", "bottom.txt", -1, 1 ^ 2, 1},
		{"ext/ext4-default", "bottom.txt", -1, 1 ^ 2, 2},
		{"ntfs/c512", "b\x00o\x00t\x00t\x00o\x00m\x00.\x00", 0x3B - 0x42, 0x10, 2},
		{"ntfs/c512", "l\x00e\x00v\x00e\x00l\x003\x00", 0x3B - 0x42, 0x10, 2}, // in the record as well
	} {
		image := load(t, c.image)
		whole := open(t, c.image, image)
		places := 0
		for from := 0; ; places++ {
			i := bytes.Index(image[from:], []byte(c.name))
			if i < 0 {
				break
			}
			changed := bytes.Clone(image)
			changed[from+i+c.at] ^= c.flip
			damaged := open(t, c.image, changed)
			require.NotNil(t, damaged)
			sameAsWalk(t, whole, damaged, c.image)
			sameAsWalk(t, damaged, whole, c.image)
			sameAsWalk(t, damaged, open(t, c.image, bytes.Clone(changed)), c.image)
			from += i + len(c.name)
		}
		require.Equal(t, c.places, places, c.image)
	}
}

// load reads an image of testdata.
func load(t *testing.T, name string) []byte {
	t.Helper()
	if rest, ok := strings.CutPrefix(name, "ntfs/"); ok && !strings.HasPrefix(rest, "windows/") {
		return testimg.NTFS(t, rest)
	}
	return testimg.Load(t, name+".img.gz")
}

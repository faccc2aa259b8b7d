package diff_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/diff"
	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/ntfs"
)

// A line is what ntfs-3g knows of a file: testdata/ntfs/README.md describes the
// fields.
type line struct {
	Path, Type, Target, Rdev, SHA256, ACL string

	Inode, Attrib               uint64
	Created, Modified, Accessed int64
	Changed                     int64 // FILETIME
	Size                        int64
	Streams                     map[string]struct {
		Size   int64
		SHA256 string
	}
}

func lines(t *testing.T, name string) map[string]line {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(testimg.Load(t, "ntfs/"+name+".manifest.jsonl.gz")))
	m := make(map[string]line)
	for {
		var l line
		err := d.Decode(&l)
		if err == io.EOF {
			return m
		}
		require.NoError(t, err)
		m[l.Path] = l
	}
}

// pairRenames are what ntfstree.py's pair2 renames.
var pairRenames = map[string]string{
	"work/renamed-since": "work/renamed",
	"old/moved":          "work/moved",
	"old/deep":           "work/deep",
}

func init() {
	for i := 100; i < 3000; i += 300 {
		old := fmt.Sprintf("many/%04d", i+2)
		pairRenames[old+"-renamed"] = old
	}
}

// lineAspects returns a function that returns in what two states of a file
// differ, as ntfs-3g has them.
func lineAspects(checksum bool) func(f, g line) string {
	return func(f, g line) string {
		switch {
		case f.Type != g.Type:
			return string(diff.Type)
		case !checksum && f.Inode == g.Inode && f.Size == g.Size && f.Modified == g.Modified && f.Changed == g.Changed:
			return ""
		}
		return differing(map[diff.Aspect]bool{
			diff.Content:    f.SHA256 != g.SHA256 || f.Target != g.Target || f.Rdev != g.Rdev,
			diff.Mtime:      f.Type != "dir" && f.Modified != g.Modified,
			diff.Xattrs:     !maps.Equal(f.Streams, g.Streams),
			diff.Attributes: f.Attrib != g.Attrib || f.ACL != g.ACL,
		})
	}
}

// TestNTFSPair: what differs between two states of a volume is what differs
// between what ntfs-3g reads in them, and the file records tell it as a walk
// does, whichever of the two comes first.
func TestNTFSPair(t *testing.T) {
	var volumes [2]*ntfs.FS
	for i, name := range []string{"pair-1", "pair-2"} {
		image := testimg.NTFS(t, name)
		var err error
		volumes[i], err = ntfs.Open(bytes.NewReader(image), int64(len(image)))
		require.NoError(t, err)
	}
	first, second := diff.Tree{FS: volumes[0], Name: "."}, diff.Tree{FS: volumes[1], Name: "."}
	before, after := lines(t, "pair-1"), lines(t, "pair-2")
	for _, checksum := range []bool{false, true} {
		want := expect(before, after, pairRenames, lineAspects(checksum))
		require.Equal(t, wanted{kind: diff.Changed, aspects: "content"}, want["work/outside-same-mtime"])
		require.Equal(t, checksum, want["work/resident-same-times"].kind == diff.Changed)
		require.Equal(t, wanted{kind: diff.Changed, aspects: "type"}, want["work/becomes-file"])
		require.Equal(t, want, got(t, run(t, first, second, diff.Options{Checksum: checksum})), "checksum %t", checksum)
	}
	require.Equal(t, run(t, first, second, diff.Options{Slow: true}), run(t, first, second, diff.Options{}))
	require.Equal(t, run(t, second, first, diff.Options{Slow: true}), run(t, second, first, diff.Options{}))
	for _, name := range []string{"work", "many", "old/deep", "streams/all"} {
		a, b := diff.Tree{FS: volumes[0], Name: name}, diff.Tree{FS: volumes[1], Name: name}
		if name == "old/deep" {
			a.Name = "work/deep"
		}
		require.Equal(t, run(t, a, b, diff.Options{Slow: true}), run(t, a, b, diff.Options{}), name)
	}
	require.Empty(t, run(t, first, first, diff.Options{}))
}

// TestNTFSGrown: a volume that has another size since is still the same one,
// and another serial number makes it another.
func TestNTFSGrown(t *testing.T) {
	image := testimg.NTFS(t, "pair-1")
	first, err := ntfs.Open(bytes.NewReader(image), int64(len(image)))
	require.NoError(t, err)
	for at, comparable := range map[int]bool{0x28: true, 0x48: false} { // sectors, serial number
		changed := testimg.NTFS(t, "pair-2")
		binary.LittleEndian.PutUint64(changed[at:], binary.LittleEndian.Uint64(changed[at:])-8)
		second, err := ntfs.Open(bytes.NewReader(changed), int64(len(changed)))
		require.NoError(t, err)
		same, err := first.Same(t.Context(), second)
		require.NoError(t, err)
		require.Equal(t, comparable, same != nil, "%#x", at)
		sameAsWalk(t, first, second, "grown")
	}
}

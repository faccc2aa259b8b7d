package iso

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

// goldens are the images of testdata/gen/iso.sh, each with the view that is
// best in it.
var goldens = []struct {
	name  string
	tree  Tree
	label string
}{
	{"unix", RockRidge, "UNIX"},
	{"old", RockRidge, "OLD"},
	{"deep", RockRidge, "DEEP"},
	{"zisofs", RockRidge, "ZISOFS"},
	{"windows", Joliet, "windows"},
	{"plain", Plain, "PLAIN"},
}

// golden returns the content of a file in testdata/iso.
func golden(t testing.TB, name string) []byte {
	t.Helper()
	f, err := os.Open("../testdata/iso/" + name + ".gz")
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	b, err := io.ReadAll(z)
	require.NoError(t, err)
	return b
}

// manifestEntry is a line of a manifest that testdata/gen/manifest.py wrote.
type manifestEntry struct {
	Path, Type, Mode, Target, Rdev, SHA256 string
	MTime, CTime                           time.Time
	UID, GID, NLink                        uint32
	Inode                                  uint64
	Size                                   int64
}

var typeNames = map[fs.FileMode]string{
	0: "file", fs.ModeDir: "dir", fs.ModeSymlink: "symlink", fs.ModeNamedPipe: "fifo", fs.ModeSocket: "socket",
	fs.ModeDevice: "block", fs.ModeDevice | fs.ModeCharDevice: "char",
}

func TestGolden(t *testing.T) {
	for _, g := range goldens {
		t.Run(g.name, func(t *testing.T) {
			fsys, err := opened(golden(t, g.name+".iso"))
			require.NoError(t, err)
			require.Equal(t, g.tree, fsys.Tree())
			require.Equal(t, g.label, fsys.Label())
			require.False(t, fsys.Created().IsZero())
			rest := map[string]bool{}
			require.NoError(t, fs.WalkDir(fsys, ".", func(p string, _ fs.DirEntry, err error) error {
				rest[p] = true
				return err
			}))
			dec := json.NewDecoder(bytes.NewReader(golden(t, g.name+".manifest.jsonl")))
			for dec.More() {
				var want manifestEntry
				require.NoError(t, dec.Decode(&want))
				require.True(t, rest[want.Path], "%s is missing", want.Path)
				delete(rest, want.Path)
				compareEntry(t, fsys, g.name, want)
			}
			delete(rest, "rr_moved") // where genisoimage keeps directories that are relocated
			require.Empty(t, rest)
		})
	}
}

func compareEntry(t *testing.T, fsys *FS, image string, want manifestEntry) {
	t.Helper()
	info, err := fsys.Lstat(want.Path)
	require.NoError(t, err)
	require.Equal(t, want.Type, typeNames[info.Mode().Type()], want.Path)
	require.True(t, want.MTime.Equal(info.ModTime()), "%s: %v, not %v", want.Path, info.ModTime(), want.MTime)
	switch {
	case want.Type == "symlink":
		target, err := fsys.ReadLink(want.Path)
		require.NoError(t, err)
		require.Equal(t, want.Target, target, want.Path)
	case want.Type == "file":
		require.Equal(t, want.Size, info.Size(), want.Path)
		data, err := fsys.ReadFile(want.Path)
		if image == "zisofs" && want.Path == "squeezed" {
			require.ErrorIs(t, err, layer.ErrUnsupported)
			require.ErrorContains(t, err, "zisofs")
			break
		}
		require.NoError(t, err)
		sum := sha256.Sum256(data)
		require.Equal(t, want.SHA256, hex.EncodeToString(sum[:]), want.Path)
	}
	if fsys.Tree() != RockRidge {
		return
	}
	u := info.Sys().(layer.Sys).Unix()
	mode, ok := posixMode(info.Mode())
	require.True(t, ok)
	require.Equal(t, want.Mode, fmt.Sprintf("%04o", mode&07777), want.Path)
	require.Equal(t, [2]uint32{want.UID, want.GID}, [2]uint32{u.UID, u.GID}, want.Path)
	if want.Rdev != "" {
		require.Equal(t, want.Rdev, fmt.Sprintf("%d:%d", u.Major, u.Minor), want.Path)
	}
	if image == "unix" && want.Type == "file" {
		require.Equal(t, want.NLink, u.Links, want.Path)
	}
}

func TestGoldenHardLinks(t *testing.T) {
	fsys, err := opened(golden(t, "unix.iso"))
	require.NoError(t, err)
	unix := func(p string) layer.Unix {
		info, err := fsys.Stat(p)
		require.NoError(t, err)
		return info.Sys().(layer.Sys).Unix()
	}
	require.Equal(t, unix("file.txt").Inode, unix("sub/hard").Inode)
	require.NotEqual(t, unix("file.txt").Inode, unix("sector").Inode)
}

// goldenFiles holds a file that is in each of the images.
var goldenFiles = map[string]string{"deep": "top", "windows": "Read Me.txt", "plain": "SUB/DIR/FILE.1"}

func TestGoldenFS(t *testing.T) {
	for _, g := range goldens {
		if g.name == "zisofs" {
			continue // its data cannot be read
		}
		fsys, err := opened(golden(t, g.name+".iso"))
		require.NoError(t, err)
		if g.name == "unix" || g.name == "old" {
			// links holds links that lead nowhere, which fstest would open,
			// and names has backslashes, which it forbids.
			for dir, name := range map[string]string{"many": "a name that is long enough to fill sectors 119", "dev": "fifo", "sub": "hard"} {
				below, err := fs.Sub(fsys, dir)
				require.NoError(t, err)
				require.NoError(t, fstest.TestFS(below, name), g.name)
			}
			continue
		}
		require.NoError(t, fstest.TestFS(fsys, goldenFiles[g.name]), g.name)
	}
}

package iso

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

// everything returns a tree with every kind of file, name and time.
func everything() *memNode {
	shared := memData([]byte("two names"))
	shared.unix.Links, shared.unix.Inode = 2, 500
	old, future := memData([]byte("old")), memTree()
	old.mtime = time.Date(1899, 12, 31, 23, 59, 59, 0, time.UTC)
	old.unix.Access, old.unix.Change = old.mtime, old.mtime
	future.mtime = time.Date(2446, 5, 10, 22, 38, 55, 0, time.UTC)
	suid := memData([]byte("suid"))
	suid.mode |= fs.ModeSetuid | fs.ModeSetgid
	sticky := memTree()
	sticky.mode |= fs.ModeSticky | 0777
	device := func(mode fs.FileMode, major, minor uint32) *memNode {
		n := newNode(mode|0660, 77)
		n.unix.Major, n.unix.Minor = major, minor
		return n
	}
	deep := memTree(memEntry{"end", memData([]byte("deep"))})
	for range 460 {
		deep = memTree(memEntry{"d", deep})
	}
	return memTree(
		memEntry{"a.txt", memData([]byte("hello\n"))},
		memEntry{"big", memData(bytes.Repeat([]byte("0123456789abcdef"), 200_000))},
		memEntry{"blk", device(fs.ModeDevice, 259, 70000)},
		memEntry{"chr", device(fs.ModeDevice|fs.ModeCharDevice, 5, 1)},
		memEntry{"chr0", device(fs.ModeDevice|fs.ModeCharDevice, 0, 0)},
		memEntry{"deep", deep},
		memEntry{"empty", memData(nil)},
		memEntry{"emptydir", memTree()},
		memEntry{"fifo", newNode(fs.ModeNamedPipe|0600, 78)},
		memEntry{"future", future},
		memEntry{"hard1", shared},
		memEntry{"link", memSymlink("a.txt")},
		memEntry{"links", memTree(
			memEntry{"abs", memSymlink("/usr//lib/../x/.")},
			memEntry{"long", memSymlink(strings.Repeat("long/", 900) + "end")},
			memEntry{"one", memSymlink(strings.Repeat("z", 3000))},
			memEntry{"raw", memSymlink(`\xff/\x5cx41`)},
			memEntry{"root", memSymlink("/")},
			memEntry{"slash", memSymlink("dir/")},
			memEntry{"two", memSymlink("//server/x")},
			memEntry{"up", memSymlink("../..")},
		)},
		memEntry{"names", memTree(
			memEntry{" spaces ", memData([]byte("1"))},
			memEntry{`\xe4\xf6.txt`, memData([]byte("2"))},
			memEntry{`a*b:c;d?e\f`, memData([]byte("3"))},
			memEntry{`dev\x5cx2d.swap`, memData([]byte("4"))},
			memEntry{strings.Repeat("n", 255), memData([]byte("5"))},
			memEntry{strings.Repeat("n", 254) + "m", memData([]byte("6"))},
			memEntry{strings.Repeat(`\xff`, 255), memData([]byte("7"))},
			memEntry{strings.Repeat("😀", 63), memData([]byte("8"))},
		)},
		memEntry{"old", old},
		memEntry{"socket", newNode(fs.ModeSocket|0700, 79)},
		memEntry{"sticky", sticky},
		memEntry{"suid", suid},
		memEntry{"z", memTree(memEntry{"hard2", shared})},
	)
}

// equalTrees fails unless got is want in every attribute that Rock Ridge has.
func equalTrees(t *testing.T, want, got fs.FS) {
	t.Helper()
	list := func(fsys fs.FS) []string {
		var paths []string
		require.NoError(t, fs.WalkDir(fsys, ".", func(p string, _ fs.DirEntry, err error) error {
			paths = append(paths, p)
			return err
		}))
		return paths
	}
	paths := list(want)
	require.Equal(t, paths, list(got))
	for _, p := range paths {
		if strings.Count(p, "/d/") > 20 {
			continue // each is found from the root anew
		}
		a, err := fs.Lstat(want, p)
		require.NoError(t, err)
		b, err := fs.Lstat(got, p)
		require.NoError(t, err)
		require.Equal(t, a.Mode(), b.Mode(), p)
		require.True(t, a.ModTime().Truncate(time.Second).Equal(b.ModTime()), "%s: %v, %v", p, a.ModTime(), b.ModTime())
		ua, ub := a.Sys().(layer.Sys).Unix(), b.Sys().(layer.Sys).Unix()
		require.True(t, ua.Access.Equal(ub.Access), p)
		require.True(t, ua.Change.Equal(ub.Change), p)
		ua.Access, ua.Change, ua.Volume, ua.Inode = ub.Access, ub.Change, ub.Volume, ub.Inode
		require.Equal(t, ua, ub, p)
		switch a.Mode().Type() {
		case 0:
			da, err := fs.ReadFile(want, p)
			require.NoError(t, err)
			db, err := fs.ReadFile(got, p)
			require.NoError(t, err)
			require.True(t, bytes.Equal(da, db), p)
			require.EqualValues(t, len(da), b.Size(), p)
		case fs.ModeSymlink:
			la, err := fs.ReadLink(want, p)
			require.NoError(t, err)
			lb, err := fs.ReadLink(got, p)
			require.NoError(t, err)
			require.Equal(t, la, lb, p)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	source := memFS(everything())
	image, report, err := written(source, WithLabel("Round trip ä"))
	require.NoError(t, err)
	require.NoError(t, report.Err())
	require.EqualValues(t, len(image), report.Size)
	got, err := opened(image)
	require.NoError(t, err)
	require.Equal(t, RockRidge, got.Tree())
	require.Equal(t, "Round trip _", got.Label())
	require.True(t, testTime.Equal(got.Created()))
	equalTrees(t, source, got)

	inode := func(p string) layer.Unix {
		info, err := fs.Lstat(got, p)
		require.NoError(t, err)
		return info.Sys().(*Sys).Unix()
	}
	require.Equal(t, inode("hard1"), inode("z/hard2"))
	require.NotEqual(t, inode("hard1").Inode, inode("a.txt").Inode)
	info, err := fs.Lstat(got, `names/\xe4\xf6.txt`)
	require.NoError(t, err)
	require.Equal(t, []byte("\xe4\xf6.txt"), info.Sys().(*Sys).Name)
	xattrs, err := info.Sys().(*Sys).Xattrs()
	require.NoError(t, err)
	require.Empty(t, xattrs)
}

func TestRoundTripTwice(t *testing.T) {
	image, _, err := written(memFS(everything()))
	require.NoError(t, err)
	again, _, err := written(memFS(everything()))
	require.NoError(t, err)
	require.True(t, bytes.Equal(image, again), "equal trees make different images")

	first, err := opened(image)
	require.NoError(t, err)
	copied, report, err := written(first)
	require.NoError(t, err)
	require.NoError(t, report.Err())
	require.True(t, bytes.Equal(image, copied), "an image of an image is not equal")
}

func TestRoundTripJoliet(t *testing.T) {
	image, _, err := written(memFS(everything()))
	require.NoError(t, err)
	got, err := opened(image, WithTree(Joliet))
	require.NoError(t, err)
	require.Equal(t, "VMDKFS", got.Label())
	list, err := got.ReadDir("names")
	require.NoError(t, err)
	want := map[string]string{
		" spaces ": "1", "__.txt": "2", "a_b_c_d_e_f": "3", "dev_x2d.swap": "4",
		strings.Repeat("n", 64): "5 or 6", strings.Repeat("n", 63) + "0": "5 or 6",
		strings.Repeat("_", 64): "7", strings.Repeat("😀", 32): "8",
	}
	require.Len(t, list, len(want))
	for _, e := range list {
		data, err := got.ReadFile(path.Join("names", e.Name()))
		require.NoError(t, err)
		require.Contains(t, want[e.Name()], string(data), e.Name())
	}
	_, err = got.Lstat("link")
	require.ErrorIs(t, err, fs.ErrNotExist) // Joliet has no links

	long, _, err := written(memFS(everything()), WithLongJoliet())
	require.NoError(t, err)
	got, err = opened(long, WithTree(Joliet))
	require.NoError(t, err)
	_, err = got.Lstat("names/" + strings.Repeat("n", 103))
	require.NoError(t, err)
}

func TestRoundTripPlain(t *testing.T) {
	image, _, err := written(memFS(everything()))
	require.NoError(t, err)
	got, err := opened(image, WithTree(Plain))
	require.NoError(t, err)
	require.Equal(t, Plain, got.Tree())
	for p, want := range map[string]string{"A.TXT": "hello\n", "Z/HARD2": "two names", "DEEP/D/D/D/D/D/D/D/D/D" + strings.Repeat("/D", 451) + "/END": "deep"} {
		data, err := got.ReadFile(p)
		require.NoError(t, err)
		require.Equal(t, want, string(data))
	}
}

func TestCollidingNames(t *testing.T) {
	source := memTree()
	for i := range 1000 {
		source.children = append(source.children, memEntry{fmt.Sprintf("collide-%04d.text", i), memData(fmt.Append(nil, i))})
	}
	source.children = append(source.children, memEntry{"collide0.tex", memData(nil)}, memEntry{"same", memData(nil)}, memEntry{"same.", memTree()})
	image, report, err := written(memFS(source))
	require.NoError(t, err)
	require.NoError(t, report.Err())
	got, err := opened(image, WithTree(Plain))
	require.NoError(t, err)
	list, err := got.ReadDir(".")
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, e := range list {
		require.LessOrEqual(t, len(e.Name()), 12)
		seen[e.Name()] = true
	}
	require.Len(t, seen, 1003)
	require.True(t, seen["COLLIDE0.TEX"])
	rr, err := opened(image)
	require.NoError(t, err)
	equalTrees(t, memFS(source), rr)
}

func TestWrittenFS(t *testing.T) {
	root := everything()
	root.children = root.children[:0:0]
	for _, e := range everything().children {
		if !strings.Contains("deep links names", e.name) { // fstest takes long for the first, opens broken links, forbids backslashes
			root.children = append(root.children, e)
		}
	}
	image, _, err := written(memFS(root))
	require.NoError(t, err)
	for _, tree := range []Tree{RockRidge, Joliet, Plain} {
		got, err := opened(image, WithTree(tree))
		require.NoError(t, err)
		name := "z/hard2"
		if tree == Plain {
			name = "Z/HARD2"
		}
		require.NoError(t, fstest.TestFS(got, name), tree)
	}
}

// TestSections writes a file in several sections by lowering their limit.
func TestSections(t *testing.T) {
	data := bytes.Repeat([]byte("section "), 4000)
	source := memTree(memEntry{"before", memData([]byte("x"))}, memEntry{"large", memData(data)}, memEntry{"whole", memData(data[:8192])})
	limit := func(s *settings) { s.maxSection = 2 * sectorSize }
	image, _, err := written(memFS(source), limit)
	require.NoError(t, err)
	for _, tree := range []Tree{RockRidge, Joliet} {
		got, err := opened(image, WithTree(tree))
		require.NoError(t, err)
		b, err := got.ReadFile("large")
		require.NoError(t, err)
		require.Equal(t, data, b)
		b, err = got.ReadFile("whole")
		require.NoError(t, err)
		require.Equal(t, data[:8192], b)
	}
	got, err := opened(image)
	require.NoError(t, err)
	equalTrees(t, memFS(source), got)
}

func TestPlainSource(t *testing.T) {
	source := fstest.MapFS{
		`etc/dev\x2dsda.swap`: {Data: []byte("as it is"), Mode: 0600},
		"etc/link":            {Data: []byte(`\x41`), Mode: fs.ModeSymlink | 0777},
		"sub/dir/file":        {Data: []byte("x"), ModTime: testTime.Add(time.Hour)},
	}
	image, report, err := written(source)
	require.NoError(t, err)
	require.NoError(t, report.Err())
	require.Equal(t, 7, report.Entries)
	require.EqualValues(t, 9, report.Data)
	got, err := opened(image)
	require.NoError(t, err)
	info, err := got.Stat("etc/" + vnode.Escape([]byte(`dev\x2dsda.swap`)))
	require.NoError(t, err)
	require.True(t, testTime.Equal(info.ModTime())) // it had none
	target, err := got.ReadLink("etc/link")
	require.NoError(t, err)
	require.Equal(t, `\x5cx41`, target)
	info, err = got.Stat("sub")
	require.NoError(t, err)
	require.EqualValues(t, 3, info.Sys().(*Sys).Unix().Links)
}

package vnode

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"iter"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/vmdkfs/vmdkfs/layer"
)

// The nodes of a tree in memory.
type (
	memNode struct{ mode fs.FileMode }
	memFile struct {
		memNode
		data string
		err  error
	}
	memLink struct {
		memNode
		target string
	}
	memDir struct {
		memNode
		entries []memEntry
		err     error // behind the entries
	}
	memMount struct {
		memNode
		fsys *FS
		err  error
	}
	memEntry struct {
		name string
		node Node
	}
	memContent struct{ *bytes.Reader }
)

func (n memNode) Mode() fs.FileMode { return n.mode }
func (memNode) Size() int64         { return 0 }
func (memNode) ModTime() time.Time  { return time.Time{} }
func (memNode) Sys() any            { return nil }
func (f memFile) Size() int64       { return int64(len(f.data)) }
func (f memFile) Open() (Content, error) {
	return memContent{bytes.NewReader([]byte(f.data))}, f.err
}
func (l memLink) Target() (string, error) { return l.target, nil }
func (m memMount) Mounted() (*FS, error)  { return m.fsys, m.err }
func (e memEntry) Name() string           { return e.name }
func (e memEntry) Type() fs.FileMode      { return e.node.Mode().Type() }
func (e memEntry) Node() (Node, error)    { return e.node, nil }
func (c memContent) Extents() iter.Seq2[layer.Extent, error] {
	return func(yield func(layer.Extent, error) bool) { yield(layer.Extent{Length: c.Size(), Physical: -1}, nil) }
}

func (d memDir) Lookup(name string) (Node, error) {
	for _, e := range d.entries {
		if e.name == name {
			return e.node, nil
		}
	}
	return nil, fs.ErrNotExist
}

func (d memDir) Entries() iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for _, e := range d.entries {
			if !yield(e, nil) {
				return
			}
		}
		if d.err != nil {
			yield(nil, d.err)
		}
	}
}

func file(data string) Node   { return memFile{data: data} }
func link(target string) Node { return memLink{memNode{fs.ModeSymlink | 0o777}, target} }
func dir(entries ...memEntry) memDir {
	return memDir{memNode: memNode{fs.ModeDir | 0o755}, entries: entries}
}
func mount(fsys *FS, err error) memMount { return memMount{memNode{fs.ModeDir | 0o755}, fsys, err} }

var errDamage = errors.New("damage")

// testTree has links of all kinds, a mount, and damage.
func testTree() *FS {
	inner := New(dir(memEntry{"inside", file("in")}, memEntry{"abs", link("/inside")}, memEntry{"out", link("../../../outer")}))
	damaged := dir(memEntry{"left", file("l")})
	damaged.err = errDamage
	return New(dir(
		memEntry{"outer", file("outer")},
		memEntry{"dir", dir(memEntry{"file", file("content")}, memEntry{"up", link("../outer")}, memEntry{"deep", dir(memEntry{"leaf", file("leaf")})})},
		memEntry{"to-dir", link("dir/deep")},
		memEntry{"to-link", link("./to-dir//leaf")},
		memEntry{"absolute", link("/dir/file")},
		memEntry{"above", link("../../../../dir/file")},
		memEntry{"slash", link("dir/")},
		memEntry{"root", link("/")},
		memEntry{"loop", link("loop")},
		memEntry{"dangling", link("nowhere")},
		memEntry{"through-file", link("outer/x")},
		memEntry{"mnt", mount(inner, nil)},
		memEntry{"into-mnt", link("mnt/inside")},
		memEntry{"bad-mnt", mount(nil, errDamage)},
		memEntry{"damaged", damaged},
		memEntry{"unreadable", memFile{err: errDamage}},
		memEntry{"fifo", memNode{fs.ModeNamedPipe | 0o600}},
	))
}

func TestResolve(t *testing.T) {
	f := testTree()
	for path, want := range map[string]string{
		"outer": "outer", "dir/file": "content", "dir/up": "outer", "to-dir/leaf": "leaf", "to-link": "leaf",
		"absolute": "content", "above": "content", "slash/file": "content", "root/outer": "outer", "root/root/dir/up": "outer",
		"mnt/inside": "in", "mnt/abs": "in", "into-mnt": "in", "fifo": "",
	} {
		data, err := f.ReadFile(path)
		require.NoError(t, err, path)
		require.Equal(t, want, string(data), path)
		opened, err := f.Open(path)
		require.NoError(t, err, path)
		data, err = io.ReadAll(opened)
		require.NoError(t, err, path)
		require.Equal(t, want, string(data), path)
		require.NoError(t, opened.Close())
	}
	for path, want := range map[string]error{
		"loop": errManyHops, "dangling": fs.ErrNotExist, "through-file": errNotDir, "outer/x": errNotDir, "mnt/out": fs.ErrNotExist,
		"nothing": fs.ErrNotExist, "/outer": fs.ErrInvalid, "dir/../outer": fs.ErrInvalid, "bad-mnt": errDamage, "bad-mnt/x": errDamage,
		"unreadable": errDamage,
	} {
		_, err := f.Open(path)
		require.ErrorIs(t, err, want, path)
		var pe *fs.PathError
		require.ErrorAs(t, err, &pe)
		require.Equal(t, path, pe.Path)
	}
}

func TestLinks(t *testing.T) {
	f := testTree()
	target, err := f.ReadLink("to-dir")
	require.NoError(t, err)
	require.Equal(t, "dir/deep", target)
	info, err := f.Lstat("to-dir")
	require.NoError(t, err)
	require.Equal(t, fs.ModeSymlink, info.Mode().Type())
	info, err = f.Stat("to-dir")
	require.NoError(t, err)
	require.True(t, info.IsDir())
	require.Equal(t, "to-dir", info.Name())
	_, err = f.ReadLink("outer")
	require.ErrorIs(t, err, fs.ErrInvalid)
	_, err = f.ReadLink("nothing")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestReadDir(t *testing.T) {
	f := testTree()
	list, err := f.ReadDir("damaged")
	require.ErrorIs(t, err, errDamage)
	require.Len(t, list, 1) // damage does not cost what is readable
	opened, err := f.Open("damaged")
	require.NoError(t, err)
	list, err = opened.(fs.ReadDirFile).ReadDir(-1)
	require.ErrorIs(t, err, errDamage)
	require.Len(t, list, 1)
	_, err = opened.Read(nil)
	require.ErrorIs(t, err, errIsDir)
	require.NoError(t, opened.Close())
	_, err = opened.(fs.ReadDirFile).ReadDir(1)
	require.ErrorIs(t, err, fs.ErrClosed)
	_, err = f.ReadDir("outer")
	require.ErrorIs(t, err, errNotDir)
	_, err = f.ReadFile("dir")
	require.ErrorIs(t, err, errIsDir)
}

// TestDirEntry: entries reach what they name without a path, and do not follow
// links.
func TestDirEntry(t *testing.T) {
	list, err := testTree().ReadDir(".")
	require.NoError(t, err)
	for _, e := range list {
		d := e.(layer.DirEntry)
		opened, openErr := d.Open()
		_, dirErr := d.ReadDir()
		_, linkErr := d.ReadLink()
		_, infoErr := d.Info()
		switch d.Name() {
		case "bad-mnt":
			require.ErrorIs(t, openErr, errDamage)
			require.ErrorIs(t, dirErr, errDamage)
			require.ErrorIs(t, linkErr, errDamage)
			require.ErrorIs(t, infoErr, errDamage)
		case "damaged":
			require.NoError(t, openErr)
			require.ErrorIs(t, dirErr, errDamage)
		case "unreadable":
			require.ErrorIs(t, openErr, errDamage)
		default:
			require.NoError(t, infoErr)
			require.Equal(t, d.Type() == fs.ModeSymlink, linkErr == nil)
			require.Equal(t, d.Type() == fs.ModeSymlink, openErr != nil)
			require.Equal(t, d.IsDir(), dirErr == nil)
		}
		if openErr == nil {
			require.NoError(t, opened.Close())
		}
	}
}

func TestFS(t *testing.T) {
	f := New(dir(memEntry{"a", file("some bytes")}, memEntry{"d", dir(memEntry{"b", file("")}, memEntry{"l", link("../a")})},
		memEntry{"mnt", mount(New(dir(memEntry{"x", file("y")})), nil)}))
	require.NoError(t, fstest.TestFS(f, "a", "d/b", "d/l", "mnt/x"))
	sub, err := f.Sub("d")
	require.NoError(t, err)
	info, err := fs.Stat(sub, ".")
	require.NoError(t, err)
	require.Equal(t, ".", info.Name())
	data, err := fs.ReadFile(sub, "l") // leads out of the directory, not of the volume
	require.NoError(t, err)
	require.Equal(t, "some bytes", string(data))
	_, err = fs.ReadFile(sub, "nothing")
	var pe *fs.PathError
	require.ErrorAs(t, err, &pe)
	require.Equal(t, "nothing", pe.Path)
	target, err := fs.ReadLink(sub, "l")
	require.NoError(t, err)
	require.Equal(t, "../a", target)
	_, err = f.Sub("a")
	require.ErrorIs(t, err, errNotDir)
	same, err := f.Sub(".")
	require.NoError(t, err)
	require.Equal(t, fs.FS(f), same)
	deep, err := fs.Sub(New(dir(memEntry{"d", dir(memEntry{"e", dir(memEntry{"f", file("deep")})})})), "d")
	require.NoError(t, err)
	deep, err = fs.Sub(deep, "e")
	require.NoError(t, err)
	require.NoError(t, fstest.TestFS(deep, "f"))
}

func TestOpenFile(t *testing.T) {
	opened, err := testTree().Open("dir/file")
	require.NoError(t, err)
	f := opened.(layer.File)
	pos, err := f.Seek(-3, io.SeekEnd)
	require.NoError(t, err)
	require.EqualValues(t, 4, pos)
	var rest bytes.Buffer
	n, err := f.WriteTo(&rest)
	require.NoError(t, err)
	require.EqualValues(t, 3, n)
	require.Equal(t, "ent", rest.String())
	_, err = f.Seek(-1, io.SeekStart)
	require.ErrorIs(t, err, fs.ErrInvalid)
	_, err = f.Seek(0, 9)
	require.ErrorIs(t, err, errWhence)
	_, err = f.ReadAt(make([]byte, 1), -1)
	require.ErrorIs(t, err, fs.ErrInvalid)
	for e, err := range f.Extents() {
		require.NoError(t, err)
		require.EqualValues(t, 7, e.Length)
	}
	_, err = f.Seek(0, io.SeekStart)
	require.NoError(t, err)
	_, err = f.WriteTo(failingWriter{})
	require.ErrorIs(t, err, errDamage)
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errDamage }

func TestNames(t *testing.T) {
	for raw, want := range map[string]string{
		"plain":            "plain",
		"grün":             "grün",
		"\xff":             `\xff`,
		"a\xc3":            `a\xc3`,
		`back\slash`:       `back\slash`,
		`\x41`:             `\x5cx41`,
		`\xAB`:             `\xAB`, // upper case is no escape
		`\u00Ff`:           `\x5cu00Ff`,
		`\u00F`:            `\u00F`,
		"grün\\x41":        `grün\x5cx41`,
		"\xf0\x9f\x98\x80": "😀",
		"line\nfeed":       "line\nfeed",
		"":                 "",
		`\`:                `\`,
		`\x4`:              `\x4`,
		"\x80\\x80":        `\x80\x5cx80`,
	} {
		require.Equal(t, want, Escape([]byte(raw)))
		require.Equal(t, raw, string(Unescape(want)))
	}
	for name, want := range map[string]bool{"a": true, "...": true, ".a": true, "": false, ".": false, "..": false, "a/b": false, "a\x00": false} {
		require.Equal(t, want, Valid([]byte(name)), name)
	}
}

// FuzzNames: every name survives its escape, which is UTF-8.
func FuzzNames(f *testing.F) {
	f.Add([]byte(`\x41`))
	f.Add([]byte{0xff, '\\', 'u', '0', '0', '0', '0'})
	f.Fuzz(func(t *testing.T, raw []byte) {
		name := Escape(raw)
		if !bytes.Equal(Unescape(name), raw) {
			t.Errorf("%q becomes %q", raw, name)
		}
		if Valid(raw) && !fs.ValidPath(name) {
			t.Errorf("%q is no path", name)
		}
	})
}

func TestListing(t *testing.T) {
	whole := new(Listing)
	whole.Add("a", file("some bytes"))
	whole.Add("d", dir(memEntry{"b", file("")}))
	require.NoError(t, fstest.TestFS(New(whole), "a", "d/b"))
	_, err := New(whole).Stat("c")
	require.ErrorIs(t, err, fs.ErrNotExist)

	broken := &Listing{Broken: errDamage}
	broken.Add("a", file(""))
	list, err := New(broken).ReadDir(".")
	require.Len(t, list, 1)
	require.ErrorIs(t, err, errDamage)
	_, err = New(broken).Stat("c") // it may be there
	require.ErrorIs(t, err, errDamage)
	require.NotErrorIs(t, err, fs.ErrNotExist)
}

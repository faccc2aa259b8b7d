package walk

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

// paths returns what a walk yields, failed listings with an exclamation mark.
func paths(w *Walker, skip string) (list []string) {
	for e, err := range w.All() {
		p := e.Path
		if err != nil {
			p += "!"
		}
		if e.Path == skip {
			w.SkipDir()
		}
		list = append(list, p)
	}
	return list
}

var tree = fstest.MapFS{
	"a/b":       {},
	"a/c/d":     {},
	"a-b":       {},
	"a.d/x":     {},
	`a\xff`:     {},
	"a/to":      {Mode: fs.ModeSymlink, Data: []byte("c")},
	"loop":      {Mode: fs.ModeSymlink, Data: []byte(".")},
	"z/y/x/w/v": {},
}

func TestWalk(t *testing.T) {
	for _, test := range []struct{ start, skip, want string }{
		{".", "", `. a a/b a/c a/c/d a/to a-b a.d a.d/x a\xff loop z z/y z/y/x z/y/x/w z/y/x/w/v`},
		{".", "a", `. a a-b a.d a.d/x a\xff loop z z/y z/y/x z/y/x/w z/y/x/w/v`},
		{"a", "a/c", "a a/b a/c a/to"},
		{"a", "a", "a"},
		{"a/c/d", "", "a/c/d"},
		{"loop", "", "loop"},
	} {
		w, err := New(tree, test.start, nil)
		require.NoError(t, err)
		require.Equal(t, strings.Fields(test.want), paths(w, test.skip))
		require.Equal(t, test.start, w.Start().Path)
	}
	_, err := New(tree, "none", nil)
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestStop(t *testing.T) {
	w, err := New(tree, ".", nil)
	require.NoError(t, err)
	for range 5 {
		n := 0
		for range w.All() {
			if n++; n == 3 {
				break
			}
		}
		require.Equal(t, 3, n)
	}
}

// ByPath makes the paths of the files a sorted list of their raw bytes.
func TestByPath(t *testing.T) {
	w, err := New(tree, ".", ByPath)
	require.NoError(t, err)
	var files []string
	for e, err := range w.All() {
		require.NoError(t, err)
		if !e.IsDir() {
			files = append(files, strings.ReplaceAll(e.Path, `\xff`, "\xff"))
		}
	}
	require.Len(t, files, 8)
	require.True(t, slices.IsSorted(files), "%q", files)
}

func TestEntries(t *testing.T) {
	w, err := New(tree, "a", nil)
	require.NoError(t, err)
	for e, err := range w.All() {
		require.NoError(t, err)
		info, err := e.Info()
		require.NoError(t, err)
		require.Equal(t, e.Type(), info.Mode().Type())
		target, err := e.ReadLink()
		_, openErr := e.Open()
		if e.Path == "a/to" {
			require.NoError(t, err)
			require.Equal(t, "c", target)
			require.ErrorIs(t, openErr, fs.ErrInvalid)
		} else {
			require.Error(t, err)
			require.NoError(t, openErr)
		}
	}
}

var errBad = errors.New("bad block")

// hostile is a file system in which each directory holds two names of
// itself, and the last entry of one cannot be read.
type hostile struct{ fstest.MapFS }

type hostileEntry struct {
	layer.DirEntry
	name string
}

type inode struct{ fs.FileInfo }

func (inode) Sys() any                           { return inode{} }
func (inode) Unix() layer.Unix                   { return layer.Unix{Volume: "v", Inode: 2} }
func (inode) Xattrs() (map[string][]byte, error) { return nil, nil }

func (e hostileEntry) Name() string               { return e.name }
func (hostileEntry) IsDir() bool                  { return true }
func (hostileEntry) Type() fs.FileMode            { return fs.ModeDir }
func (hostileEntry) Info() (fs.FileInfo, error)   { return inode{}, nil }
func (hostileEntry) ModTime() time.Time           { return time.Time{} }
func (hostile) Lstat(string) (fs.FileInfo, error) { return dirInfo{}, nil }

type dirInfo struct{ inode }

func (dirInfo) Name() string      { return "." }
func (dirInfo) IsDir() bool       { return true }
func (dirInfo) Mode() fs.FileMode { return fs.ModeDir }

func (hostile) ReadDir(string) ([]fs.DirEntry, error) {
	return []fs.DirEntry{hostileEntry{name: "x"}, hostileEntry{name: "y"}}, errBad
}

// A directory with two names would be walked forever.
func TestLoop(t *testing.T) {
	w, err := New(hostile{}, ".", nil)
	require.NoError(t, err)
	var errs []error
	for _, err := range w.All() {
		if err != nil {
			errs = append(errs, err)
		}
	}
	require.Equal(t, []error{errLoop, errLoop, errBad}, errs)
}

package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

// node is a file of a Unix file system.
type node struct {
	fs.FileInfo
	unix layer.Unix
}

func (n node) Sys() any                         { return n }
func (n node) Unix() layer.Unix                 { return n.unix }
func (node) Xattrs() (map[string][]byte, error) { return nil, nil }

func nodeOf(t *testing.T, mode fs.FileMode, unix layer.Unix) node {
	t.Helper()
	fsys := fstest.MapFS{"f": {Mode: mode, Data: make([]byte, 1234), ModTime: time.Unix(1e9, 120)}}
	info, err := fsys.Lstat("f")
	require.NoError(t, err)
	return node{info, unix}
}

func TestAppendJSON(t *testing.T) {
	for _, s := range []string{"", "plain", "Grüße, 世界 🎉", `"\` + "\n\r\t\x00\x1f\x7f", "\u2028", "<&>", "\ufffd", strings.Repeat("x", 1000)} {
		var back string
		quoted := appendJSON(nil, s)
		require.NoError(t, json.Unmarshal(quoted, &back), "%s", quoted)
		require.Equal(t, s, back)
	}
	require.Equal(t, "\"a\ufffdb\"", string(appendJSON(nil, "a\xffb")))
}

func TestAppendObject(t *testing.T) {
	unix := layer.Unix{Inode: 12, Links: 3, UID: 1000, GID: 100, Major: 8, Minor: 1}
	for _, test := range []struct {
		mode   fs.FileMode
		target string
		want   string
	}{
		{0o644, "", `{"path":"a/b","type":"file","mode":"0644","uid":1000,"gid":100,"size":1234,"mtime":"2001-09-09T01:46:40.00000012Z","nlink":3,"inode":12}`},
		{fs.ModeDir | fs.ModeSticky | fs.ModeSetgid | 0o777, "", `{"path":"a/b","type":"dir","mode":"3777","uid":1000,"gid":100,"size":1234,"mtime":"2001-09-09T01:46:40.00000012Z","nlink":3,"inode":12}`},
		{fs.ModeSymlink | 0o777, "x\ny", `{"path":"a/b","type":"symlink","mode":"0777","uid":1000,"gid":100,"size":1234,"mtime":"2001-09-09T01:46:40.00000012Z","nlink":3,"inode":12,"target":"x\u000ay"}`},
		{fs.ModeDevice | 0o660, "", `{"path":"a/b","type":"block","mode":"0660","uid":1000,"gid":100,"size":1234,"mtime":"2001-09-09T01:46:40.00000012Z","nlink":3,"inode":12,"rdev":"8:1"}`},
	} {
		require.Equal(t, test.want, string(appendObject(nil, "a/b", nodeOf(t, test.mode, unix), test.target))+"}")
	}
	require.Equal(t, `{"path":"f","type":"file","mode":"0444","size":1234,"mtime":"2001-09-09T01:46:40.00000012Z"`,
		string(appendObject(nil, "f", nodeOf(t, 0o444, layer.Unix{}).FileInfo, "")), "of a file system without owners")
}

func TestTypeName(t *testing.T) {
	for mode, want := range map[fs.FileMode]string{
		0: "file", fs.ModeDir: "dir", fs.ModeSymlink: "symlink", fs.ModeDevice: "block", fs.ModeDevice | fs.ModeCharDevice: "char",
		fs.ModeNamedPipe: "fifo", fs.ModeSocket: "socket", fs.ModeIrregular: "unknown",
	} {
		require.Equal(t, want, typeName(mode|0o644))
	}
}

func TestAppendMode(t *testing.T) {
	for mode, want := range map[fs.FileMode]string{
		0o644:                              "-rw-r--r--",
		fs.ModeDir | 0o755:                 "drwxr-xr-x",
		fs.ModeSymlink | 0o777:             "lrwxrwxrwx",
		fs.ModeSetuid | 0o4755&fs.ModePerm: "-rwsr-xr-x",
		fs.ModeSetuid | 0o644:              "-rwSr--r--",
		fs.ModeSetgid | 0o755:              "-rwxr-sr-x",
		fs.ModeSetgid | 0o745:              "-rwxr-Sr-x",
		fs.ModeDir | fs.ModeSticky | 0o777: "drwxrwxrwt",
		fs.ModeDir | fs.ModeSticky | 0o770: "drwxrwx--T",
		fs.ModeNamedPipe:                   "p---------",
		fs.ModeSocket:                      "s---------",
		fs.ModeDevice:                      "b---------",
		fs.ModeDevice | fs.ModeCharDevice:  "c---------",
		fs.ModeIrregular:                   "?---------",
	} {
		require.Equal(t, want, string(appendMode(nil, mode)))
	}
}

func TestAppendLong(t *testing.T) {
	unix := layer.Unix{Links: 1, UID: 1000, GID: 123456, Major: 8, Minor: 16}
	require.Equal(t, "-rw-r--r--   1  1000 123456        1234 2001-09-09T01:46:40Z ", string(appendLong(nil, 0, nodeOf(t, 0o644, unix))))
	require.Equal(t, "b---------   1  1000 123456       8, 16 2001-09-09T01:46:40Z ", string(appendLong(nil, 0, nodeOf(t, fs.ModeDevice, unix))))
	require.True(t, strings.HasPrefix(string(appendLong(nil, fs.ModeDir, nil)), "d????????? "))
	require.Len(t, appendLong(nil, 0, nil), len(appendLong(nil, 0, nodeOf(t, 0o644, layer.Unix{}))))
}

func TestPrintable(t *testing.T) {
	for s, want := range map[string]string{
		"":                       "",
		"plain name":             "plain name",
		"Grüße 世界":               "Grüße 世界",
		"\x1b[2J":                `\x1b[2J`,
		"a\nb\x7f":               `a\x0ab\x7f`,
		"\u0085\u200e\U000e0001": `\xc2\x85\xe2\x80\x8e\xf3\xa0\x80\x81`,
		"caf\xe9":                `caf\xe9`,
		"\ufffd":                 "\ufffd",
	} {
		require.Equal(t, want, printable(s))
	}
}

// A name in the image is found by what was printed of it.
func TestUnprintable(t *testing.T) {
	for _, name := range []string{"plain", "a\x1b\u200e\U000e0001", `caf\xe9`, `\x5cx41`, `\x5c\x2f\x00`, `\ud800\xff`, `a\b`, "\ufffd"} {
		require.Equal(t, name, unprintable(printable(name)), name)
	}
	require.Equal(t, `caf\xe9`, unprintable("caf\xe9"), "its bytes")
}

func TestReason(t *testing.T) {
	inner := errors.New("bad block")
	for _, test := range []struct {
		path string
		err  error
		want string
	}{
		{"a/b", &fs.PathError{Op: "open", Path: "a/b", Err: fs.ErrNotExist}, "no such file or directory"},
		{"p1/a/b", &fs.PathError{Op: "open", Path: "a/b", Err: inner}, "bad block"},
		{"a/b", &fs.PathError{Op: "open", Path: "c", Err: inner}, "c: bad block"},
		{"a", &os.LinkError{Op: "link", Old: "x", New: "y", Err: inner}, "bad block"},
		{"a", os.NewSyscallError("mount", inner), "bad block"},
		{"a", layer.Errorf(layer.ErrCorrupt, "ext3", "inode 12", 5, "no"), "ext3: inode 12: no (corrupt, at byte 5)"},
		{"a", fs.ErrExist, "exists already"},
		{"a", &fs.PathError{Op: "readdir", Path: "a", Err: errors.Join(inner, fs.ErrExist, inner)}, "bad block; exists already"},
	} {
		require.Equal(t, test.want, reason(test.path, test.err))
	}
}

func TestSizeText(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 1023: "1023 B", 1024: "1 KiB", 1536: "1.5 KiB", 24 << 20: "24 MiB", 7048527872: "6.6 GiB", 1<<63 - 1: "8 EiB", 959 * 1034: "968 KiB",
	} {
		require.Equal(t, want, sizeText(n))
	}
}

package testimg

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"testing"
	"time"

	"github.com/vmdkfs/vmdkfs/layer"
)

// A File is a line of a manifest; testdata/README.md describes the fields.
type File struct {
	Path   string
	Type   string
	Mode   string
	UID    uint32
	GID    uint32
	Mtime  time.Time
	Atime  time.Time
	Ctime  time.Time
	Nlink  uint32
	Inode  uint64
	Size   int64
	SHA256 string
	Target string
	Rdev   string
	Xattrs map[string]string
	Error  string // of content that the kernel does not give either
}

// Manifest reads a manifest in testdata, by path.
func Manifest(tb testing.TB, name string) map[string]File {
	tb.Helper()
	files := make(map[string]File)
	d := json.NewDecoder(bytes.NewReader(Load(tb, name)))
	for {
		var f File
		err := d.Decode(&f)
		if err == io.EOF {
			return files
		}
		if err != nil {
			tb.Fatalf("%s: %v", name, err)
		}
		files[f.Path] = f
	}
}

// Describe walks fsys and returns what a manifest would say of it. What cannot
// be read is a failure of the test.
func Describe(tb testing.TB, fsys fs.FS) map[string]File {
	tb.Helper()
	files := make(map[string]File)
	root, err := fs.Stat(fsys, ".")
	if err != nil {
		tb.Fatal(err)
	}
	files["."] = describe(tb, ".", root, nil)
	describeDir(tb, fsys, ".", files)
	return files
}

func describeDir(tb testing.TB, fsys fs.FS, dir string, files map[string]File) {
	tb.Helper()
	list, err := fs.ReadDir(fsys, dir)
	if err != nil {
		tb.Errorf("%s: %v", dir, err)
	}
	for _, e := range list {
		name := path.Join(dir, e.Name())
		info, err := e.Info()
		if err != nil {
			tb.Errorf("%s: %v", name, err)
			continue
		}
		if _, twice := files[name]; twice {
			tb.Errorf("%s: listed twice", name)
		}
		files[name] = describe(tb, name, info, e.(layer.DirEntry))
		if e.IsDir() {
			describeDir(tb, fsys, name, files)
		}
	}
}

// types are the names that manifests have for types of files.
var types = map[fs.FileMode]string{0: "file", fs.ModeDir: "dir", fs.ModeSymlink: "symlink", fs.ModeNamedPipe: "fifo",
	fs.ModeSocket: "socket", fs.ModeDevice: "block", fs.ModeDevice | fs.ModeCharDevice: "char"}

func describe(tb testing.TB, name string, info fs.FileInfo, e layer.DirEntry) File {
	tb.Helper()
	sys := info.Sys().(layer.Sys)
	u := sys.Unix()
	mode := info.Mode()
	bits := uint32(mode.Perm())
	for m, bit := range map[fs.FileMode]uint32{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
		if mode&m != 0 {
			bits |= bit
		}
	}
	f := File{Path: name, Type: types[mode.Type()], Mode: fmt.Sprintf("%04o", bits), UID: u.UID, GID: u.GID,
		Mtime: info.ModTime(), Atime: u.Access, Ctime: u.Change, Nlink: u.Links, Inode: u.Inode}
	switch f.Type {
	case "file":
		f.Size = info.Size()
		sum, err := hash(e)
		if err != nil {
			tb.Errorf("%s: %v", name, err)
		}
		f.SHA256 = sum
	case "symlink":
		target, err := e.ReadLink()
		if err != nil {
			tb.Errorf("%s: %v", name, err)
		}
		f.Target = target
	case "char", "block":
		f.Rdev = fmt.Sprintf("%d:%d", u.Major, u.Minor)
	}
	xattrs, err := sys.Xattrs()
	if err != nil {
		tb.Errorf("%s: %v", name, err)
	}
	for k, v := range xattrs {
		if f.Xattrs == nil {
			f.Xattrs = make(map[string]string)
		}
		f.Xattrs[k] = base64.StdEncoding.EncodeToString(v)
	}
	return f
}

func hash(e layer.DirEntry) (string, error) {
	f, err := e.Open()
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := f.(layer.File).WriteTo(h); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Compare fails the test for every difference between what a file system holds
// and what its manifest says.
func Compare(tb testing.TB, got, want map[string]File) {
	tb.Helper()
	for p, w := range want {
		g, ok := got[p]
		switch {
		case !ok:
			tb.Errorf("%s: missing", p)
		case !equal(g, w):
			tb.Errorf("%s: differs\n got %+v\nwant %+v", p, g, w)
		}
	}
	for p := range got {
		if _, ok := want[p]; !ok {
			tb.Errorf("%s: not in the manifest", p)
		}
	}
}

func equal(a, b File) bool {
	sameTimes := a.Mtime.Equal(b.Mtime) && a.Atime.Equal(b.Atime) && a.Ctime.Equal(b.Ctime)
	return sameTimes && a.Path == b.Path && a.Type == b.Type && a.Mode == b.Mode && a.UID == b.UID && a.GID == b.GID &&
		a.Nlink == b.Nlink && a.Inode == b.Inode && a.Size == b.Size && a.SHA256 == b.SHA256 && a.Target == b.Target &&
		a.Rdev == b.Rdev && maps.Equal(a.Xattrs, b.Xattrs)
}

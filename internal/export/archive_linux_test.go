package export

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/internal/walk"
)

// toTar writes all of fsys to a tar archive.
func toTar(t *testing.T, fsys walk.FS, sources ...Source) (archive []byte, r run) {
	t.Helper()
	return toArchive(t, tarOf(t, fsys, Options{}, sources...))
}

func tarOf(t *testing.T, fsys walk.FS, with Options, sources ...Source) func(io.Writer, Options) (Summary, error) {
	return func(w io.Writer, opts Options) (Summary, error) {
		with.Fail, with.Note = opts.Fail, opts.Note
		return Tar(t.Context(), fsys, sources, w, with)
	}
}

func toZip(t *testing.T, fsys walk.FS, stored bool, sources ...Source) (archive []byte, r run) {
	t.Helper()
	return toArchive(t, func(w io.Writer, opts Options) (Summary, error) {
		return Zip(t.Context(), fsys, sources, w, stored, opts)
	})
}

func toArchive(t *testing.T, write func(io.Writer, Options) (Summary, error)) ([]byte, run) {
	t.Helper()
	r := run{failed: make(map[string]error)}
	var b bytes.Buffer
	r.Summary, r.err = write(&b, r.told(Options{}))
	return b.Bytes(), r
}

// unpack has a tool read an archive from its standard input, and returns what
// is in dir then.
func unpack(t *testing.T, archive []byte, dir string, command ...string) map[string]testimg.File {
	t.Helper()
	if _, err := exec.LookPath(command[0]); err != nil {
		t.Skip(err)
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(archive)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return describeHost(t, dir)
}

var everything = Source{Path: ".", Content: true}

var untar = map[string][]string{
	"GNU tar": {"tar", "-x", "-p", "--numeric-owner", "--acls", "--xattrs", "--xattrs-include=*", "-f", "-"},
	"bsdtar":  {"bsdtar", "-x", "-p", "--numeric-owner", "--acls", "--xattrs", "-f", "-"},
}

// Whatever other tools unpack from an archive of these images, the kernel says
// of it what it said of the images themselves.
func TestTarImages(t *testing.T) {
	asRoot(t)
	for _, name := range []string{"ext2-1k", "ext3-dirs", "ext3-links-1k", "ext4-times-256", "dirty-ext4-default"} {
		if testing.Short() && name == "ext3-dirs" {
			continue // 20,000 files
		}
		archive, r := toTar(t, image(t, name), everything)
		require.NoError(t, r.err)
		require.Empty(t, r.failed)
		for tool, command := range untar {
			if tool == "bsdtar" && name == "ext3-dirs" {
				continue // it composes the characters of names, whoever wrote the archive
			}
			t.Run(name+", "+tool, func(t *testing.T) {
				got := unpack(t, archive, t.TempDir(), command...)
				for path, want := range testimg.Manifest(t, "ext/"+name+".manifest.jsonl.gz") {
					if want.Type == "socket" {
						require.NotContains(t, got, path)
						continue
					}
					have, ok := got[path]
					require.True(t, ok, path)
					delete(got, path)
					want.Atime, want.Ctime, want.Inode, want.Xattrs = have.Atime, have.Ctime, have.Inode, have.Xattrs
					if want.Type == "dir" {
						want.Nlink = have.Nlink // depends on the file system
					}
					if !misread(tool, path, want.Mtime) {
						require.True(t, want.Mtime.Equal(have.Mtime), "%s: mtime %s instead of %s", path, have.Mtime, want.Mtime)
					}
					want.Mtime = have.Mtime
					require.Equal(t, want, have, path)
				}
				require.Empty(t, got)
			})
		}
	}
}

// misread reports whether a time is one that bsdtar gets wrong from GNU tar's
// archives too: that of the directory that it unpacks in, which it leaves, and
// fractions of seconds before 1970, which it counts upwards.
func misread(tool, path string, mtime time.Time) bool {
	return tool == "bsdtar" && (path == "." || mtime.Unix() < 0 && mtime.Nanosecond() != 0)
}

// Extended attributes, ACLs and capabilities come back.
func TestTarXattrs(t *testing.T) {
	asRoot(t)
	fsys := image(t, "ext4-xattrs-4k")
	dir := t.TempDir()
	if r := copyAll(t.Context(), fsys, dir, false, everything); len(r.notes)+len(r.failed) > 0 {
		t.Skip("the file system of ", dir, " cannot hold them: ", r.notes, r.failed)
	}
	archive, r := toTar(t, fsys, everything)
	require.NoError(t, r.err)
	require.Empty(t, r.failed)
	for tool, command := range untar {
		t.Run(tool, func(t *testing.T) {
			got := unpack(t, archive, t.TempDir(), command...)
			for path, want := range testimg.Manifest(t, "ext/ext4-xattrs-4k.manifest.jsonl.gz") {
				for name, value := range want.Xattrs {
					require.Equal(t, value, got[path].Xattrs[name], "%s: %s", path, name)
				}
			}
		})
	}
}

// Holes are neither in the archive nor in what GNU tar makes of it.
func TestTarHoles(t *testing.T) {
	if testing.Short() {
		t.Skip("hashes some gigabytes of zeros")
	}
	archive, r := toTar(t, image(t, "ext2-holes"), everything)
	require.NoError(t, r.err)
	total := int64(0)
	dir := t.TempDir()
	for path, f := range unpack(t, archive, dir, untar["GNU tar"]...) {
		total += f.Size
		require.Equal(t, testimg.Manifest(t, "ext/ext2-holes.manifest.jsonl.gz")[path].SHA256, f.SHA256, path)
	}
	require.Less(t, int64(len(archive)), total/4)

	next := tarHeaders(archive)
	for h, err := next(); err == nil; h, err = next() {
		require.NotContains(t, h.Name, "GNUSparseFile") // Go's reader knows the format as well
	}
	used, err := exec.Command("du", "-s", "-B1", dir).Output()
	require.NoError(t, err)
	var bytesUsed int64
	_, err = fmt.Sscan(string(used), &bytesUsed)
	require.NoError(t, err)
	require.Less(t, bytesUsed, total/2)
}

// tarHeaders returns what reads an archive's headers, one after the other.
func tarHeaders(archive []byte) func() (*tar.Header, error) {
	return tar.NewReader(bytes.NewReader(archive)).Next
}

func TestZipImages(t *testing.T) {
	asRoot(t)
	for _, stored := range []bool{false, true} {
		for _, name := range []string{"ext2-1k", "ext3-links-1k", "dirty-ext4-default"} {
			t.Run(fmt.Sprint(name, stored), func(t *testing.T) {
				archive, r := toZip(t, image(t, name), stored, everything)
				require.NoError(t, r.err)
				require.Empty(t, r.failed)
				file := filepath.Join(t.TempDir(), "a.zip")
				require.NoError(t, os.WriteFile(file, archive, 0o600))
				got := unpack(t, nil, t.TempDir(), "unzip", "-q", "-X", "-K", file)
				delete(got, ".")
				for path, want := range testimg.Manifest(t, "ext/"+name+".manifest.jsonl.gz") {
					switch want.Type {
					case "file", "symlink", "dir":
					default:
						require.NotContains(t, got, path)
						continue
					}
					if path == "." {
						continue
					}
					have, ok := got[path]
					require.True(t, ok, path)
					delete(got, path)
					require.Equal(t, []any{want.Type, want.Size, want.SHA256, want.Target, want.UID, want.GID},
						[]any{have.Type, have.Size, have.SHA256, have.Target, have.UID, have.GID}, path)
					if want.Type == "file" {
						require.Equal(t, want.Mode, have.Mode, path)
						require.Equal(t, want.Mtime.Unix(), have.Mtime.Unix(), path)
					}
				}
				require.Empty(t, got)
			})
		}
	}
}

// A large file that breaks in the middle keeps its place, a small one is left
// out, and both are reported.
func TestArchiveReadError(t *testing.T) {
	fsys := brokenFS{fstest.MapFS{
		"large": {Data: bytes.Repeat([]byte("x"), 3*bufferSize)},
		"small": {Data: []byte("xyz")},
		"sound": {Data: []byte("abc")},
	}, map[string]int64{"large": 2 * bufferSize, "small": 0}}
	archive, r := toTar(t, fsys, everything)
	require.NoError(t, r.err)
	require.Len(t, r.failed, 2)
	require.ErrorIs(t, r.failed["large"], errBroken)
	require.ErrorIs(t, r.failed["small"], errBroken)
	require.EqualValues(t, 2, r.Failed)
	files := make(map[string]string)
	for tr := tar.NewReader(bytes.NewReader(archive)); ; {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		data, err := io.ReadAll(tr)
		require.NoError(t, err)
		files[h.Name] = string(data)
	}
	require.Equal(t, strings.Repeat("x", 2*bufferSize)+strings.Repeat("\x00", bufferSize), files["large"])
	require.Equal(t, "abc", files["sound"])
	require.NotContains(t, files, "small")
}

var errBroken = errors.New("bad sector")

// brokenFS fails to read files from an offset on.
type brokenFS struct {
	fstest.MapFS
	from map[string]int64
}

func (b brokenFS) Open(name string) (fs.File, error) {
	f, err := b.MapFS.Open(name)
	if from, ok := b.from[name]; ok && err == nil {
		return brokenFile{f, from}, nil
	}
	return f, err
}

type brokenFile struct {
	fs.File
	from int64
}

func (f brokenFile) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > f.from {
		return 0, errBroken
	}
	return f.File.(io.ReaderAt).ReadAt(p, off)
}

// An output that fails, and a context that ends, end the archive.
func TestArchiveEnds(t *testing.T) {
	for _, size := range []int{0, 100, 600, 3000} {
		_, err := Tar(t.Context(), small, []Source{everything}, &limited{size}, Options{})
		require.ErrorIs(t, err, errBroken, "%d", size)
		_, err = Zip(t.Context(), small, []Source{everything}, &limited{size / 10}, false, Options{})
		require.ErrorIs(t, err, errBroken, "%d", size)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Tar(ctx, small, []Source{everything}, io.Discard, Options{})
	require.ErrorIs(t, err, context.Canceled)
}

// limited takes left bytes, then it fails.
type limited struct{ left int }

func (l *limited) Write(p []byte) (int, error) {
	if len(p) > l.left {
		return 0, errBroken
	}
	l.left -= len(p)
	return len(p), nil
}

func TestArchiveNames(t *testing.T) {
	fsys := fstest.MapFS{"a/x": {Data: []byte("1"), ModTime: time.Unix(1, 2)}, "b/x": {Data: []byte("2")}, `c\xff`: {Data: []byte("3")}}
	archive, r := toTar(t, fsys, Source{Path: "a/x"}, Source{Path: "b/x"}, Source{Path: `c\xff`}, Source{Path: "none"}, Source{Path: "a"})
	require.NoError(t, r.err)
	require.Len(t, r.failed, 2)
	require.ErrorContains(t, r.failed["b/x"], `two files are called "x"`)
	require.ErrorIs(t, r.failed["none"], fs.ErrNotExist)
	var names []string
	next := tarHeaders(archive)
	for h, err := next(); err == nil; h, err = next() {
		names = append(names, h.Name)
	}
	require.Equal(t, []string{"x", "c\xff", "a/", "a/x"}, names)
}

func TestACLText(t *testing.T) {
	for _, test := range []struct{ value, want string }{
		{"\x02\x00\x00\x00\x01\x00\x06\x00\xff\xff\xff\xff\x02\x00\x04\x00\xe8\x03\x00\x00\x04\x00\x04\x00\xff\xff\xff\xff" +
			"\x08\x00\x07\x00\x05\x00\x00\x00\x10\x00\x05\x00\xff\xff\xff\xff\x20\x00\x00\x00\xff\xff\xff\xff",
			"user::rw-,user:1000:r--,group::r--,group:5:rwx,mask::r-x,other::---"},
		{"\x02\x00\x00\x00", ""},
	} {
		text, ok := aclText([]byte(test.value))
		require.True(t, ok)
		require.Equal(t, test.want, text)
	}
	for _, value := range []string{"", "\x02\x00", "\x01\x00\x00\x00", "\x02\x00\x00\x00\x01\x00", "\x02\x00\x00\x00\x03\x00\x06\x00\xff\xff\xff\xff",
		"\x02\x00\x00\x00\x01\x00\x08\x00\xff\xff\xff\xff"} {
		_, ok := aclText([]byte(value))
		require.False(t, ok, "%q", value)
	}
}

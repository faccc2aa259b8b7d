package vmdk

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

// snapshot returns the text of a disk of 4 sectors that has nothing of its own
// above the parent, except in its first sector, which is in the file "a".
func snapshot(cid, parentCID uint32, hint string) *fstest.MapFile {
	text := fmt.Sprintf("# Disk DescriptorFile\nversion=1\nCID=%08x\nparentCID=%08x\n", cid, parentCID)
	if hint != "" {
		text += fmt.Sprintf("parentFileNameHint=%q\n", hint)
	}
	return &fstest.MapFile{Data: []byte(text + "createType=\"vmfsSparse\"\nRW 1 FLAT \"a\" 0\nRW 3 VMFSSPARSE \"delta\"\n")}
}

// emptyCOWD is an extent of n sectors in which nothing is stored.
func emptyCOWD(n byte) *fstest.MapFile {
	data := make([]byte, 5*512)
	copy(data, "COWD\x01\x00\x00\x00\x03\x00\x00\x00")
	data[12], data[16], data[20], data[24] = n, 1, 4, 1
	return &fstest.MapFile{Data: data}
}

func chainDir() fstest.MapFS {
	dir := directory("CID=00000001", "RW 4 FLAT b 0")
	dir["vm/delta"] = emptyCOWD(3)
	dir["vm/snap.vmdk"] = snapshot(2, 1, "disk.vmdk")
	return dir
}

func TestParents(t *testing.T) {
	dir := chainDir()
	want := append(bytes.Repeat([]byte("a"), 512), bytes.Repeat([]byte("b"), 3*512)...)
	for hint, warns := range map[string]string{
		"disk.vmdk":                     "",
		"./disk.vmdk":                   "",
		"/vmfs/volumes/5e/vm/disk.vmdk": "it is an absolute path",
		`C:\vms\vm\disk.vmdk`:           "it names a drive",
		`..\disk.vmdk`:                  "backslashes",
		"../vm/disk.vmdk":               `by ".."`,
		"elsewhere/disk.vmdk":           "it does not exist",
	} {
		dir["vm/snap.vmdk"] = snapshot(2, 1, hint)
		f := mustOpen(t, dir, "vm/snap.vmdk")
		data, err := f.ReadFile("disk")
		require.NoError(t, err)
		require.Equal(t, want, data, hint)
		if warns == "" {
			require.Empty(t, f.Warnings())
			continue
		}
		require.Len(t, f.Warnings(), 1, hint)
		require.ErrorContains(t, f.Warnings()[0], warns)
	}
}

func TestParentErrors(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit func(dir fstest.MapFS)
		kind error
		want string
	}{
		{"missing", func(d fstest.MapFS) { delete(d, "vm/disk.vmdk") }, layer.ErrIncomplete, `the parent "disk.vmdk" is missing`},
		{"directory", func(d fstest.MapFS) { d["vm/disk.vmdk"] = d["vm/dir"] }, layer.ErrIncomplete, `"disk.vmdk"`},
		{"unnamed", func(d fstest.MapFS) { d["vm/snap.vmdk"] = snapshot(2, 1, "") }, layer.ErrIncomplete, "does not name its parent"},
		{"absolute", func(d fstest.MapFS) { d["vm/snap.vmdk"] = snapshot(2, 1, "/x/y.vmdk") }, layer.ErrIncomplete,
			`the parent "/x/y.vmdk" is not opened, because it is an absolute path, and there is no "y.vmdk"`},
		{"guess of another CID", func(d fstest.MapFS) { d["vm/snap.vmdk"] = snapshot(2, 9, "/x/disk.vmdk") }, layer.ErrIncomplete, "is another disk"},
		{"another CID", func(d fstest.MapFS) { d["vm/snap.vmdk"] = snapshot(2, 9, "disk.vmdk") }, layer.ErrCorrupt, "its own is 00000001"},
		{"raw", func(d fstest.MapFS) { d["vm/snap.vmdk"] = snapshot(2, 1, "b") }, layer.ErrCorrupt, "it has none"},
		{"itself", func(d fstest.MapFS) { d["vm/snap.vmdk"] = snapshot(2, 2, "snap.vmdk") }, layer.ErrCorrupt, "snapshot of this disk itself"},
		{"guessed itself", func(d fstest.MapFS) { d["vm/snap.vmdk"] = snapshot(2, 2, "/vm/snap.vmdk") }, layer.ErrCorrupt, "snapshot of this disk itself"},
		{"each other", func(d fstest.MapFS) { d["vm/disk.vmdk"] = snapshot(1, 2, "snap.vmdk") }, layer.ErrCorrupt, "snapshot of this disk itself"},
		{"a parent's extent", func(d fstest.MapFS) { delete(d, "vm/b") }, layer.ErrIncomplete, "vm/b: the file does not exist"},
		{"no disk", func(d fstest.MapFS) { d["vm/disk.vmdk"] = &fstest.MapFile{} }, layer.ErrFormat, "vm/disk.vmdk"},
		{"deeper", func(d fstest.MapFS) { d["vm/disk.vmdk"] = snapshot(1, 7, "base.vmdk") }, layer.ErrIncomplete, `the parent "base.vmdk" is missing`},
	} {
		dir := chainDir()
		tt.edit(dir)
		_, err := Open(dir, "vm/snap.vmdk")
		require.ErrorIs(t, err, tt.kind, tt.name)
		require.ErrorContains(t, err, tt.want, tt.name)
	}
}

// TestSameFile: a cycle through another name of a file is a cycle.
func TestSameFile(t *testing.T) {
	dir := t.TempDir()
	for name, file := range map[string]*fstest.MapFile{"snap.vmdk": snapshot(2, 2, "other.vmdk"), "delta": emptyCOWD(3), "a": {Data: make([]byte, 512)}} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), file.Data, 0o600))
	}
	require.NoError(t, os.Link(filepath.Join(dir, "snap.vmdk"), filepath.Join(dir, "other.vmdk")))
	_, err := Open(os.DirFS(dir), "snap.vmdk")
	require.ErrorContains(t, err, "snapshot of this disk itself")
}

func TestAllowCIDMismatch(t *testing.T) {
	for hint, want := range map[string]string{"disk.vmdk": "its own is 00000001", "b": "it has none"} {
		dir := chainDir()
		dir["vm/snap.vmdk"] = snapshot(2, 9, hint)
		f, err := Open(dir, "vm/snap.vmdk", AllowCIDMismatch())
		require.NoError(t, err)
		defer f.Close()
		data, err := f.ReadFile("disk")
		require.NoError(t, err)
		require.Equal(t, byte('b'), data[2000])
		require.Len(t, f.Warnings(), 1)
		require.ErrorContains(t, f.Warnings()[0], want)
	}
}

func TestLongChain(t *testing.T) {
	dir := chainDir()
	const links = maxChain + 10
	for i := range uint32(links) {
		dir[fmt.Sprintf("vm/s%d.vmdk", i)] = snapshot(100+i, 101+i, fmt.Sprintf("s%d.vmdk", i+1))
	}
	dir[fmt.Sprintf("vm/s%d.vmdk", links)] = snapshot(100+links, 1, "disk.vmdk")
	_, err := Open(dir, "vm/s0.vmdk")
	require.ErrorIs(t, err, layer.ErrUnsupported)
	require.ErrorContains(t, err, "more than 256")
	f := mustOpen(t, dir, "vm/s20.vmdk") // 247 snapshots and the base
	require.Len(t, f.Chain(), links-20+2)
	data, err := f.ReadFile("disk")
	require.NoError(t, err)
	require.Equal(t, "ab", string(data[511:513]))
}

// TestParentSizes: behind the end of a smaller parent are zeros, and a larger
// one is cut.
func TestParentSizes(t *testing.T) {
	for sectors, want := range map[int]string{1: "a\x00\x00\x00", 2: "ab\x00\x00", 4: "abbb"} {
		dir := chainDir()
		dir["vm/disk.vmdk"] = directory("CID=1", fmt.Sprintf("RW %d FLAT b 0", sectors))["vm/disk.vmdk"]
		data, err := mustOpen(t, dir, "vm/snap.vmdk").ReadFile("disk")
		require.NoError(t, err)
		require.Equal(t, want, string([]byte{data[0], data[512], data[1024], data[1536]}))
		require.Len(t, data, 2048)
	}
	dir := chainDir()
	dir["vm/b"] = &fstest.MapFile{Data: bytes.Repeat([]byte("b"), 1<<20)}
	dir["vm/disk.vmdk"] = directory("CID=1", "RW 2048 FLAT b 0")["vm/disk.vmdk"]
	data, err := mustOpen(t, dir, "vm/snap.vmdk").ReadFile("disk")
	require.NoError(t, err)
	require.Len(t, data, 2048)
}

// TestOutside: names that lead out of the file system are opened by the
// caller's function, and only by it.
func TestOutside(t *testing.T) {
	far := chainDir()
	far["vm/disk.vmdk"] = directory("CID=1", "RW 2 FLAT b 0", `RW 2 FLAT "/abs/b" 0`)["vm/disk.vmdk"]
	var asked []string
	open := func(path string) (fs.File, error) {
		asked = append(asked, path)
		switch path {
		case "../far/disk.vmdk":
			return far.Open("vm/disk.vmdk")
		case "../far/b", "/abs/b", `C:\vm\b`:
			return far.Open("vm/b")
		}
		return nil, fs.ErrNotExist
	}
	dir := fstest.MapFS{"snap.vmdk": snapshot(2, 1, "../far/disk.vmdk"), "delta": emptyCOWD(3), "a": far["vm/a"]}
	_, err := Open(dir, "snap.vmdk")
	require.ErrorIs(t, err, layer.ErrIncomplete)
	f, err := Open(dir, "snap.vmdk", WithOutside(open))
	require.NoError(t, err)
	defer f.Close()
	data, err := f.ReadFile("disk")
	require.NoError(t, err)
	require.Equal(t, "ab", string(data[511:513]))
	require.Equal(t, []string{"../far/disk.vmdk", "../far/b", "/abs/b"}, asked)
	require.Equal(t, "../far/disk.vmdk", f.Chain()[1].Name)

	_, err = Open(directory(`RW 4 FLAT "C:\vm\b" 0`), "vm/disk.vmdk", WithOutside(open))
	require.NoError(t, err)
	_, err = Open(directory("RW 4 FLAT /nowhere 0"), "vm/disk.vmdk", WithOutside(open))
	require.ErrorIs(t, err, layer.ErrIncomplete)
	require.False(t, errors.Is(err, layer.ErrUnsupported))
}

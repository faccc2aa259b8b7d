package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs"
	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/iso"
)

// A faultCase is a command whose source fails. What it leaves is a tree, the
// files of which are compared one by one, or lines.
type faultCase struct {
	name string
	args func(dest string) []string
	// tree returns what is in the output, a text for each path; nil for a
	// command whose output is lines.
	tree func(dest string, out []byte) map[string]string
	// top is the path in the image of what the tree begins with.
	top string
	// whole says that lines are only compared when the command succeeds: the
	// failure is in the middle of them.
	whole bool
	// exact says that no file may have other content than it should, told or
	// not.
	exact bool
}

// TestFaults: a command whose source fails at any read, in any way, ends with
// exit status 1 and says so, or does what it does otherwise. What it gives is
// right, or is named as failed.
func TestFaults(t *testing.T) {
	vm := web01(t)
	const top = "vg_root/root"
	store := t.TempDir() // with two snapshots of the machine
	for _, dir := range []string{"web01", ".snapshot/daily.1/web01", ".snapshot/daily.2/web01"} {
		require.NoError(t, os.CopyFS(filepath.Join(store, dir), os.DirFS(filepath.Dir(vm))))
	}
	for _, c := range []faultCase{
		{name: "info", args: argsOf("info", vm), whole: true},
		{name: "ls", args: argsOf("ls", "-R", "--json", vm)},
		{name: "find", args: argsOf("find", "--larger", "1", vm)},
		{name: "stat", args: argsOf("stat", vm, hostname), whole: true},
		{name: "cat", args: argsOf("cat", vm, hostname), whole: true},
		{name: "cat of a guest path", args: argsOf("cat", vm, "/etc/hostname"), whole: true},
		{name: "hash", args: argsOf("hash", vm)},
		{name: "diff", args: argsOf("diff", vm, vm)},
		{name: "versions", args: argsOf("versions", store, "web01/web01.vmdk", "/etc/hostname"), whole: true},
		{name: "cp", args: func(dest string) []string { return []string{"cp", vm, top, dest} },
			tree: func(dest string, _ []byte) map[string]string { return treeOf(os.DirFS(dest)) }, top: top, exact: true},
		{name: "tar", args: argsOf("tar", "-o", "-", vm, top), tree: func(_ string, out []byte) map[string]string { return tarTree(out) }, top: top},
		{name: "zip", args: argsOf("zip", "-o", "-", vm, top), tree: func(_ string, out []byte) map[string]string { return zipTree(out) }, top: top},
		{name: "iso", args: argsOf("iso", "--reproducible", "-o", "-", vm, top), tree: func(_ string, out []byte) map[string]string { return isoTree(out) }, top: top},
	} {
		t.Run(c.name, func(t *testing.T) {
			var sound outcome
			testimg.EachStorage(5, func(s *testimg.Storage) bool {
				got := c.run(t, s)
				if s.Fails() == "never" {
					require.Zero(t, got.status, got.stderr)
					require.NotEmpty(t, got.tree, got.lines)
					sound = got
					return true
				}
				if text := c.wrong(s, sound, got); text != "" {
					t.Errorf("read %d fails %s: %s; exit status %d, %q", s.From(), s.Fails(), text, got.status, got.stderr)
				}
				return !t.Failed()
			})
		})
	}
}

func argsOf(args ...string) func(string) []string { return func(string) []string { return args } }

// An outcome is what a run of a command leaves.
type outcome struct {
	status int
	lines  []string
	tree   map[string]string
	stderr []string
}

func (c *faultCase) run(t *testing.T, s *testimg.Storage) outcome {
	dest, err := os.MkdirTemp("", "vmdkfs-faults-")
	require.NoError(t, err)
	defer os.RemoveAll(dest)
	var stdout, stderr bytes.Buffer
	a := newApp(&stdout, &stderr)
	a.open = func(file string, opts ...vmdkfs.Option) (*vmdkfs.Disk, error) {
		dir, base := filepath.Split(file)
		return vmdkfs.Open(s.FS(os.DirFS(dir)), base, opts...)
	}
	o := outcome{status: a.run(t.Context(), append([]string{"--quiet"}, c.args(dest)...))}
	o.stderr = splitLines(stderr.String())
	if c.tree != nil {
		o.tree = c.tree(dest, stdout.Bytes())
	} else {
		o.lines = splitLines(stdout.String())
		o.tree = map[string]string{"status": fmt.Sprint(o.status)}
	}
	return o
}

func splitLines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(s, "\n"), "\n")
}

// wrong returns what is wrong with a run whose source has failed.
func (c *faultCase) wrong(s *testimg.Storage, sound, got outcome) string {
	told := false
	for _, line := range got.stderr {
		if !strings.HasPrefix(line, "vmdkfs: ") {
			return "not a line of the command: " + line
		}
		told = told || s.Tells(line)
	}
	same := slices.Equal(sound.lines, got.lines) && equalTrees(sound.tree, got.tree)
	switch {
	case got.status == exitDone && !same:
		for _, line := range got.lines {
			if !slices.Contains(sound.lines, line) {
				return "success with another result: " + line
			}
		}
		return fmt.Sprintf("success with another result: %d lines, not %d", len(got.lines), len(sound.lines))
	case got.status == exitDone:
		return ""
	case got.status != exitFailed:
		return "exit status"
	case s.FailsLate():
		return "a failure"
	case !told:
		return "the failure is not told"
	}
	if !c.whole && c.tree == nil {
		for _, line := range got.lines {
			if !slices.Contains(sound.lines, line) && !c.placeholder(got, line) {
				return "false line " + line
			}
		}
	}
	if c.tree == nil {
		return ""
	}
	for name, text := range got.tree {
		want, known := sound.tree[name]
		switch {
		case !known:
			return "made from nothing: " + name
		case text != want && known && (c.exact || !c.named(got, name)):
			return "other content of " + name
		}
	}
	for name := range sound.tree {
		if _, there := got.tree[name]; !there && !c.named(got, name) {
			return "missing without a word: " + name
		}
	}
	return ""
}

// placeholder reports whether a line of ls or find is that of a volume which
// failed, and cannot tell what it is, of a link that does not tell where to, or
// of a file of which no more is known than its entry.
func (c *faultCase) placeholder(got outcome, line string) bool {
	var file struct {
		Path, Type   string
		Mode, Target *string
	}
	if json.Unmarshal([]byte(line), &file) != nil {
		file.Path, file.Type = line, "dir"
	}
	unknown := file.Type == "dir" || file.Mode == nil || file.Type == "symlink" && file.Target == nil
	return unknown && c.named(got, file.Path)
}

// named reports whether a failure names a file of the tree, or a directory or
// the image that it is in.
func (c *faultCase) named(got outcome, name string) bool {
	full := printable(path.Join(c.top, name))
	for _, line := range got.stderr {
		line = strings.TrimPrefix(line, "vmdkfs: ")
		for at := full; at != "."; at = path.Dir(at) {
			if strings.HasPrefix(line, at+": ") {
				return true
			}
		}
		if strings.Contains(line, "web01.vmdk: ") || strings.HasPrefix(line, "p2") {
			return true
		}
	}
	return false
}

func equalTrees(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for name, text := range a {
		if b[name] != text {
			return false
		}
	}
	return true
}

// treeOf describes every file of a file system by its type, permissions and
// content. What cannot be read is described by the error.
func treeOf(fsys fs.FS) map[string]string {
	tree := make(map[string]string)
	_ = fs.WalkDir(fsys, ".", func(name string, e fs.DirEntry, err error) error {
		if name == "." {
			return nil
		}
		text := ""
		if err != nil {
			text = err.Error()
		}
		if info, err := e.Info(); err == nil {
			text += info.Mode().String()
		}
		if e.Type().IsRegular() {
			data, err := fs.ReadFile(fsys, name)
			text += fmt.Sprintf(" %x %v", sha256.Sum256(data), err)
		}
		tree[name] = text
		return nil
	})
	return tree
}

// isoTree is treeOf without the manifest, which tells of the failures.
func isoTree(out []byte) map[string]string {
	image, err := iso.Open(bytes.NewReader(out), int64(len(out)))
	if err != nil {
		return map[string]string{}
	}
	tree := treeOf(image)
	delete(tree, "VMDKFS/MANIFEST.TXT")
	return tree
}

func zipTree(out []byte) map[string]string {
	z, err := zip.NewReader(bytes.NewReader(out), int64(len(out)))
	if err != nil {
		return map[string]string{}
	}
	tree := make(map[string]string)
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			tree[path.Clean(f.Name)] = err.Error()
			continue
		}
		data, err := io.ReadAll(r)
		tree[path.Clean(f.Name)] = fmt.Sprintf("%s %x %v", f.Mode(), sha256.Sum256(data), err)
	}
	return tree
}

func tarTree(out []byte) map[string]string {
	tree := make(map[string]string)
	for r := tar.NewReader(bytes.NewReader(out)); ; {
		h, err := r.Next()
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				tree["a damaged archive"] = err.Error()
			}
			return tree
		}
		data, err := io.ReadAll(r)
		name, text := path.Clean(h.Name), fmt.Sprintf("%s %s %x %v", h.FileInfo().Mode(), h.Linkname, sha256.Sum256(data), err)
		if h.Typeflag == tar.TypeLink {
			text = tree[path.Clean(h.Linkname)]
		}
		tree[name] = text
	}
}

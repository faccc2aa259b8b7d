package iso

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// toolTree returns a tree without what one of the tools below cannot read:
// xorriso refuses targets of more than 1024 bytes, with which isoinfo crashes,
// and makes one slash of two; libarchive takes a month more for years of four
// digits.
func toolTree() *memNode {
	shared := memData([]byte("two names"))
	shared.unix.Links, shared.unix.Inode = 2, 500
	tty := newNode(fs.ModeDevice|fs.ModeCharDevice|0620, 77)
	tty.unix.Major, tty.unix.Minor = 5, 1
	deep := memTree(memEntry{"end", memData([]byte("deep"))})
	for range 20 {
		deep = memTree(memEntry{"d", deep})
	}
	root := memTree(
		memEntry{"Hello World.txt", memData([]byte("hello\n"))},
		memEntry{"big", memData(bytes.Repeat([]byte("0123456789abcdef"), 100_000))},
		memEntry{"deep", deep},
		memEntry{"empty", memData(nil)},
		memEntry{"emptydir", memTree()},
		memEntry{"hard1", shared},
		memEntry{"hard2", shared},
		memEntry{"link", memSymlink("/usr/lib/../x/.")},
		memEntry{"long", memSymlink(strings.Repeat("long/", 200) + "end")},
		memEntry{strings.Repeat("n", 255), memData([]byte("255 bytes"))},
		memEntry{"tty", tty},
	)
	for i := range 100 {
		root.children = append(root.children, memEntry{fmt.Sprintf("x-with-a-longer-name-%03d", i), memData(fmt.Append(nil, i))})
	}
	return root
}

// tool runs a program in the C locale, or skips the test where there is none.
func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("%s is not installed: the image was not read by it", name)
	}
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TZ=UTC")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s: %s", name, out)
	return string(out)
}

// toolImage writes the image for the tools, and returns where it is and the
// paths in it.
func toolImage(t *testing.T) (image string, paths []string) {
	t.Helper()
	image = filepath.Join(t.TempDir(), "image.iso")
	f, err := os.Create(image)
	require.NoError(t, err)
	report, err := Write(f, memFS(toolTree()), WithTime(testTime), WithLabel("TOOLS"))
	require.NoError(t, err)
	require.NoError(t, report.Err())
	require.NoError(t, f.Close())
	require.NoError(t, fs.WalkDir(memFS(toolTree()), ".", func(p string, _ fs.DirEntry, err error) error {
		if p != "." {
			paths = append(paths, p)
		}
		return err
	}))
	return image, paths
}

func TestXorriso(t *testing.T) {
	image, paths := toolImage(t)
	out := tool(t, "xorriso", "-indev", image, "-find", "/", "-exec", "lsdl")
	for _, p := range paths {
		require.Contains(t, out, "'/"+p+"'")
	}
	for _, line := range []string{
		"crw--w----    1 1077     70000           5,1 Feb 29  2024 '/tty'",
		"-rw-r-----    1 1099     70000            6 Feb 29  2024 '/Hello World.txt'",
		"'/link' -> '/usr/lib/../x/.'",
		"'/long' -> '" + strings.Repeat("long/", 200) + "end'",
	} {
		require.Contains(t, strings.Join(strings.Fields(out), " "), strings.Join(strings.Fields(line), " "))
	}
	require.NotContains(t, out, "SORRY")
	dir := t.TempDir()
	tool(t, "xorriso", "-osirrox", "on", "-indev", image, "-extract", "/big", filepath.Join(dir, "big"))
	data, err := os.ReadFile(filepath.Join(dir, "big"))
	require.NoError(t, err)
	require.Equal(t, bytes.Repeat([]byte("0123456789abcdef"), 100_000), data)
}

func TestIsoinfo(t *testing.T) {
	image, paths := toolImage(t)
	out := strings.Split(tool(t, "isoinfo", "-R", "-f", "-i", image), "\n")
	for _, p := range paths {
		require.Contains(t, out, "/"+p)
	}
	out = strings.Split(tool(t, "isoinfo", "-J", "-f", "-i", image), "\n")
	for _, p := range []string{"/Hello World.txt;1", "/" + strings.Repeat("n", 64) + ";1", "/emptydir", "/deep" + strings.Repeat("/d", 20) + "/end;1"} {
		require.Contains(t, out, p)
	}
	out = strings.Split(tool(t, "isoinfo", "-f", "-i", image), "\n")
	require.Contains(t, out, "/HELLO_WO.TXT;1")
	out = strings.Split(tool(t, "isoinfo", "-p", "-i", image), "\n")
	require.Greater(t, len(out), 20) // the path table
	require.Contains(t, tool(t, "isoinfo", "-d", "-i", image), "Volume id: TOOLS")
}

func TestBsdtar(t *testing.T) {
	image, paths := toolImage(t)
	out := tool(t, "bsdtar", "-tvf", image)
	for _, p := range paths {
		require.Contains(t, out, " "+p)
	}
	require.Contains(t, out, "hard2 link to hard1")
	dir := t.TempDir()
	tool(t, "bsdtar", "-xf", image, "-C", dir, "--no-same-owner", "--exclude", "tty", "--exclude", "deep")
	for name, want := range map[string]string{"hard2": "two names", "Hello World.txt": "hello\n", "x-with-a-longer-name-099": "99", strings.Repeat("n", 255): "255 bytes"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, want, string(data))
	}
}

func Test7z(t *testing.T) {
	image, _ := toolImage(t)
	tool(t, "7z", "t", image)
	out := tool(t, "7z", "l", image)
	for _, p := range []string{"Hello World.txt", "hard1", "hard2", strings.Repeat("n", 64), "x-with-a-longer-name-042"} {
		require.Contains(t, out, p)
	}
}

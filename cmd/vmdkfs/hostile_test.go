package main

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

// hostileName is as long as the name that it replaces in the image: it would
// turn a terminal's text red.
const (
	goodName    = "level0"
	hostileName = "\x1b[31mX"
)

// hostileImage returns the path of an image, and of a folder beside it that a
// copy may not touch.
func hostileImage(t *testing.T) (image, outside string) {
	dir := t.TempDir()
	data := testimg.Load(t, "ext/ext2-1k.img.gz")
	require.Contains(t, string(data), goodName)
	image, outside = filepath.Join(dir, "disk.img"), filepath.Join(dir, "outside")
	require.NoError(t, os.WriteFile(image, bytes.ReplaceAll(data, []byte(goodName), []byte(hostileName)), 0o600))
	require.NoError(t, os.Mkdir(outside, 0o700))
	return image, outside
}

// TestTerminal: no command prints what a terminal would obey, on either of its
// outputs, whether it succeeds or fails.
func TestTerminal(t *testing.T) {
	image, _ := hostileImage(t)
	out := filepath.Join(t.TempDir(), "o")
	shown := strings.ReplaceAll(hostileName, "\x1b", `\x1b`)
	for _, args := range [][]string{
		{"info", image}, {"ls", image}, {"ls", "-l", image}, {"ls", "-R", image}, {"ls", "-R", "--json", image},
		{"find", image}, {"find", "-l", image}, {"stat", image, shown}, {"stat", image, hostileName}, {"stat", image, "no\x1b[2Jsuch"},
		{"cat", image, hostileName}, {"cat", image, hostileName + "/no"}, {"hash", image}, {"cp", image, "\x1b[2J", out},
		{"tar", "-o", filepath.Join(out, "no", "o.tar"), image, hostileName}, {"zip", "-o", out + ".zip", image, "\x1b[2J"},
		{"iso", "-o", out + ".iso", image, hostileName}, {"info", image + "\x1b[2J"}, {"ls", image, hostileName + "\x9b2J"}, {"no\x1b[2Jsuch"},
		{"ls", "--no\x1b[2J", image},
	} {
		var stdout, stderr bytes.Buffer
		run(t.Context(), args, &stdout, &stderr)
		outputs := []string{stdout.String(), stderr.String()}
		if args[0] == "hash" {
			outputs = outputs[1:] // for sha256sum, unless it is a terminal: TestHashForTerminal
		}
		for _, text := range outputs {
			for _, r := range text {
				require.False(t, r != '\n' && r != '\t' && unicode.IsControl(r), "%q prints %q", args, text)
			}
		}
	}
	var stdout, stderr bytes.Buffer
	require.Zero(t, run(t.Context(), []string{"ls", image}, &stdout, &stderr))
	require.Contains(t, stdout.String(), `\x1b[31mX`)
}

// TestHashForTerminal: names are raw for a program, and escaped for a terminal.
func TestHashForTerminal(t *testing.T) {
	image, _ := hostileImage(t)
	var stdout, stderr bytes.Buffer
	require.Zero(t, run(t.Context(), []string{"hash", image}, &stdout, &stderr))
	require.Contains(t, stdout.String(), hostileName)
	master, terminal := pseudoTerminal(t)
	read := make(chan string)
	go func() {
		text, _ := io.ReadAll(master) // ends with an error once the terminal is closed
		read <- string(text)
	}()
	require.Zero(t, run(t.Context(), []string{"hash", image}, terminal, &stderr))
	require.NoError(t, terminal.Close())
	text := <-read
	require.Contains(t, text, `\\x1b[31mX`)
	require.NotContains(t, text, "\x1b")
}

// TestCopyStaysInside: names and links of an image lead nowhere but into the
// destination.
func TestCopyStaysInside(t *testing.T) {
	image, outside := hostileImage(t)
	dest := filepath.Join(filepath.Dir(outside), "dest")
	require.NoError(t, os.Mkdir(dest, 0o700))
	var before []string
	list := func() (names []string) {
		require.NoError(t, filepath.WalkDir(filepath.Dir(outside), func(p string, e fs.DirEntry, err error) error {
			if err == nil && p == dest {
				return fs.SkipDir
			}
			names = append(names, p)
			return err
		}))
		return names
	}
	before = list()
	var stdout, stderr bytes.Buffer
	run(t.Context(), []string{"cp", image, ".", dest}, &stdout, &stderr)
	require.Equal(t, before, list())
	entries, err := os.ReadDir(dest)
	require.NoError(t, err)
	require.NotEmpty(t, entries)
}

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

// store makes a datastore with snapshots of web01, each with its disk changed.
func store(t *testing.T, changes map[string]func(disk []byte) []byte) string {
	t.Helper()
	root := t.TempDir()
	descriptor, err := os.ReadFile(testimg.Path(t, "web01/web01.vmdk"))
	require.NoError(t, err)
	for name, change := range changes {
		disk, err := os.ReadFile(testimg.Path(t, "web01/web01-flat.vmdk"))
		require.NoError(t, err)
		dir := filepath.Join(root, ".snapshot", name, "web01")
		if name == "current" {
			dir = filepath.Join(root, "web01")
		}
		require.NoError(t, os.MkdirAll(dir, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "web01.vmdk"), descriptor, 0o600))
		flat := filepath.Join(dir, "web01-flat.vmdk")
		require.NoError(t, os.WriteFile(flat, change(disk), 0o600))
		at := time.Date(2026, 11, 20, 6, 0, 0, 0, time.UTC)
		require.NoError(t, os.Chtimes(flat, at, at))
		require.NoError(t, os.Chtimes(filepath.Join(dir, "web01.vmdk"), at, at))
	}
	return root
}

func TestVersions(t *testing.T) {
	const file = "/home/alice/notes/n1.txt"
	text := []byte(invoke(t, "cat", web01(t), "vg_root/home/alice/notes/n1.txt").out)
	require.NotEmpty(t, text)
	same := func(disk []byte) []byte { return disk }
	root := store(t, map[string]func([]byte) []byte{
		"daily.2026-11-17_0010": same,
		"daily.2026-11-18_0010": func(disk []byte) []byte { // other bytes, and nothing else that tells
			at := bytes.Index(disk, text)
			require.Positive(t, at)
			disk[at] ^= 1
			return disk
		},
		"daily.2026-11-19_0010": func(disk []byte) []byte { return disk[:4<<20] },
		"current":               same,
	})
	states := func(args ...string) (list []string) {
		r := invoke(t, append(args, root, "web01/web01.vmdk", file)...)
		require.Equal(t, 1, r.status, r.err) // of the one that was cut
		require.Contains(t, r.err, "daily.2026-11-19_0010: ")
		require.Equal(t, 1, strings.Count(r.err, "\n"), r.err)
		for _, line := range strings.Split(strings.TrimSuffix(r.out, "\n"), "\n") {
			var v versionRow
			require.NoError(t, json.Unmarshal([]byte(line), &v))
			if v.Error == "" {
				require.EqualValues(t, len(text), *v.Size)
			}
			list = append(list, v.Version+" "+v.State)
		}
		return list
	}
	// The content of a small file is read whatever its inode says.
	require.Equal(t, []string{"daily.2026-11-17_0010 ", "daily.2026-11-18_0010 changed", "daily.2026-11-19_0010 ", "current changed"}, states("versions", "--json"))
	require.Equal(t, []string{"daily.2026-11-17_0010 ", "daily.2026-11-18_0010 changed", "daily.2026-11-19_0010 ", "current changed"}, states("versions", "--json", "--checksum"))

	r := invoke(t, "versions", root, "web01/web01.vmdk")
	require.Equal(t, 1, r.status)
	require.Contains(t, r.out, " 2026-11-17 00:10  daily.2026-11-17_0010                24 MiB  4f1d2c3b\n")
	require.Contains(t, r.out, "~2026-11-20 06:00  current ")
	r = invoke(t, "versions", root, "none.vmdk")
	require.Equal(t, result{"", "vmdkfs: " + filepath.Join(root, "none.vmdk") + ": no such file or directory\n", 1}, r)
	r = invoke(t, "versions", root, "../x")
	require.Equal(t, 1, r.status)
}

// TestNeighbours: a file that comes and goes.
func TestNeighbours(t *testing.T) {
	yes, no := true, false
	rows := []versionRow{{Present: &no}, {Present: &yes}, {err: errFailed}, {Present: &yes}, {Present: &no}, {Present: &no}, {Present: &yes}}
	var pairs [][2]int
	new(historian).neighbours(rows, func(before, i int) { pairs = append(pairs, [2]int{before, i}) })
	require.Equal(t, [][2]int{{1, 3}}, pairs)
	var states []string
	for _, r := range rows {
		states = append(states, r.State)
	}
	require.Equal(t, []string{"", "new", "", "", "gone", "", "new"}, states)
}

// TestMark: what is the same by its stamps need not be read.
func TestMark(t *testing.T) {
	a := mark{sizes: []byte{1}, stamps: []byte{1}}
	touched := mark{sizes: []byte{1}, stamps: []byte{2}}
	longer := mark{sizes: []byte{2}, stamps: []byte{2}}
	require.True(t, a.same(a))
	require.False(t, a.unsure(a))
	require.True(t, a.unsure(touched))
	require.False(t, a.unsure(longer))
	require.False(t, a.same(longer))
	a.data, touched.data = []byte{3}, []byte{3}
	require.True(t, a.same(touched))
}

// TestVersionsOfSteps: the states of files and of a directory through the steps
// of testdata/datastore.
func TestVersionsOfSteps(t *testing.T) {
	root := testimg.Datastore(t)
	for path, want := range map[string]string{
		"/home/alice/notes/n1.txt": "  changed same ! changed ! same",    // step 4 undoes step 2, size and mtime as ever
		"/home/alice/notes/n8.txt": "  same same ! same ! same",          // in another inode since step 3
		"p2/www/0.html":            "  changed changed ! same ! same",    // whole seconds
		"/home/alice/notes/n2.txt": "  gone  !  ! ",                      // renamed
		"/home/alice/notes":        "  changed same ! changed ! changed", // step 3 changes metadata only
		"/usr/share/doc/a":         "  same same ! same ! same",
		"/var/spool/mail":          "  same changed ! changed ! same",
		"/home/alice/todo":         "  same changed ! same ! same", // a file, then a directory
	} {
		for _, flags := range [][]string{nil, {"--checksum"}} {
			r := invoke(t, append(append([]string{"versions", "--json"}, flags...), root, "app01/app01.vmdk", path)...)
			require.Equal(t, 1, r.status)
			require.Equal(t, 2, strings.Count(r.err, "\n"), r.err)
			got := ""
			for line := range strings.Lines(r.out) {
				var v versionRow
				require.NoError(t, json.Unmarshal([]byte(line), &v))
				if v.Error != "" {
					v.State = "!"
				}
				got += " " + v.State
			}
			require.Equal(t, want, got, "%s %q", path, flags)
		}
	}
}

// TestVersionsTerminal: nothing that a datastore or an image names reaches the
// terminal as it is, and why a version cannot be read is in its row.
func TestVersionsTerminal(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no file of Windows has a control character in its name")
	}
	const evil = "daily.2026-11-18\x1b[2J\nx"
	same := func(disk []byte) []byte { return disk }
	root := store(t, map[string]func([]byte) []byte{
		evil:          same,
		"cut\x1b[31m": func(disk []byte) []byte { return disk[:4<<20] },
		"current":     same,
	})
	for _, args := range [][]string{{}, {"/home/alice/notes/n1.txt"}, {"/home/\x1b[2J"}, {"--json"}} {
		r := invoke(t, append([]string{"versions", root, "web01/web01.vmdk"}, args...)...)
		require.Equal(t, 1, r.status)
		require.NotContains(t, r.out+r.err, "\x1b", args)
		require.Equal(t, 3, strings.Count(r.out, "\n"), r.out)
		require.Equal(t, 1, strings.Count(r.err, "\n"), r.err)
		if len(args) == 0 || args[0] != "--json" {
			require.Contains(t, r.out, `daily.2026-11-18\x1b[2J\x0ax`)
			line := regexp.MustCompile(`(?m)^.* cut\\x1b\[31m .*  cannot be read: (.*)$`).FindStringSubmatch(r.out)
			require.NotNil(t, line, r.out)
			require.Contains(t, r.err, line[1])
			require.Contains(t, line[1], "(incomplete")
		}
	}
	// What is printed is taken.
	r := invoke(t, "cat", "--version", `daily.2026-11-18\x1b[2J\x0ax`, filepath.Join(root, "web01/web01.vmdk"), "/home/alice/notes/n1.txt")
	require.Equal(t, 0, r.status, r.err)
	require.NotEmpty(t, r.out)
}

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

// spent is what a run leaves that is never the same: times, rates, and where
// the datastore was unpacked.
var spent = regexp.MustCompile(`in [0-9.]+\S+, [0-9.]+ \S+/s`)

// TestTutorial: docs/one-file.md shows what its commands print. With
// VMDKFS_DOCS set, what they print is written into it.
func TestTutorial(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes and paths in the output are those of a Unix")
	}
	file, err := filepath.Abs("../../docs/one-file.md")
	require.NoError(t, err)
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	text := string(raw)
	root := testimg.Datastore(t)
	t.Chdir(root)
	commands := 0
	shown := regexp.MustCompile("(?s)```console\n.*?```\n").ReplaceAllStringFunc(text, func(block string) string {
		var b bytes.Buffer
		b.WriteString("```console\n")
		status := 0
		for line := range strings.Lines(block) {
			command, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "$ ")
			if !ok {
				continue
			}
			b.WriteString(line)
			if command == "echo $?" {
				b.WriteString(strconv.Itoa(status) + "\n")
				continue
			}
			args := words(command)
			require.Equal(t, "vmdkfs", args[0])
			commands++
			start := b.Len()
			status = run(t.Context(), args[1:], &b, &b)
			out := strings.ReplaceAll(b.String()[start:], root+"/", "")
			b.Truncate(start)
			b.WriteString(spent.ReplaceAllString(out, "in 2ms, 97.7 KiB/s"))
		}
		b.WriteString("```\n")
		return b.String()
	})
	require.Greater(t, commands, 7)
	if os.Getenv("VMDKFS_DOCS") != "" {
		require.NoError(t, os.WriteFile(file, []byte(shown), 0o666))
	}
	require.Equal(t, strings.ReplaceAll(text, "\r\n", "\n"), shown, "VMDKFS_DOCS=1 go test -run TestTutorial ./cmd/vmdkfs")
}

// words splits a command as a shell does, as far as the tutorial needs it.
func words(command string) (list []string) {
	for _, m := range regexp.MustCompile(`'([^']*)'|(\S+)`).FindAllStringSubmatch(command, -1) {
		list = append(list, m[1]+m[2])
	}
	return list
}

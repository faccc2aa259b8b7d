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

// spent is what is never the same in two runs: times, and rates.
var spent = regexp.MustCompile(`(files?, [^\n]*, )([0-9.]+) (B|KiB|MiB) in [0-9.]+[a-zµ]+(, [0-9.]+ \S+/s)?`)

// in20ms returns a match of spent as of a run of 20 milliseconds.
func in20ms(match string) string {
	m := spent.FindStringSubmatch(match)
	text := m[1] + m[2] + " " + m[3] + " in 20ms"
	if m[4] == "" {
		return text
	}
	size, err := strconv.ParseFloat(m[2], 64)
	if err != nil {
		return match
	}
	return text + ", " + sizeText(int64(50*size*map[string]float64{"B": 1, "KiB": 1 << 10, "MiB": 1 << 20}[m[3]])) + "/s"
}

// TestTutorial: the pages of docs show what their commands print. With
// VMDKFS_DOCS set, what they print is written into them.
func TestTutorial(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes and paths in the output are those of a Unix")
	}
	for name, least := range map[string]int{"one-file.md": 8, "whole-vm.md": 7} {
		t.Run(name, func(t *testing.T) { tutorial(t, name, least) })
	}
}

// tutorial compares one page, which has as many commands at least.
func tutorial(t *testing.T, name string, least int) {
	file, err := filepath.Abs("../../docs/" + name)
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
			b.WriteString(spent.ReplaceAllStringFunc(out, in20ms))
		}
		b.WriteString("```\n")
		return b.String()
	})
	require.GreaterOrEqual(t, commands, least)
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

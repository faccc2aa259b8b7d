package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A command that writes files says at its end what it did, with what failed.
func TestSummary(t *testing.T) {
	dir := t.TempDir()
	r := invoke(t, "cp", web01(t), hostname, dir)
	require.Regexp(t, `^vmdkfs: 1 file, 0 directories, 6 B in \S+, .*/s\n$`, r.err)
	require.Empty(t, r.out)
	r = invoke(t, "cp", web01(t), hostname, "p1/grub", dir)
	require.Equal(t, exitFailed, r.status)
	require.Regexp(t, `^vmdkfs: `+hostname+`: exists already\nvmdkfs: \d+ files?, 1 directory, .* in \S+, .*/s, 1 failed\n$`, r.err)
	r = invoke(t, "cp", web01(t), hostname, dir)
	require.Equal(t, "vmdkfs: "+hostname+": exists already\n", r.err, "nothing was written, and the line above says why")
	for _, args := range [][]string{{"cp", web01(t), hostname, filepath.Join(dir, "x")}, {"tar", "-o", filepath.Join(dir, "t"), web01(t), "p1/grub"},
		{"zip", "-o", "-", web01(t), "p1/grub"}} {
		require.Regexp(t, `^vmdkfs: \d+ files?, \d director.*\n$`, invoke(t, args...).err)
		args[len(args)-1] = strings.Replace(args[len(args)-1], filepath.Join(dir, "x"), filepath.Join(dir, "y"), 1)
		r = invoke(t, append([]string{"--quiet"}, args...)...)
		require.Equal(t, result{out: r.out}, r)
	}
}

// With --json, whatever is said on standard error is an object.
func TestSummaryJSON(t *testing.T) {
	dir := t.TempDir()
	r := invoke(t, "--json", "cp", web01(t), hostname, "none", "vg_root/root/etc", dir)
	require.Equal(t, exitFailed, r.status)
	require.Empty(t, r.out)
	var events []map[string]any
	for line := range strings.Lines(r.err) {
		var e map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &e), line)
		events = append(events, e)
	}
	require.Equal(t, map[string]any{"event": "failure", "path": "none", "reason": "no such file or directory"}, events[0])
	last := events[len(events)-1]
	require.Equal(t, "summary", last["event"])
	require.EqualValues(t, 1, last["failed"])
	require.Greater(t, last["files"], 1.0)
	require.Greater(t, last["bytes"], 6.0)
	require.Equal(t, false, last["interrupted"])
}

func TestNumber(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 71000: "71,000", 1234567: "1,234,567"} {
		require.Equal(t, want, number(n))
	}
	for seconds, want := range map[float64]string{0.0154: "15ms", 2.3456: "2.35s", 12.34: "12.3s", 3723.4: "1h2m3s"} {
		require.Equal(t, want, durationText(seconds))
	}
}

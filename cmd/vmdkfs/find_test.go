package main

import (
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

// What find finds is what the kernel's manifest has of the kind.
func TestFind(t *testing.T) {
	limit := time.Date(2001, 9, 9, 1, 46, 41, 0, time.UTC)
	for _, test := range []struct {
		args []string
		want func(f testimg.File) bool
	}{
		{nil, func(testimg.File) bool { return true }},
		{[]string{"--type", "l"}, func(f testimg.File) bool { return f.Type == "symlink" }},
		{[]string{"--type", "d,f"}, func(f testimg.File) bool { return f.Type == "dir" || f.Type == "file" }},
		{[]string{"--type", "p", "--type", "s"}, func(f testimg.File) bool { return f.Type == "fifo" || f.Type == "socket" }},
		{[]string{"--type", "c"}, func(f testimg.File) bool { return f.Type == "char" }},
		{[]string{"--type", "b"}, func(f testimg.File) bool { return f.Type == "block" }},
		{[]string{"--larger", "1k"}, func(f testimg.File) bool { return f.Type == "file" && f.Size > 1024 }},
		{[]string{"--smaller", "100"}, func(f testimg.File) bool { return f.Type == "file" && f.Size < 100 }},
		{[]string{"--user", "0", "--type", "f"}, func(f testimg.File) bool { return f.UID == 0 && f.Type == "file" }},
		{[]string{"--newer", "2001-09-09T01:46:41Z"}, func(f testimg.File) bool { return f.Mtime.After(limit) }},
		{[]string{"--older", "2001-09-09 01:46:41"}, func(f testimg.File) bool { return f.Mtime.Before(limit) }},
		{[]string{"--name", "*a*", "--name", "[!b]*"}, func(f testimg.File) bool {
			return strings.Contains(path.Base(f.Path), "a") && !strings.HasPrefix(path.Base(f.Path), "b")
		}},
		{[]string{"--iname", "HOST*"}, func(f testimg.File) bool { return strings.HasPrefix(path.Base(f.Path), "host") }},
		{[]string{"--path", "/vg_root/root/etc/*"}, func(f testimg.File) bool { return strings.HasPrefix(f.Path, "etc/") }},
		{[]string{"--regex", "vg_root/root/[e]tc/h.*"}, func(f testimg.File) bool { return strings.HasPrefix(f.Path, "etc/h") }},
	} {
		var want []string
		for _, f := range testimg.Manifest(t, "web01/root.manifest.jsonl.gz") {
			if full := path.Join("vg_root/root", f.Path); f.Path != "." && test.want(f) {
				want = append(want, full)
			}
		}
		r := invoke(t, append(append([]string{"find"}, test.args...), web01(t), "vg_root/root")...)
		require.Equal(t, 0, r.status, r.err)
		got := slices.DeleteFunc(strings.Split(strings.TrimSuffix(r.out, "\n"), "\n"), func(p string) bool { return p == "vg_root/root" || p == "" })
		slices.Sort(want)
		slices.Sort(got)
		require.Equal(t, want, got, "%q", test.args)
	}
}

func TestGlobExpression(t *testing.T) {
	for _, test := range []struct {
		pattern string
		yes, no []string
	}{
		{"*", []string{"", "a", "a\nb"}, nil},
		{"a?c", []string{"abc", "aéc"}, []string{"ac", "abbc", "xabc"}},
		{"é*", []string{"é", "état"}, []string{"e"}},
		{"[a-c]x", []string{"ax", "cx"}, []string{"dx", "-x"}},
		{"[!a-c]", []string{"d", "-"}, []string{"a"}},
		{"[]x]", []string{"]", "x"}, []string{"a"}},
		{"[!]x]", []string{"a"}, []string{"]", "x"}},
		{`[\]`, []string{`\`}, []string{"x"}},
		{`\*.txt`, []string{"*.txt"}, []string{"a.txt"}},
		{"a.b+", []string{"a.b+"}, []string{"axb+", "a.bb"}},
	} {
		r, err := globExpression(test.pattern, "")
		require.NoError(t, err, test.pattern)
		for _, name := range test.yes {
			require.True(t, r.MatchString(name), "%q of %q", name, test.pattern)
		}
		for _, name := range test.no {
			require.False(t, r.MatchString(name), "%q of %q", name, test.pattern)
		}
	}
	for _, pattern := range []string{"[", "[a", "[]", "[!]", `x\`, "[z-a]"} {
		_, err := globExpression(pattern, "")
		require.Error(t, err, pattern)
	}
}

func TestParseTimeAndSize(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"2026-11-17":                time.Date(2026, 11, 17, 0, 0, 0, 0, time.UTC),
		"2026-11-17 08:30":          time.Date(2026, 11, 17, 8, 30, 0, 0, time.UTC),
		"2026-11-17T08:30:01":       time.Date(2026, 11, 17, 8, 30, 1, 0, time.UTC),
		"2026-11-17T08:30:00+01:00": time.Date(2026, 11, 17, 7, 30, 0, 0, time.UTC),
		"7d":                        time.Date(2026, 11, 17, 12, 0, 0, 0, time.UTC),
		"36h":                       time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC),
	} {
		got, err := parseTime(text, now)
		require.NoError(t, err)
		require.True(t, want.Equal(got), "%s: %s", text, got)
	}
	for _, text := range []string{"", "x", "-7d", "-1h", "17.11.2026", "99999d"} {
		_, err := parseTime(text, now)
		require.Error(t, err, text)
	}
	for text, want := range map[string]int64{"0": 0, "512": 512, "10k": 10 << 10, "2G": 2 << 30, "1T": 1 << 40} {
		got, err := parseSize(text)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, text := range []string{"", "k", "-1", "1.5G", "10MB", "9999999999T"} {
		_, err := parseSize(text)
		require.Error(t, err, text)
	}
}

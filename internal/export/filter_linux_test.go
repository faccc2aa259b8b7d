package export

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func TestPattern(t *testing.T) {
	for _, test := range []struct {
		glob, yes, no string // paths
	}{
		{"*.log", "a.log var/log/b.log", "a.log/x log"},
		{"passwd", "passwd etc/passwd", "etc/passwd-"},
		{"/passwd", "passwd", "etc/passwd"},
		{"etc/*.conf", "etc/a.conf", "etc/x/a.conf x/etc/a.conf a.conf"},
		{"**/*.conf", "a.conf etc/a.conf etc/x/a.conf", "a.conf/x"},
		{"etc/**", "etc etc/a etc/a/b", "x/etc"},
		{"a/**/z", "a/z a/b/z a/b/c/z", "a/b a/z/y"},
		{"doc/", "doc usr/doc", "doc/x"},
		{"[a-c]?", "ab x/b1", "dd abc"},
		{`caf\\xe9`, `caf\xe9`, "cafe"},
	} {
		p, err := newPattern(test.glob)
		require.NoError(t, err)
		for _, path := range strings.Fields(test.yes) {
			require.True(t, p.matches(path), "%s %s", test.glob, path)
		}
		for _, path := range strings.Fields(test.no) {
			require.False(t, p.matches(path), "%s %s", test.glob, path)
		}
	}
	for _, glob := range []string{"", "/", "a//b", "[", "a/[/b"} {
		_, err := NewFilter(nil, []string{glob})
		require.Error(t, err, glob)
	}
}

// What a filter lets through is what is copied, archived and measured.
func TestFilter(t *testing.T) {
	fsys := fstest.MapFS{
		"top/etc/a.conf": {Data: []byte("1")}, "top/etc/b.txt": {Data: []byte("22")}, "top/etc/ssl/c.conf": {Data: []byte("333")},
		"top/log/x.log": {Data: []byte("4444")}, "top/log/old/y.log": {Data: []byte("55555")}, "top/.conf": {Data: []byte("666666")},
		"top/empty/none": {Mode: 0o600},
	}
	for _, test := range []struct {
		include, exclude, want string // with the directories that are there
	}{
		{"", "", ".conf empty/ empty/none etc/ etc/a.conf etc/b.txt etc/ssl/ etc/ssl/c.conf log/ log/old/ log/old/y.log log/x.log"},
		{"*.conf", "", ".conf etc/ etc/a.conf etc/ssl/ etc/ssl/c.conf"},
		{"etc/*.conf", "", "etc/ etc/a.conf"},
		{"ssl y.log", "", "etc/ etc/ssl/ etc/ssl/c.conf log/ log/old/ log/old/y.log"},
		{"", "log *.conf", "empty/ empty/none etc/ etc/b.txt etc/ssl/"},
		{"log", "old", "log/ log/x.log"},
		{"nothing", "", ""},
		{"*", "**", ""},
	} {
		filter, err := NewFilter(strings.Fields(test.include), strings.Fields(test.exclude))
		require.NoError(t, err)
		opts := Options{Filter: filter}
		source := Source{Path: "top"}
		dir := t.TempDir()
		r := copyWith(t.Context(), fsys, dir, opts, source)
		require.NoError(t, r.err)
		require.Empty(t, r.failed)
		var want []string
		if test.want != "" {
			want = append(want, "top/")
			for _, name := range strings.Fields(test.want) {
				want = append(want, "top/"+name)
			}
		}
		if test.include == "" || test.want != "" {
			slices.Sort(want)
		}
		var have []string
		for path, f := range describeHost(t, dir) {
			if f.Type == "dir" {
				path += "/"
			}
			if path != "./" {
				have = append(have, path)
			}
		}
		slices.Sort(have)
		if test.exclude == "**" { // a directory that is the source is wanted, unless there are patterns of what is
			require.Empty(t, have)
		} else {
			require.Equal(t, want, have, "%+v", test)
		}
		files, size := Measure(context.Background(), fsys, []Source{source}, filter)
		require.Equal(t, r.Files, files)
		require.Equal(t, r.Bytes, size)

		archive, r2 := toArchive(t, tarOf(t, fsys, opts, source))
		require.NoError(t, r2.err)
		require.Equal(t, []int64{r.Files, r.Dirs, r.Bytes}, []int64{r2.Files, r2.Dirs, r2.Bytes})
		var inTar []string
		next := tarHeaders(archive)
		for h, err := next(); err == nil; h, err = next() {
			inTar = append(inTar, h.Name)
		}
		slices.Sort(inTar)
		require.Equal(t, have, inTar)
	}
}

// A directory that cannot be made takes what is in it with it, even one that
// is made only for what it holds.
func TestFilterFails(t *testing.T) {
	fsys := fstest.MapFS{"a/b/c.conf": {}, "a/b/d/e.conf": {}, "a/f.conf": {}}
	dir := t.TempDir()
	require.Empty(t, copyAll(t.Context(), fstest.MapFS{"b": {Mode: 0o600}}, filepath.Join(dir), false, Source{Path: ".", Content: true}).failed)
	filter, err := NewFilter([]string{"*.conf"}, nil)
	require.NoError(t, err)
	r := copyWith(t.Context(), fsys, dir, Options{Filter: filter}, Source{Path: "a", Content: true})
	require.Equal(t, map[string]error{"a/b": errNotDir}, r.failed)
	require.EqualValues(t, 1, r.Files)
	require.FileExists(t, filepath.Join(dir, "f.conf"))
}

func TestParseAttributes(t *testing.T) {
	for list, want := range map[string]Attributes{"": 0, "none": 0, "all": All, "mode,timestamps": Mode | Timestamps, "xattr,acl,streams,security,links,ownership": All &^ (Mode | Timestamps)} {
		a, err := ParseAttributes(list)
		require.NoError(t, err)
		require.Equal(t, want, a, list)
	}
	_, err := ParseAttributes("mode,owner")
	require.ErrorContains(t, err, `"owner" is none of mode, ownership`)
}

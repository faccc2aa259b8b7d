package diff_test

import (
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs"
	"github.com/vmdkfs/vmdkfs/internal/diff"
	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

// snapshots are where the steps of testdata/datastore lie.
var snapshots = []string{".snapshot/daily.2026-11-14_0010", ".snapshot/daily.2026-11-15_0010", ".snapshot/daily.2026-11-16_0010",
	".snapshot/daily.2026-11-17_0010", "."}

// steps opens the disks of testdata/datastore, by the number of the step.
func steps(t *testing.T) map[int]*vmdkfs.Disk {
	t.Helper()
	root := testimg.Datastore(t)
	disks := make(map[int]*vmdkfs.Disk)
	for i, dir := range snapshots {
		d, err := vmdkfs.OpenFile(filepath.Join(root, dir, "app01/app01.vmdk"))
		require.NoError(t, err)
		t.Cleanup(func() { d.Close() })
		disks[i+1] = d
	}
	return disks
}

// run compares two trees, in which all can be read.
func run(t *testing.T, a, b diff.Tree, o diff.Options) []diff.Change {
	t.Helper()
	o.Fail = func(second bool, path string, err error) { t.Errorf("%t %s: %v", second, path, err) }
	o.Note = func(path string, err error) { t.Errorf("%s: %v", path, err) }
	list, err := diff.Trees(t.Context(), a, b, o)
	require.NoError(t, err)
	return list
}

// A wanted is what the manifests of two steps say of a path.
type wanted struct {
	kind    diff.Kind
	from    string
	aspects string
}

// former returns the path that the file at p had in the first tree, given what
// was renamed: the new path to the old one.
func former[F any](before map[string]F, p string, renamed map[string]string) (string, bool) {
	if _, there := before[p]; there {
		return p, true
	}
	rest := ""
	for dir := p; dir != "."; dir = path.Dir(dir) {
		if from, ok := renamed[dir]; ok {
			old := from + rest
			_, there := before[old]
			return old, there
		}
		rest = p[len(path.Dir(dir)):]
		if path.Dir(dir) == "." {
			break
		}
	}
	return "", false
}

// expect returns what differs between two manifests, given in what two states
// of a file do. What was renamed is not in them, and given: the new path to the
// old one.
func expect[F any](before, after map[string]F, renamed map[string]string, aspects func(f, g F) string) map[string]wanted {
	want := make(map[string]wanted)
	used := make(map[string]bool)
	for p, g := range after {
		old, ok := former(before, p, renamed)
		if !ok {
			want[p] = wanted{kind: diff.Added}
			continue
		}
		used[old] = true
		w := wanted{kind: diff.Changed, aspects: aspects(before[old], g)}
		if old != p {
			w.from = old
		}
		if renamed[p] != "" {
			w.kind = diff.Renamed
		}
		if w.kind == diff.Renamed || w.aspects != "" {
			want[p] = w
		}
	}
	for p := range before {
		if !used[p] {
			want[p] = wanted{kind: diff.Removed}
		}
	}
	return want
}

// aspectsOf returns in what two states of a file differ, as the kernel has them.
func aspectsOf(f, g testimg.File) string {
	if f.Type != g.Type {
		return string(diff.Type)
	}
	return differing(map[diff.Aspect]bool{
		diff.Content: f.SHA256 != g.SHA256 || f.Target != g.Target || f.Rdev != g.Rdev,
		diff.Mode:    f.Mode != g.Mode,
		diff.Owner:   f.UID != g.UID || f.GID != g.GID,
		diff.Mtime:   f.Type != "dir" && !f.Mtime.Equal(g.Mtime),
		diff.Xattrs:  !maps.Equal(f.Xattrs, g.Xattrs),
	})
}

// differing returns the aspects that differ, in their order.
func differing(differ map[diff.Aspect]bool) string {
	var list []string
	for _, aspect := range []diff.Aspect{diff.Content, diff.Mode, diff.Owner, diff.Mtime, diff.Xattrs, diff.Attributes} {
		if differ[aspect] {
			list = append(list, string(aspect))
		}
	}
	return strings.Join(list, " ")
}

func got(t *testing.T, list []diff.Change) map[string]wanted {
	m := make(map[string]wanted)
	for _, c := range list {
		require.NotContains(t, m, c.Path)
		var aspects []string
		for _, a := range c.Aspects {
			aspects = append(aspects, string(a))
		}
		m[c.Path] = wanted{c.Kind, c.From, strings.Join(aspects, " ")}
		require.Equal(t, c.Kind == diff.Added, c.Before == nil)
		require.Equal(t, c.Kind == diff.Removed, c.After == nil)
	}
	return m
}

// What history.py renames in each step.
var renames = map[string][]map[string]string{
	"root": {2: {
		"home/alice/notes/two.txt":      "home/alice/notes/n2.txt",
		"home/alice/mail":               "home/alice/letters",
		"home/alice/mail/two/first.txt": "home/alice/letters/two/1.txt",
	}, 4: {
		"home/alice/keep":            "home/alice/old/keep",
		"var/spool/mail/message-999": "var/spool/mail/message-000",
	}, 5: nil},
	"srv": {2: {"www/one.html": "www/1.html"}, 5: nil},
}

var volumes = map[string]string{"root": "p1", "srv": "p2"}

// TestSteps: what differs between a step and the next is what differs between
// the kernel's manifests of them.
func TestSteps(t *testing.T) {
	disks := steps(t)
	for kind, volume := range volumes {
		for n := 2; n <= 5; n++ {
			before := testimg.Manifest(t, fmt.Sprintf("datastore/%d.%s.manifest.jsonl.gz", n-1, kind))
			after := testimg.Manifest(t, fmt.Sprintf("datastore/%d.%s.manifest.jsonl.gz", n, kind))
			a, b := diff.Tree{FS: disks[n-1], Name: volume}, diff.Tree{FS: disks[n], Name: volume}
			want := make(map[string]wanted)
			for p, w := range expect(before, after, renames[kind][n], aspectsOf) {
				if w.from != "" {
					w.from = path.Join(volume, w.from)
				}
				want[path.Join(volume, p)] = w
			}
			for _, o := range []diff.Options{{}, {Slow: true}, {Checksum: true}} {
				require.Equal(t, want, got(t, run(t, a, b, o)), "%s, step %d, %+v", kind, n, o)
			}
		}
	}
}

// TestFast: the inode tables tell what a walk does, of any two steps and of
// steps whose bytes were changed.
func TestFast(t *testing.T) {
	disks := steps(t)
	for i := 1; i <= 5; i++ {
		for j := 1; j <= 5; j++ {
			a, b := diff.Tree{FS: disks[i], Name: "."}, diff.Tree{FS: disks[j], Name: "."}
			fast, slow := run(t, a, b, diff.Options{}), run(t, a, b, diff.Options{Slow: true})
			require.Equal(t, slow, fast, "steps %d and %d", i, j)
			require.Equal(t, i == j, len(fast) == 0)
		}
	}
}

// outcome is all that a comparison tells, in a fixed order.
func outcome(t *testing.T, a, b diff.Tree, o diff.Options) (changes []diff.Change, failures []string) {
	t.Helper()
	o.Fail = func(second bool, path string, err error) { failures = append(failures, fmt.Sprint(second, path)) }
	o.Note = func(path string, err error) { failures = append(failures, path) }
	changes, err := diff.Trees(t.Context(), a, b, o)
	require.NoError(t, err)
	slices.Sort(failures)
	return changes, slices.Compact(failures)
}

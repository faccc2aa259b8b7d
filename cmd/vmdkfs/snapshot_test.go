package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

// TestVersion: every way to name a version, and what each holds of a file that
// step 2 changed, and step 4 changed back, without a trace in size and mtime.
func TestVersion(t *testing.T) {
	root := testimg.Datastore(t)
	image := filepath.Join(root, "app01", "app01.vmdk")
	const file = "/home/alice/notes/n1.txt"
	first := invoke(t, "cat", filepath.Join(root, ".snapshot/daily.2026-11-14_0010/app01/app01.vmdk"), file).out
	second := invoke(t, "cat", filepath.Join(root, ".snapshot/daily.2026-11-15_0010/app01/app01.vmdk"), file).out
	require.NotEqual(t, first, second)
	for _, test := range []struct{ version, want, chosen string }{
		{"daily.2026-11-14_0010", first, ""},
		{"daily.2026-11-15_0010", second, ""},
		{"2026-11-14", first, "daily.2026-11-14_0010"},
		{"2026-11-15", second, "daily.2026-11-15_0010"},
		{"2026-11-15 00:09", first, "daily.2026-11-14_0010"},
		{"2026-11-16T11:00:00Z", second, "daily.2026-11-16_0010"},
		{"2026-11-30", first, "current"},
		{"current", first, ""},
	} {
		for _, args := range [][]string{{image}, {"--datastore", root, "app01/app01.vmdk"}} {
			r := invoke(t, append(append([]string{"cat", "--version", test.version}, args...), file)...)
			require.Equal(t, 0, r.status, r.err)
			require.Equal(t, test.want, r.out, test.version)
			require.Equal(t, test.chosen != "", strings.Contains(r.err, "version "+test.chosen+", of 2026-11-1"), r.err)
		}
	}
	for version, reason := range map[string]string{
		"2026-11-13":             "no version by 2026-11-13 23:59: the first is daily.2026-11-14_0010",
		"daily":                  "no version \"daily\", and no time",
		"hourly.2026-11-16_1200": "(incomplete)",
		"before-upgrade":         "(incomplete)",
	} {
		r := invoke(t, "cat", "--version", version, image, file)
		require.Equal(t, 1, r.status)
		require.Contains(t, r.err, reason)
	}
	r := invoke(t, "cat", "--version", "2026-11-14", web01(t), file)
	require.Equal(t, 1, r.status)
	require.Contains(t, r.err, "no snapshot beside it")
	require.Equal(t, 0, invoke(t, "cat", "--datastore", root, "app01/app01.vmdk", file).status)

	// An image that was deleted since.
	require.NoError(t, os.RemoveAll(filepath.Join(root, "app01")))
	dest := t.TempDir()
	require.Equal(t, 0, invoke(t, "cp", "--quiet", "--version", "2026-11-15", image, file, dest).status)
	data, err := os.ReadFile(filepath.Join(dest, "n1.txt"))
	require.NoError(t, err)
	require.Equal(t, second, string(data))
	for _, command := range []string{"tar", "iso", "zip"} {
		require.Equal(t, 0, invoke(t, command, "--quiet", "-o", filepath.Join(dest, command), "--version", "2026-11-15", image, file).status, command)
	}
}

func TestFindVersions(t *testing.T) {
	root := testimg.Datastore(t)
	image := filepath.Join(root, "app01", "app01.vmdk")
	r := invoke(t, "find", "-versions", "-name", "two.txt", image, "/home/alice")
	require.Equal(t, 1, r.status) // of the two that are damaged
	require.Contains(t, r.err, "promises 9437184 bytes")
	require.Contains(t, r.err, "before-upgrade/app01/app01.vmdk: vmdk: extent app01-flat.vmdk: the file does not exist (incomplete)")
	require.Equal(t, []string{
		"daily.2026-11-15_0010:/home/alice/notes/two.txt",
		"daily.2026-11-16_0010:/home/alice/notes/two.txt",
		"daily.2026-11-17_0010:/home/alice/notes/two.txt",
	}, strings.Fields(r.out))
	r = invoke(t, "find", "--versions", "--json", "--name", "plan-link.txt", "--datastore", root, "app01/app01.vmdk", "p1/home")
	require.Equal(t, 4, strings.Count(r.out, "\n"))
	require.True(t, strings.HasPrefix(r.out, `{"version":"daily.2026-11-15_0010","path":"p1/home/alice/plan-link.txt","type":"file"`), r.out)
	r = invoke(t, "find", "--versions", "-print0", image, "/home/alice/new") // which is not in all
	require.Equal(t, "daily.2026-11-15_0010:/home/alice/new", strings.Split(r.out, "\x00")[0])
	r = invoke(t, "find", "--versions", web01(t))
	require.Equal(t, 1, r.status)
	require.Contains(t, r.err, "no snapshot beside it")
}

func TestFindDeleted(t *testing.T) {
	image := filepath.Join(t.TempDir(), "deleted.img")
	require.NoError(t, os.WriteFile(image, testimg.Load(t, "ntfs/c4096.img.gz"), 0o600))
	all := invoke(t, "find", "--deleted", "-l", image)
	require.Equal(t, 0, all.status, all.err)
	r := invoke(t, "find", "--deleted", image)
	require.Equal(t, 0, r.status, r.err)
	require.Equal(t, strings.Count(all.out, "\n"), strings.Count(r.out, "\n"))
	// ntfs compares all that is known of them with what other tools find.
	require.NoError(t, os.WriteFile(image, testimg.NTFS(t, "deleted"), 0o600))
	r = invoke(t, "find", "--deleted", "-l", "--name", "5000", image)
	require.Regexp(t, `^-rwxrwxrwx .* 5000 2025-08-18T14:13:24Z \./sizes/5000\n$`, r.out)
	r = invoke(t, "find", "--deleted", "-l", "--name", "two", image)
	require.Regexp(t, `linked/two  \(of its clusters 4 of 4 are in use again\)\n$`, r.out)
	r = invoke(t, "find", "--deleted", "--json", "--type", "d", image)
	require.Equal(t, 3, strings.Count(r.out, `"type":"dir"`), r.out)
	r = invoke(t, "find", "--deleted", web01(t), "vg_root/root")
	require.Equal(t, 1, r.status)
	require.Contains(t, r.err, "not NTFS (not supported)")
	r = invoke(t, "find", "--deleted", web01(t))
	require.Equal(t, 1, r.status)
	require.Contains(t, r.err, "(not supported)")
}

func TestFindArgs(t *testing.T) {
	root := new(app).command()
	for given, want := range map[string]string{
		"find -name x -print0 i":        "find --name x --print0 i",
		"find --name -type i":           "find --name -type i",
		"find -type=f -l i":             "find --type=f -l i",
		"find --quiet -newer 7d i":      "find --quiet --newer 7d i",
		"find --disk -name -larger 5 i": "find --disk -name --larger 5 i",
		"find i -- -name":               "find i -- -name",
		"ls -name":                      "ls -name",
	} {
		require.Equal(t, want, strings.Join(findArgs(root, strings.Fields(given)), " "))
	}
	require.True(t, slices.Contains(findArgs(root, []string{"find", "-print0", "i"}), "--print0"))
}

// TestDiff: how differences are printed.
func TestDiff(t *testing.T) {
	root := testimg.Datastore(t)
	snapshot := func(name string) string { return filepath.Join(root, ".snapshot", name, "app01", "app01.vmdk") }
	one, two, three := snapshot("daily.2026-11-14_0010"), snapshot("daily.2026-11-15_0010"), snapshot("daily.2026-11-16_0010")
	r := invoke(t, "diff", one, two, "/home/alice")
	require.Equal(t, result{`renamed  /home/alice/letters -> /home/alice/mail
changed  /home/alice/mail/one/2.txt  (content)
renamed  /home/alice/letters/two/1.txt -> /home/alice/mail/two/first.txt
added    /home/alice/new
added    /home/alice/new/deep
added    /home/alice/new/deep/er
added    /home/alice/new/deep/er/file
changed  /home/alice/notes/n1.txt  (content)
added    /home/alice/notes/n13.txt
renamed  /home/alice/notes/n2.txt -> /home/alice/notes/two.txt
added    /home/alice/plan-link.txt
`, "", 0}, r)
	r = invoke(t, "diff", "--json", two, three, "p1/home/alice/notes")
	require.Contains(t, r.out, `{"change":"changed","path":"p1/home/alice/notes/n3.txt","differs":["mode"],"before":{"type":"file","mode":"0644","size":300,"mtime":"2023-11-14T22:13:20Z"},"after":{"type":"file","mode":"0600","size":300,"mtime":"2023-11-14T22:13:20Z"}}`+"\n")
	require.Equal(t, result{"", "", 0}, invoke(t, "diff", one, one))
	require.Equal(t, invoke(t, "diff", one, three).out, invoke(t, "diff", "--checksum", one, three).out)
	r = invoke(t, "diff", one, two, "/none")
	require.Equal(t, result{"", "vmdkfs: /none: no such file or directory\n", 1}, r)
	r = invoke(t, "diff", one, snapshot("before-upgrade"))
	require.Equal(t, 1, r.status)
	require.Equal(t, 1, strings.Count(r.err, "\n"))
	r = invoke(t, "diff", "--stats", one, two)
	require.Equal(t, 1, strings.Count(r.err, "\n"), r.err)
	require.Equal(t, [2]string{"daily/x.vmdk", "hourly/x.vmdk"}, distinct("/a/daily/x.vmdk", "/a/hourly/x.vmdk"))
	require.Equal(t, [2]string{"x.vmdk", "x.vmdk"}, distinct("a/x.vmdk", "a/x.vmdk"))
}

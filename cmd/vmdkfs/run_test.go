package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

// result is what a run of the command leaves.
type result struct {
	out, err string
	status   int
}

// invoke runs the command in this process.
func invoke(t *testing.T, args ...string) result {
	t.Helper()
	var out, err bytes.Buffer
	status := run(t.Context(), args, &out, &err)
	return result{out.String(), err.String(), status}
}

// lines returns the lines of s, sorted, without the path of testdata.
func lines(t *testing.T, s string) []string {
	t.Helper()
	s = strings.ReplaceAll(s, testimg.Path(t, ".")+"/", "")
	list := strings.Split(strings.TrimSuffix(s, "\n"), "\n")
	slices.Sort(list)
	return list
}

func web01(t *testing.T) string { return testimg.Path(t, "web01/web01.vmdk") }

// unpacked returns the path of an image of testdata that is kept compressed.
func unpacked(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), strings.TrimSuffix(filepath.Base(name), ".gz"))
	require.NoError(t, os.WriteFile(path, testimg.Load(t, name), 0o600))
	return path
}

const hostname = "vg_root/root/etc/hostname"

func TestRun(t *testing.T) {
	vm := web01(t)
	for _, test := range []struct {
		name   string
		args   []string
		out    string // a regular expression for all of it
		err    string // likewise, for one line
		status int
	}{
		{"ls of the root", []string{"ls", vm}, `p1\np2\nvg_root\n`, "", 0},
		{"ls of a directory", []string{"ls", vm, "vg_root/"}, `home\nroot\n`, "", 0},
		{"ls of a file", []string{"ls", vm, hostname}, `hostname\n`, "", 0},
		{"ls of a volume", []string{"ls", "-l", vm, "p2"}, `-r--r--r--   -     -     -    19922944 -                    p2\n`, "", 0},
		{"ls of nothing", []string{"ls", vm, "p1/none"}, "", "p1/none: no such file or directory", 1},
		{"ls of a file's child", []string{"ls", vm, hostname + "/x"}, "", hostname + "/x: not a directory", 1},
		{"ls above the root", []string{"ls", vm, "../x"}, "", `\.\./x: path leads out of the image`, 1},
		{"ls of a guest path", []string{"ls", vm, "/boot/../boot"}, "grub\n(?s:.*)", "", 0},
		{"ls -R of a guest path", []string{"ls", "-R", vm, "/boot/grub"}, "/boot/grub/grub.cfg\n", "", 0},
		{"ls --json of a guest path", []string{"ls", "-R", "--json", vm, "/boot/grub"}, `{"path":"boot/grub/grub.cfg".*\n`, "", 0},
		{"cat of a guest path", []string{"cat", vm, "/etc/hostname"}, "web01\n", "", 0},
		{"a guest path to nothing", []string{"cat", vm, "/home/none"}, "", "/home/none: no such file or directory", 1},
		{"paths of two trees", []string{"--quiet", "cp", vm, "/etc", "p1", t.TempDir()}, "", "p1: paths of the guest and paths that begin with a volume in one command", 1},
		{"a root that is not there", []string{"--root", "p9", "cat", vm, "/etc/hostname"}, "", "/etc/hostname: p9: no such file or directory; or begin with a volume: p1, p2, vg_root/home, vg_root/root", 1},
		{"a root that is none", []string{"--root", "p1", "cat", vm, "/grub/none"}, "", "/grub/none: no such file or directory", 1},
		{"cat", []string{"cat", vm, "./" + hostname}, "web01\n", "", 0},
		{"cat of two", []string{"cat", vm, hostname, hostname}, "web01\nweb01\n", "", 0},
		{"cat of a directory", []string{"cat", vm, "p1", hostname}, "web01\n", "p1: is a directory", 1},
		{"cat of nothing", []string{"cat", vm, "vg_none/root/x", hostname}, "web01\n", "vg_none/root/x: no such file or directory", 1},
		{"cat of one argument", []string{"cat", vm}, "", "requires at least 2 arg.*see vmdkfs --help", 2},
		{"cat --raw of nothing", []string{"cat", "--raw", vm, "p9"}, "", "p9: no such file or directory", 1},
		{"stat", []string{"stat", vm, hostname}, `(?s) +path  ` + hostname + `\n +type  file\n +size  6\n +mode  0644 -rw-r--r--\n +owner  0:0\n.*`, "", 0},
		{"stat of nothing", []string{"stat", vm, "p1/none"}, "", "p1/none: no such file or directory", 1},
		{"hash of a file", []string{"hash", vm, hostname}, fmt.Sprintf("%x  hostname\n", sha256.Sum256([]byte("web01\n"))), "", 0},
		{"hash of nothing", []string{"hash", vm, "p1/none"}, "", "p1/none: no such file or directory", 1},
		{"cp of nothing", []string{"cp", vm, "p1/none", t.TempDir()}, "", "p1/none: no such file or directory", 1},
		{"cp to nowhere", []string{"cp", vm, "p1", "/none/there"}, "", "/none/there: /none: no such file or directory", 1},
		{"iso of nothing", []string{"iso", "-o", "/none/iso", vm, "p1/none"}, "", "p1/none: no such file or directory", 1},
		{"iso to nowhere", []string{"iso", "-o", "/none/iso", vm, "p1"}, "", "/none/iso: no such file or directory", 1},
		{"tar of nothing", []string{"tar", "-o", "/none/tar", vm, "p1/none"}, "", "p1/none: no such file or directory", 1},
		{"tar to nowhere", []string{"tar", "-o", "/none/tar", vm, "p1"}, "", "/none/tar: no such file or directory", 1},
		{"zip without -o", []string{"zip", vm, "p1"}, "", `required flag\(s\) "output" not set; see vmdkfs --help`, 2},
		{"iso without -o", []string{"iso", vm, "p1"}, "", `required flag\(s\) "output" not set; see vmdkfs --help`, 2},
		{"no image", []string{"ls", "/none.vmdk"}, "", "/none.vmdk: no such file or directory", 1},
		{"a directory", []string{"ls", "/"}, "", "/: .*", 1},
		{"a further disk that is not there", []string{"--disk", "/none.vmdk", "ls", vm}, "", "web01.vmdk: /none.vmdk: no such file or directory", 1},
		{"no image", []string{"ls", ""}, "", "an argument is empty; see vmdkfs --help", 2},
		{"no path", []string{"cp", vm, "", t.TempDir()}, "", "an argument is empty; see vmdkfs --help", 2},
		{"no command", nil, "", "no command given; see vmdkfs --help", 2},
		{"an unknown command", []string{"mount", vm}, "", `unknown command "mount" for "vmdkfs"; see vmdkfs --help`, 2},
		{"an unknown flag", []string{"ls", "--all", vm}, "", `unknown flag: --all; see vmdkfs --help`, 2},
		{"too many arguments", []string{"ls", vm, "p1", "p2"}, "", `accepts between 1 and 2 arg.*; see vmdkfs --help`, 2},
		{"version", []string{"--version"}, `vmdkfs 0\.1\.0.*\n`, "", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := invoke(t, test.args...)
			require.Regexp(t, "^"+test.out+"$", r.out)
			if test.err != "" {
				test.err = "vmdkfs: " + test.err + "\n"
			}
			require.Regexp(t, "^"+test.err+"$", strings.ReplaceAll(r.err, filepath.Dir(vm)+"/", ""))
			require.Equal(t, test.status, r.status)
		})
	}
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"help", "cp"}, {"ls", "-h"}, {"completion", "bash"}} {
		r := invoke(t, args...)
		require.Equal(t, exitDone, r.status)
		require.NotEmpty(t, r.out)
		require.Empty(t, r.err)
	}
}

// What the kernel said of the sample VM is what ls and hash say.
func TestManifests(t *testing.T) {
	for volume, manifest := range map[string]string{"p1": "boot", "vg_root/root": "root", "vg_root/home": "home"} {
		want := testimg.Manifest(t, "web01/"+manifest+".manifest.jsonl.gz")
		delete(want, ".")
		r := invoke(t, "ls", "-R", "--json", web01(t), volume)
		require.Equal(t, result{out: r.out}, r)
		listed := 0
		for line := range strings.Lines(r.out) {
			var got struct {
				testimg.File
				Path string
			}
			require.NoError(t, json.Unmarshal([]byte(line), &got))
			got.File.Path = strings.TrimPrefix(got.Path, volume+"/")
			w, ok := want[got.File.Path]
			require.True(t, ok, got.Path)
			require.True(t, w.Mtime.Equal(got.Mtime), got.Path)
			if w.Type != "file" {
				w.Size = got.Size
			}
			w.Atime, w.Ctime, w.SHA256, w.Xattrs, w.Mtime = time.Time{}, time.Time{}, "", nil, got.Mtime
			require.Equal(t, w, got.File)
			listed++
		}
		require.Equal(t, len(want), listed)

		r = invoke(t, "hash", "--json", web01(t), volume)
		require.Equal(t, result{out: r.out}, r)
		sums := make(map[string]string)
		for line := range strings.Lines(r.out) {
			var got struct{ Path, SHA256 string }
			require.NoError(t, json.Unmarshal([]byte(line), &got))
			sums[got.Path] = got.SHA256
		}
		for path, w := range want {
			require.Equal(t, w.SHA256, sums[path], path)
			delete(sums, path)
		}
		require.Empty(t, sums)
	}
}

func TestRaw(t *testing.T) {
	whole, err := os.ReadFile(testimg.Path(t, "web01/web01-flat.vmdk"))
	require.NoError(t, err)
	for volume, want := range map[string][]byte{"": whole, "p1": whole[1<<20 : 4<<20], "p2": whole[4<<20 : 23<<20]} {
		args := []string{"cat", "--raw", web01(t)}
		if volume != "" {
			args = append(args, volume)
		}
		r := invoke(t, args...)
		require.Equal(t, 0, r.status)
		require.True(t, string(want) == r.out, volume)
	}
	r := invoke(t, "cat", "--raw", web01(t), "vg_root/root")
	require.Equal(t, 12<<20, len(r.out))
	require.Equal(t, "\x53\xef", r.out[1080:1082])
}

// sha256sum -c in a copied tree passes, whatever the names.
func TestCopyAndHash(t *testing.T) {
	image, dir := unpacked(t, "ext/ext3-dirs.img.gz"), t.TempDir()
	r := invoke(t, "cp", image, ".", dir)
	require.Equal(t, 0, r.status, r.err)
	r = invoke(t, "hash", image)
	require.Equal(t, 0, r.status, r.err)
	unescape := strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\r`, "\r")
	paths := []string{}
	for line := range strings.Lines(r.out) {
		sum, path, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		require.True(t, ok)
		if strings.HasPrefix(sum, `\`) {
			sum, path = sum[1:], unescape.Replace(path)
		}
		data, err := os.ReadFile(filepath.Join(dir, path))
		require.NoError(t, err)
		require.Equal(t, sum, fmt.Sprintf("%x", sha256.Sum256(data)), path)
		paths = append(paths, path)
	}
	require.True(t, slices.IsSorted(paths))
	require.Equal(t, 1, strings.Count(r.out, `\n`)+strings.Count(r.out, `\r`), "there is a name with a newline")
	files := 0
	require.NoError(t, filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if d.Type().IsRegular() {
			files++
		}
		return err
	}))
	require.Equal(t, files, len(paths))
}

func TestCopy(t *testing.T) {
	dir := t.TempDir()
	require.Equal(t, 0, invoke(t, "cp", web01(t), hostname, filepath.Join(dir, "new")).status)
	require.FileExists(t, filepath.Join(dir, "new"))
	r := invoke(t, "cp", web01(t), hostname, filepath.Join(dir, "new"))
	require.Equal(t, result{err: "vmdkfs: " + hostname + ": exists already\n", status: 1}, r)
	require.Equal(t, 0, invoke(t, "cp", "--overwrite", web01(t), hostname, filepath.Join(dir, "new")).status)
	require.Equal(t, 0, invoke(t, "cp", web01(t), "vg_root/home", "p1/grub", filepath.Join(dir)).status)
	require.DirExists(t, filepath.Join(dir, "alice"), "the root of a volume has no name")
	require.FileExists(t, filepath.Join(dir, "grub", "grub.cfg"))
	require.Equal(t, 0, invoke(t, "cp", web01(t), "vg_root/home/alice/.", filepath.Join(dir, "grub")).status)
	require.NoDirExists(t, filepath.Join(dir, "grub", "alice"))
}

func TestISO(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "home.iso")
	r := invoke(t, "iso", "-o", file, "--label", "HOME", web01(t), "vg_root/home")
	require.Zero(t, r.status)
	require.Regexp(t, `^vmdkfs: 44 files, 5 directories, .*\n$`, r.err)
	image, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "CD001", string(image[0x8001:0x8006]))
	require.Equal(t, "HOME ", string(image[0x8028:0x802d]))

	// What was written can be opened again, as a disk without partitions.
	r = invoke(t, "info", file)
	require.Equal(t, 0, r.status, r.err)
	require.Contains(t, r.out, `ISO 9660  label "HOME", Rock Ridge`)
	was, is := invoke(t, "hash", web01(t), "vg_root/home"), invoke(t, "hash", file)
	require.Zero(t, is.status)
	require.Equal(t, 1, strings.Count(is.out, "  VMDKFS/MANIFEST.TXT\n"))
	require.Equal(t, was.out, regexp.MustCompile(`(?m)^.*  VMDKFS/.*\n`).ReplaceAllString(is.out, ""))
	require.Contains(t, string(image), "NSR0") // UDF
	r = invoke(t, "iso", "--json", "-o", file, "--udf=false", "--manifest=false", web01(t), "vg_root/home")
	require.Regexp(t, `^{"event":"summary","dry_run":false,"files":44,"dirs":5,"skipped":0,"bytes":[0-9]+,"failed":0,.*}\n$`, r.err)
	require.Equal(t, was, invoke(t, "hash", file))
	image, err = os.ReadFile(file)
	require.NoError(t, err)
	require.NotContains(t, string(image), "NSR0")
	r = invoke(t, "iso", "-o", "-", web01(t), hostname, "p1/grub")
	require.Equal(t, 0, r.status, r.err)
	require.Equal(t, "CD001", r.out[0x8001:0x8006])
	r = invoke(t, "iso", "-o", file, web01(t), hostname, hostname)
	require.Equal(t, 1, r.status)
	require.Contains(t, r.err, "two files are called")
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

// TestReproducibleISO: the same files make the same image at any time.
func TestReproducibleISO(t *testing.T) {
	write := func(args ...string) string {
		r := invoke(t, append([]string{"iso", "-o", "-", web01(t)}, args...)...)
		require.Zero(t, r.status, r.err)
		return r.out
	}
	day := func(image string) string { return image[0x8000+813:][:8] } // of the volume's creation
	mtime := "20261123"
	first := write("--reproducible", "vg_root/home", hostname)
	require.Equal(t, mtime, day(first))
	require.NotEqual(t, mtime, day(write("vg_root/home")))
	require.Equal(t, first, write("--reproducible", "vg_root/home", hostname))
	t.Setenv("SOURCE_DATE_EPOCH", "86400")
	require.Equal(t, "19700102", day(write("--reproducible", "vg_root/home")))
	require.NotEqual(t, "19700102", day(write("vg_root/home")))
	for _, text := range []string{"", "-1", "today", "1.5"} {
		t.Setenv("SOURCE_DATE_EPOCH", text)
		r := invoke(t, "iso", "--reproducible", "-o", "-", web01(t), hostname)
		require.Equal(t, 2, r.status)
		require.Contains(t, r.err, fmt.Sprintf("SOURCE_DATE_EPOCH is %q", text))
	}
}

func TestInfo(t *testing.T) {
	r := invoke(t, "info", web01(t))
	require.Equal(t, 0, r.status, r.err)
	for _, part := range []string{"VMDK vmfs", "CID 4f1d2c3b", "MBR", `label "boot"`, "clean", "LVM2 PV  of vg_root", "replayed"} {
		require.Contains(t, r.out, part)
	}
	r = invoke(t, "info", "--json", web01(t))
	require.Equal(t, 0, r.status, r.err)
	var f facts
	require.NoError(t, json.Unmarshal([]byte(r.out), &f))
	require.Equal(t, "77656230", f.Disks[0].Table.ID)
	require.Equal(t, "ext3", f.Partitions[0].Content.Kind)
	require.Equal(t, "vg_root", f.Partitions[1].Content.Group)
	require.Equal(t, "vg_root/root", f.Groups[0].Volumes[1].Path)
	require.Equal(t, 3, f.Groups[0].Volumes[1].Segments)
	require.True(t, f.Groups[0].Volumes[1].Content.Journal.Replayed)

	r = invoke(t, "info", "--no-replay", web01(t))
	require.Contains(t, r.out, "journal not replayed")
}

// A file system is read with its external journal, and not without it.
func TestJournalFile(t *testing.T) {
	const name = "ext/dirty-ext3-external-journal"
	image, journal := unpacked(t, name+".img.gz"), unpacked(t, name+".journal.img.gz")
	r := invoke(t, "ls", image)
	require.Equal(t, 1, r.status)
	require.Regexp(t, `^vmdkfs: .*another device, UUID .*\n$`, r.err)
	r = invoke(t, "ls", "--journal", journal, image)
	require.Equal(t, 0, r.status, r.err)
	require.Contains(t, r.out, "srv\n")
	r = invoke(t, "ls", "--journal", image, image)
	require.Equal(t, 1, r.status)
	require.Contains(t, r.err, "no external journal")
	r = invoke(t, "info", journal)
	require.Equal(t, 1, r.status)
	require.True(t, strings.HasPrefix(r.err, "vmdkfs: "+journal+": "), r.err)
}

// A damaged superblock is replaced by its copy, and it is said.
func TestBackupSuperblock(t *testing.T) {
	image := unpacked(t, "ext/ext3-sparse.img.gz")
	data, err := os.ReadFile(image)
	require.NoError(t, err)
	clear(data[1024:2048])
	require.NoError(t, os.WriteFile(image, data, 0o600))
	r := invoke(t, "ls", image)
	require.Equal(t, 0, r.status)
	require.NotEmpty(t, r.out)
	require.Regexp(t, `^vmdkfs: warning: .*its copy at byte \d+ is read.*\n$`, r.err)
}

// Bad input gets one clear line, and the exit status tells.
func TestBadInput(t *testing.T) {
	vm, err := os.ReadFile(web01(t))
	require.NoError(t, err)
	flat, err := os.ReadFile(testimg.Path(t, "web01/web01-flat.vmdk"))
	require.NoError(t, err)
	crc := bytes.Clone(flat)
	at := bytes.Index(crc, []byte("vg_root {"))
	for at >= 0 {
		crc[at+3] ^= 1
		next := bytes.Index(crc[at+1:], []byte("vg_root {"))
		if next < 0 {
			break
		}
		at += 1 + next
	}
	text := string(vm)
	for _, test := range []struct {
		name       string
		descriptor string
		flat       []byte // nil for none, empty for a directory
		args       []string
		err        string
	}{
		{"no VMDK", "just text, and more of it\n", flat, []string{"ls"}, "not this format"},
		{"extent missing", text, nil, []string{"ls"}, `web01-flat\.vmdk.*(missing|not exist).*`},
		{"extent too short", text, flat[:20<<20], []string{"ls"}, `web01-flat\.vmdk.*(short|ends|promise|has).*`},
		{"extent a directory", text, []byte{}, []string{"ls"}, `web01-flat\.vmdk.*directory`},
		{"extent elsewhere", strings.Replace(text, `"web01-flat.vmdk"`, `"/etc/passwd"`, 1), flat, []string{"ls"}, `passwd`},
		{"extent above", strings.Replace(text, `"web01-flat.vmdk"`, `"../web01-flat.vmdk"`, 1), flat, []string{"ls"}, `flat`},
		{"CRC", text, crc, []string{"ls"}, `(?i)(crc|checksum)`},
		{"CRC, and a path", text, crc, []string{"cat", hostname}, `(?i)(crc|checksum)`},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			image := filepath.Join(dir, "web01.vmdk")
			require.NoError(t, os.WriteFile(image, []byte(test.descriptor), 0o600))
			flat := filepath.Join(dir, "web01-flat.vmdk")
			switch {
			case len(test.flat) > 0:
				require.NoError(t, os.WriteFile(flat, test.flat, 0o600))
			case test.flat != nil:
				require.NoError(t, os.Mkdir(flat, 0o700))
			}
			r := invoke(t, append([]string{test.args[0], image}, test.args[1:]...)...)
			require.Equal(t, 1, r.status)
			require.Len(t, lines(t, r.err), 1, r.err)
			require.Regexp(t, test.err, r.err)
			require.NotContains(t, r.err, "goroutine")
		})
	}
	t.Run("PV missing", func(t *testing.T) {
		image := unpacked(t, "lvm/striped.pv0.img.gz")
		r := invoke(t, "info", image)
		require.Equal(t, 1, r.status)
		require.Regexp(t, regexp.MustCompile(`(?m)^vmdkfs: vg_striped/\w+: .*\w{6}(-\w{4}){5}-\w{6}`), r.err)
	})
	t.Run("journal stops halfway", func(t *testing.T) {
		r := invoke(t, "ls", unpacked(t, "ext/dirty-ext4-bad-commit.img.gz"))
		require.Equal(t, 1, r.status)
		require.Len(t, lines(t, r.err), 1, r.err)
		require.NotContains(t, r.err, "vmdkfs: :")
		require.Contains(t, r.err, "journal")
		require.NotEmpty(t, r.out, "what is there is listed")
	})
	t.Run("journal with a torn tail", func(t *testing.T) {
		r := invoke(t, "ls", unpacked(t, "ext/dirty-ext4-torn.img.gz"))
		require.Equal(t, 0, r.status)
		require.Empty(t, r.err)
	})
	t.Run("unknown feature", func(t *testing.T) {
		image := unpacked(t, "ext/ext2-1k.img.gz")
		data, err := os.ReadFile(image)
		require.NoError(t, err)
		data[1024+96+3] |= 0x80 // the highest bit of s_feature_incompat
		require.NoError(t, os.WriteFile(image, data, 0o600))
		r := invoke(t, "ls", image)
		require.Equal(t, 1, r.status)
		require.Len(t, lines(t, r.err), 1, r.err)
		require.Contains(t, r.err, "not supported")
	})
}

// The backup of a GPT is good enough: a warning, and no failure.
func TestWarning(t *testing.T) {
	r := invoke(t, "info", unpacked(t, "partition/gpt-header.img.gz"))
	require.Equal(t, 0, r.status, r.err)
	require.Regexp(t, "^vmdkfs: warning: ", r.err)
}

func TestStats(t *testing.T) {
	r := invoke(t, "cat", "--stats", web01(t), hostname)
	require.Equal(t, 0, r.status)
	require.Regexp(t, `^vmdkfs: \d+ reads of the source, \d+ bytes \(.*\), \d+\.\d+ s, peak memory .*\n$`, r.err)
	r = invoke(t, "ls", "--stats", "--json", web01(t), hostname)
	var stats struct {
		Reads, Bytes int64
		Seconds      float64
		Peak         int64 `json:"peak_memory"`
	}
	require.NoError(t, json.Unmarshal([]byte(r.err), &stats))
	require.Positive(t, stats.Reads)
	require.Positive(t, stats.Peak)
}

// broken is a writer that fails.
type broken struct{ err error }

func (b broken) Write([]byte) (int, error) { return 0, b.err }

func TestOutputFails(t *testing.T) {
	for _, args := range [][]string{{"ls", "-lR"}, {"cat"}, {"hash"}, {"stat"}, {"info"}, {"iso", "-o", "-"}, {"tar", "-o", "-"}, {"zip", "-o", "-"}} {
		args = append(args, web01(t))
		if args[0] != "info" {
			args = append(args, "vg_root/root/etc/hostname")
		}
		var errs bytes.Buffer
		require.Equal(t, 1, run(t.Context(), args, broken{syscall.ENOSPC}, &errs), args)
		require.Regexp(t, "^vmdkfs: standard output: no space left on device\n$", errs.String())
		errs.Reset()
		require.Equal(t, 1, run(t.Context(), args, broken{syscall.EPIPE}, &errs), args)
		require.Empty(t, errs.String(), "nobody wants to read of a closed pipe")
	}
}

func TestInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	for _, args := range [][]string{{"ls", "-R", web01(t)}, {"hash", web01(t)}, {"cat", web01(t), hostname},
		{"cp", web01(t), "vg_root/root", dir}, {"iso", "-o", filepath.Join(dir, "x.iso"), web01(t), "p1"},
		{"tar", "-o", filepath.Join(dir, "x.tar"), web01(t), "p1"}} {
		var errs bytes.Buffer
		require.Equal(t, 1, run(ctx, args, io.Discard, &errs), args)
		require.Equal(t, "vmdkfs: interrupted\n", errs.String(), args)
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries)
}

func TestComplete(t *testing.T) {
	r := invoke(t, "__complete", "ls", web01(t), "vg_root/ro")
	require.True(t, strings.HasPrefix(r.out, "vg_root/root/\n"), r.out)
	r = invoke(t, "__complete", "ls", "web")
	require.True(t, strings.HasPrefix(r.out, ":0\n"), r.out)
}

package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

// asCommand makes the test binary the command itself, for what needs a process.
const asCommand = "VMDKFS_TEST_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	os.Exit(m.Run())
}

// command returns the command as a process of its own.
func command(t *testing.T, args ...string) (cmd *exec.Cmd, stderr *bytes.Buffer) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd, stderr = exec.Command(self, args...), new(bytes.Buffer)
	cmd.Env, cmd.Stderr = append(os.Environ(), asCommand+"=1"), stderr
	return cmd, stderr
}

// status returns the exit status that a command ended with.
func status(t *testing.T, err error) int {
	t.Helper()
	if e := (*exec.ExitError)(nil); errors.As(err, &e) {
		return e.ExitCode()
	}
	require.NoError(t, err)
	return 0
}

func tmpfs(t *testing.T, options string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("mounts need root")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skip("tmpfs cannot be mounted: ", err)
	}
	t.Cleanup(func() { require.NoError(t, unix.Unmount(dir, 0)) })
	return dir
}

// sumsOf returns the hashes of the regular files below dir.
func sumsOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	sums := make(map[string]string)
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		require.False(t, strings.HasPrefix(d.Name(), ".vmdkfs-"), path)
		if d.Type().IsRegular() {
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			rel, err := filepath.Rel(dir, path)
			require.NoError(t, err)
			sums[rel] = fmt.Sprintf("%x", sha256.Sum256(data))
		}
		return nil
	}))
	return sums
}

// A full destination has complete files, and one line for each that has no
// room; an archive is there or not.
func TestFullDestination(t *testing.T) {
	want := make(map[string]string)
	for path, f := range testimg.Manifest(t, "web01/root.manifest.jsonl.gz") {
		if f.Type == "file" {
			want[path] = f.SHA256
		}
	}
	dir := tmpfs(t, "size=64k")
	r := invoke(t, "cp", web01(t), "vg_root/root", dir)
	require.Equal(t, exitFailed, r.status)
	list := strings.Split(strings.TrimSuffix(r.err, "\n"), "\n")
	got := sumsOf(t, dir)
	for path, sum := range got {
		require.Equal(t, want[path], sum, path)
	}
	failed := 0
	for _, line := range list[:len(list)-1] {
		path, ok := strings.CutSuffix(strings.TrimPrefix(line, "vmdkfs: vg_root/root/"), ": no space left on device")
		require.True(t, ok, line)
		require.NotContains(t, got, path)
		failed++
	}
	require.Positive(t, failed)
	require.Contains(t, list[len(list)-1], fmt.Sprintf(", %d failed", failed))

	for _, command := range []string{"tar", "zip"} {
		dir := tmpfs(t, "size=16k")
		file := filepath.Join(dir, "archive")
		r := invoke(t, command, "-o", file, web01(t), "p1")
		require.Equal(t, result{err: "vmdkfs: " + file + ": no space left on device\n", status: exitFailed}, r)
		require.Empty(t, sumsOf(t, dir))
	}
}

// A destination that is a link to a directory is that directory; a link to
// anything else is a file that exists.
func TestLinkDestination(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "real"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "mine"), []byte("mine"), 0o600))
	for link, target := range map[string]string{"to-dir": "real", "to-file": "mine", "to-nothing": "none"} {
		require.NoError(t, os.Symlink(target, filepath.Join(dir, link)))
	}
	r := invoke(t, "--quiet", "cp", web01(t), hostname, filepath.Join(dir, "to-dir"))
	require.Equal(t, result{}, r)
	require.FileExists(t, filepath.Join(dir, "real/hostname"))
	for _, link := range []string{"to-file", "to-nothing"} {
		path := filepath.Join(dir, link)
		r := invoke(t, "cp", web01(t), hostname, path)
		require.Equal(t, result{err: "vmdkfs: " + hostname + ": exists already\n", status: exitFailed}, r)
		r = invoke(t, "--quiet", "cp", "--overwrite", web01(t), hostname, path)
		require.Equal(t, result{}, r)
		info, err := os.Lstat(path)
		require.NoError(t, err)
		require.True(t, info.Mode().IsRegular(), "the link was replaced")
	}
	mine, err := os.ReadFile(filepath.Join(dir, "mine"))
	require.NoError(t, err)
	require.Equal(t, "mine", string(mine))
	require.NoFileExists(t, filepath.Join(dir, "none"))
}

// A destination that may not be written to: one line, for root and for others.
func TestReadOnlyDestination(t *testing.T) {
	dir := tmpfs(t, "")
	require.NoError(t, unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	want := func(why string) string { return "vmdkfs: vg_root/root/etc: " + why + "\n" }
	r := invoke(t, "cp", web01(t), "vg_root/root/etc", dir)
	require.Equal(t, result{err: want("read-only file system"), status: exitFailed}, r)
	r = invoke(t, "tar", "-o", filepath.Join(dir, "x.tar"), web01(t), "vg_root/root/etc")
	require.Equal(t, result{err: "vmdkfs: " + dir + "/x.tar: read-only file system\n", status: exitFailed}, r)

	// Nobody can reach the test's own folders.
	public, err := os.MkdirTemp("", "vmdkfs-nobody-")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(public) })
	require.NoError(t, os.Chmod(public, 0o755))
	require.NoError(t, os.CopyFS(filepath.Join(public, "vm"), os.DirFS(filepath.Dir(web01(t)))))
	self, err := os.ReadFile("/proc/self/exe")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(public, "vmdkfs"), self, 0o755))
	require.NoError(t, os.Mkdir(filepath.Join(public, "dest"), 0o755))
	cmd, stderr := command(t, "cp", filepath.Join(public, "vm/web01.vmdk"), "vg_root/root/etc", filepath.Join(public, "dest"))
	cmd.Path, cmd.Dir = filepath.Join(public, "vmdkfs"), public
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	require.Equal(t, exitFailed, status(t, cmd.Run()))
	require.Equal(t, want("permission denied"), stderr.String())
	require.Empty(t, sumsOf(t, filepath.Join(public, "dest")))
}

// An interrupted copy has complete files only, and goes on with --resume.
func TestInterruptedCopy(t *testing.T) {
	image, dir := unpacked(t, "ext/ext3-dirs.img.gz"), t.TempDir()
	cmd, stderr := command(t, "cp", image, ".", dir)
	require.NoError(t, cmd.Start())
	for begun := 0; begun < 50; { // thousands are to come
		begun = 0
		filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				begun++
			}
			return nil
		})
	}
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	require.Equal(t, exitFailed, status(t, cmd.Wait()))
	require.Regexp(t, `^vmdkfs: interrupted\n(vmdkfs: .* files?, .*\n)?$`, stderr.String())
	want := make(map[string]string)
	for path, f := range testimg.Manifest(t, "ext/ext3-dirs.manifest.jsonl.gz") {
		if f.Type == "file" {
			want[path] = f.SHA256
		}
	}
	got := sumsOf(t, dir)
	require.Less(t, len(got), len(want), "it was interrupted")
	for path, sum := range got {
		if !strings.Contains(path, "\\") && want[path] != "" {
			require.Equal(t, want[path], sum, path)
		}
	}
	r := invoke(t, "cp", "--resume", image, ".", dir)
	require.Equal(t, exitDone, r.status, r.err)
	require.Regexp(t, fmt.Sprintf(`, %s skipped\n$`, number(int64(len(got)))), r.err)
	require.Len(t, sumsOf(t, dir), len(want))
	for _, args := range [][]string{{"--resume", "--no-preserve=timestamps"}, {"--preserve", "time"}, {"--include", "["}, {"--streams", "all"},
		{"--dry-run", "--verify"}} {
		r := invoke(t, append(append([]string{"cp"}, args...), image, ".", dir)...)
		require.Equal(t, exitUsage, r.status, args)
	}
}

// An archive that is interrupted is not there; one to a pipe just ends.
func TestInterruptedArchive(t *testing.T) {
	image, dir := unpacked(t, "ext/ext3-dirs.img.gz"), t.TempDir()
	for _, args := range [][]string{{"tar"}, {"zip", "--stored"}} {
		cmd, stderr := command(t, append(args, "-o", "-", image, ".")...)
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		_, err = io.ReadFull(out, make([]byte, 1000)) // and it waits, as the pipe is full
		require.NoError(t, err)
		require.NoError(t, cmd.Process.Signal(os.Interrupt))
		rest, err := io.Copy(io.Discard, out)
		require.NoError(t, err)
		require.Less(t, rest, int64(16<<20), "of 20 MB, of which some are written until the signal has come through")
		require.Equal(t, exitFailed, status(t, cmd.Wait()))
		require.Regexp(t, `^(vmdkfs: warning: .*\n)?vmdkfs: interrupted\n$`, stderr.String())
	}
	require.Empty(t, sumsOf(t, dir))
}

// The list of checksums is what sha256sum -c wants in the destination.
func TestChecksums(t *testing.T) {
	dir, list := t.TempDir(), filepath.Join(t.TempDir(), "sums")
	r := invoke(t, "cp", "--verify", "--checksums", list, web01(t), "vg_root/root/etc", "p1/grub", dir)
	require.Equal(t, exitDone, r.status, r.err)
	data, err := os.ReadFile(list)
	require.NoError(t, err)
	got := make(map[string]string)
	for line := range strings.Lines(string(data)) {
		sum, path, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		require.True(t, ok)
		got[path] = sum
	}
	require.Equal(t, sumsOf(t, dir), got)
	if _, err := exec.LookPath("sha256sum"); err == nil {
		cmd := exec.Command("sha256sum", "-c", "--quiet", "--strict", list)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	r = invoke(t, "cp", "--dry-run", "--exclude", "etc", web01(t), "vg_root/root/.", t.TempDir())
	require.Equal(t, exitDone, r.status)
	require.NotContains(t, r.out, "etc/")
	require.Regexp(t, `^vmdkfs: .* would be written\n$`, r.err)
}

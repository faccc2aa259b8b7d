package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/restore"
	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

// machine returns the directory of a virtual machine with a chain of two disks.
func machine(t *testing.T) string {
	dir := t.TempDir()
	for name, f := range testimg.Files(t, "vm/chain.tar.gz") {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), f.Data, 0o600))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "chain.vmx"), []byte(`.encoding = "UTF-8"
config.version = "8"
displayName = "chain"
nvram = "chain.nvram"
scsi0.present = "TRUE"
scsi0:0.present = "TRUE"
scsi0:0.fileName = "chain-000001.vmdk"
`), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "chain.nvram"), []byte("nvram"), 0o600))
	return dir
}

// TestRestore: what is restored opens, with the content that it had, under the
// old name and under a new one, and qemu-img finds the same disk.
func TestRestore(t *testing.T) {
	vm := machine(t)
	want := invoke(t, "cat", "--raw", vm)
	require.Equal(t, 0, want.status, want.err)
	for _, name := range []string{"chain", "copy"} {
		dest := filepath.Join(t.TempDir(), "new", "folder")
		r := invoke(t, "restore", "--verify", "--name", name, vm, dest)
		require.Equal(t, 0, r.status, r.err)
		require.Regexp(t, `^vmdkfs: 5 files, 1 directory, 1\.1 MiB in .*\n$`, r.err)
		files := []string{name + "-000001.vmdk", name + "-flat.vmdk", name + ".nvram", name + ".vmdk", name + ".vmx"}
		for i, line := range lines(t, r.out) {
			require.Len(t, strings.Fields(line)[0], 64)
			require.Contains(t, r.out, "  "+files[i]+"\n")
		}
		sums := exec.Command("sha256sum", "-c", "--quiet")
		sums.Dir, sums.Stdin = dest, strings.NewReader(r.out)
		if _, err := exec.LookPath("sha256sum"); err == nil {
			out, err := sums.CombinedOutput()
			require.NoError(t, err, string(out))
		}
		require.Equal(t, want.out, invoke(t, "cat", "--raw", filepath.Join(dest, name+".vmx")).out)
		if _, err := exec.LookPath("qemu-img"); err != nil {
			t.Log("not compared with qemu-img, which is not installed")
			continue
		}
		out, err := exec.Command("qemu-img", "compare", filepath.Join(vm, "chain-000001.vmdk"), filepath.Join(dest, name+"-000001.vmdk")).CombinedOutput()
		require.NoError(t, err, string(out))
		out, err = exec.Command("qemu-img", "info", "--backing-chain", filepath.Join(dest, name+"-000001.vmdk")).CombinedOutput()
		require.NoError(t, err, string(out))
		require.Contains(t, string(out), "backing file: "+name+".vmdk")
	}
}

// TestRestoreStatus: the exit status and the lines of what can go wrong.
func TestRestoreStatus(t *testing.T) {
	vm, dest := machine(t), t.TempDir()
	for _, args := range [][]string{{vm}, {vm, dest, "x"}, {"--name", "a/b", vm, dest}, {"--name", "", vm, dest}, {"--none", vm, dest}, {"", dest}, {vm, ""}} {
		require.Equal(t, exitUsage, invoke(t, append([]string{"restore"}, args...)...).status, args)
	}
	require.Equal(t, 0, invoke(t, "restore", vm, dest).status)
	r := invoke(t, "restore", vm, dest)
	require.Equal(t, exitFailed, r.status)
	require.Equal(t, 6, strings.Count(r.err, "\n"), r.err)
	require.Contains(t, r.err, "chain.vmx: exists already\n")
	r = invoke(t, "restore", "--resume", vm, dest)
	require.Equal(t, 0, r.status, r.err)
	require.Contains(t, r.err, "5 skipped")
	require.Equal(t, 0, invoke(t, "restore", "--overwrite", vm, dest).status)

	require.NoError(t, os.Remove(filepath.Join(vm, "chain-flat.vmdk")))
	dest = filepath.Join(t.TempDir(), "dest")
	r = invoke(t, "restore", vm, dest)
	require.Equal(t, exitFailed, r.status)
	require.Regexp(t, `^vmdkfs: [^\n]*chain-flat\.vmdk: the extent does not exist \(incomplete\)\nvmdkfs: 4 files, [^\n]* 1 failed\n$`, r.err)
	require.FileExists(t, filepath.Join(dest, "chain.vmx"))
	r = invoke(t, "restore", filepath.Join(vm, "none.vmdk"), dest)
	require.Equal(t, exitFailed, r.status)
	require.Contains(t, r.err, "no such file")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs bytes.Buffer
	require.Equal(t, exitFailed, run(ctx, []string{"restore", machine(t), filepath.Join(t.TempDir(), "x")}, &out, &errs))
	require.Contains(t, errs.String(), "vmdkfs: interrupted\n")
}

// TestRestoreVersion: a version of a datastore, as JSON.
func TestRestoreVersion(t *testing.T) {
	store, dest := testimg.Datastore(t), t.TempDir()
	r := invoke(t, "restore", "--json", "--verify", "--datastore", store, "--version", "2026-11-15", "app01/app01.vmdk", dest)
	require.Equal(t, 0, r.status, r.err)
	decoder := json.NewDecoder(strings.NewReader(r.out))
	for _, name := range []string{"app01-flat.vmdk", "app01.vmdk"} {
		var have restore.Result
		require.NoError(t, decoder.Decode(&have))
		require.Equal(t, name, have.File)
		require.Len(t, have.SHA256, 64)
		want, err := os.ReadFile(filepath.Join(store, ".snapshot/daily.2026-11-15_0010/app01", name))
		require.NoError(t, err)
		got, err := os.ReadFile(filepath.Join(dest, name))
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, got))
		require.Equal(t, int64(len(want)), have.Size)
	}
	require.Contains(t, r.err, `"event":"summary"`)
	const file = "/home/alice/notes/n1.txt"
	require.Equal(t, invoke(t, "cat", filepath.Join(store, ".snapshot/daily.2026-11-15_0010/app01/app01.vmdk"), file).out,
		invoke(t, "cat", filepath.Join(dest, "app01.vmdk"), file).out)
}

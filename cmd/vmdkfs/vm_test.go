package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

// lay writes files of testdata to a new directory, as testimg.Files names them.
func lay(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for name, f := range testimg.Files(t, names...) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), f.Data, 0o600))
	}
	return dir
}

// webVM returns the directory of a machine whose first disk has its files in
// the directory beside it.
func webVM(t *testing.T) string {
	t.Helper()
	dir := lay(t, "vm/web01.vmx", "vm/web01.vmsd", "vmdk/mono.vmdk", "vmdk/mono-flat.vmdk", "web01/web01-flat.vmdk")
	descriptor := strings.ReplaceAll(string(testimg.Load(t, "web01/web01.vmdk")), "web01-flat.vmdk", filepath.Join(dir, "web01-flat.vmdk"))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "web01-000002.vmdk"), []byte(descriptor), 0o600))
	return dir
}

func TestInfoOfMachine(t *testing.T) {
	dir := webVM(t)
	r := invoke(t, "info", "--allow-outside", filepath.Join(dir, "web01.vmx"))
	require.Equal(t, 1, r.status)
	require.Equal(t, "vmdkfs: "+dir+"/web01.vmx: vmdkfs: web01.vmx: the disk nvme0:0 gone-000001.vmdk does not exist (incomplete)\n", r.err)
	require.True(t, strings.HasPrefix(r.out, `web01.vmx  virtual machine, "web \"01\"", guest ubuntu-64, suspended to web01-5f3a.vmss
  disk scsi0:0  web01-000002.vmdk, in the tree as web01
  disk sata0:1  mono.vmdk, in the tree as mono
  disk nvme0:0  gone-000001.vmdk, cannot be read: vmdkfs: web01.vmx: the disk nvme0:0 gone-000001.vmdk does not exist (incomplete)
  no disk scsi0:3  old.vmdk, not present
  no disk scsi1:0  other.vmdk, its controller is not present
  no disk sata0:0  /isos/ubuntu.iso, a CD-ROM drive
  snapshot 1  "installed", 2022-12-01T10:37:39Z, web01-Snapshot1.vmsn, as delivered\x0awith all updates
    disk scsi0:0  web01.vmdk
    disk sata0:1  mono.vmdk
    snapshot 2  "before the upgrade", 2022-12-01T10:52:51Z, web01-Snapshot2.vmsn, the machine goes on from here
      disk scsi0:0  web01-000001.vmdk
    snapshot 4  "another way", 2022-12-01T13:40:06Z, web01-Snapshot4.vmsn
      disk scsi0:0  web01-000003.vmdk
web01-000002.vmdk  VMDK vmfs, 24 MiB`), r.out)
	require.Contains(t, r.out, "\n  web01/p1  3 MiB")
	require.Contains(t, r.out, "\nvg_root  LVM2 VG")

	r = invoke(t, "info", "--allow-outside", "--json", dir)
	var f facts
	require.NoError(t, json.Unmarshal([]byte(r.out), &f))
	require.Len(t, f.VM.Disks, 3)
	require.Len(t, f.VM.Snapshots, 3)
	require.Equal(t, 1, f.VM.Snapshots[1].Parent)
	require.Equal(t, []string{"web01-000002.vmdk", "mono.vmdk"}, []string{f.Disks[0].Image, f.Disks[1].Image})

	r = invoke(t, "cat", "--allow-outside", dir, hostname)
	require.Equal(t, result{out: "web01\n"}, r, "the disk that is gone is no matter of this one")
	r = invoke(t, "cat", dir, hostname)
	require.Equal(t, 1, r.status)
	r = invoke(t, "ls", dir, "web01")
	require.Equal(t, 1, r.status)
	require.Contains(t, r.err, "absolute path")
	require.Equal(t, 1, strings.Count(r.err, "\n"))
	r = invoke(t, "cat", "--raw", dir, "mono")
	require.Equal(t, string(testimg.Load(t, "vmdk/mono-flat.vmdk")), r.out)
	require.Equal(t, "gone/\nmono\nweb01/\n:6\n", invoke(t, "__complete", "ls", dir, "").out)
}

func TestInfoOfPackage(t *testing.T) {
	dir := lay(t, "vm/two.ova.gz")
	image := filepath.Join(dir, "two.ova")
	r := invoke(t, "info", "--verify", image)
	require.Equal(t, 0, r.status, r.err)
	require.Contains(t, r.out, "web02.ovf  virtual machine, \"web02\", guest ubuntu64Guest\n  disk scsi0:0  web02-disk1.vmdk, in the tree as web02-disk1\n")
	require.True(t, strings.HasSuffix(r.out, `
web02.ovf  as the manifest says, SHA256
web02-disk1.vmdk  as the manifest says, SHA256
web02-disk2.vmdk  as the manifest says, SHA256
`), r.out)

	data, err := os.ReadFile(image)
	require.NoError(t, err)
	data[len(data)/2] ^= 1
	require.NoError(t, os.WriteFile(image, data, 0o600))
	r = invoke(t, "info", "--verify", "--json", image)
	require.Equal(t, 1, r.status)
	require.Contains(t, r.err, "its SHA256 is ")
	var f facts
	require.NoError(t, json.Unmarshal([]byte(r.out), &f))
	require.Len(t, f.Checks, 3)
	failed := 0
	for _, c := range f.Checks {
		require.Equal(t, c.OK, c.Error == "")
		if !c.OK {
			failed++
		}
	}
	require.Equal(t, 1, failed)
	require.Contains(t, invoke(t, "info", "--verify", image).out, "  FAILED: ")
	r = invoke(t, "info", "--verify", web01(t))
	require.Equal(t, 1, r.status)
	require.Contains(t, r.err, "only a package has a manifest")

	r = invoke(t, "info", lay(t, "vm/v3.qcow2.gz")+"/v3.qcow2")
	require.Equal(t, 0, r.status, r.err)
	require.Contains(t, r.out, "v3.qcow2  qcow2, 3 MiB, 3145728 bytes\n")
	r = invoke(t, "ls", lay(t, "vm/split.tar.gz")+"/split.raw.001")
	require.Equal(t, result{out: "disk\n"}, r)
}

// Wrong images are one line each.
func TestWrongImages(t *testing.T) {
	dir := webVM(t)
	for _, name := range []string{"a.nvram", "a.vmem", "vmware.log", "a-ctk.vmdk"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), make([]byte, 600), 0o600))
	}
	for name, want := range map[string]string{
		"web01.vmsd": "a list of snapshots; open the .vmx beside it",
		"a.nvram":    "the firmware settings of a virtual machine",
		"a.vmem":     "the memory of a virtual machine",
		"vmware.log": "a log",
		"a-ctk.vmdk": "change tracking",
		"none.ova":   "no such file or directory",
		"none.vmx":   "no such file or directory",
		"x.002":      "no such file or directory",
	} {
		for _, command := range []string{"ls", "info", "hash"} {
			r := invoke(t, command, filepath.Join(dir, name))
			require.Equal(t, 1, r.status, name)
			require.Empty(t, r.out)
			require.Contains(t, r.err, want)
			require.Equal(t, 1, strings.Count(r.err, "\n"), r.err)
		}
	}
	r := invoke(t, "ls", "--disk", filepath.Join(dir, "web01.vmx"), web01(t))
	require.Equal(t, 1, r.status)
	require.Contains(t, r.err, "a virtual machine as a further disk")
}

// A chain is shown from its top to its base, and a parent that has changed is
// refused, unless it is allowed.
func TestChain(t *testing.T) {
	dir := lay(t, "vm/chain.tar.gz")
	top := filepath.Join(dir, "chain-000001.vmdk")
	r := invoke(t, "info", top)
	require.Equal(t, 0, r.status, r.err)
	require.Regexp(t, `(?m)^  extent  SPARSE, RW, chain-000001.vmdk, 1 MiB\n  snapshot of  chain.vmdk, monolithicFlat, 1 MiB, CID [0-9a-f]{8}\n    extent  FLAT, RW, chain-flat.vmdk, 1 MiB\n`, r.out)
	require.Equal(t, r.out, strings.ReplaceAll(invoke(t, "info", dir).out, dir, top), "the top of the chain is the one disk of the directory")
	raw := invoke(t, "cat", "--raw", top)
	base := filepath.Join(dir, "chain.vmdk")
	text, err := os.ReadFile(base)
	require.NoError(t, err)
	at := strings.Index(string(text), "\nCID=") + 5
	copy(text[at:], "0badcafe")
	require.NoError(t, os.WriteFile(base, text, 0o600))
	r = invoke(t, "cat", "--raw", top)
	require.Equal(t, 1, r.status)
	require.Contains(t, r.err, "0badcafe")
	r = invoke(t, "cat", "--raw", "--allow-cid-mismatch", top)
	require.Equal(t, 0, r.status)
	require.Contains(t, r.err, "vmdkfs: warning: ")
	require.True(t, raw.out == r.out)
}

package vmdkfs

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
)

// sumOf returns the SHA-256 of what a volume holds.
func sumOf(t *testing.T, v *Volume) string {
	t.Helper()
	f, err := v.Open()
	require.NoError(t, err)
	h := sha256.New()
	n, err := io.Copy(h, io.NewSectionReader(f, 0, f.Size()))
	require.NoError(t, err)
	require.Equal(t, v.Size, n)
	return hex.EncodeToString(h.Sum(nil))
}

var longName = strings.Repeat("a-rather-long-name-", 7) + "disk.vmdk"

// What qemu-img read of the disks is what is read here.
func TestPackages(t *testing.T) {
	sums := testimg.Sums(t, "vm/sha256")
	for _, test := range []struct {
		file, open, image string
		disks             []string
	}{
		{"two.ova.gz", "two.ova", "two.ova", []string{"web02-disk1.vmdk", "web02-disk2.vmdk"}},
		{"two.ova.gz", ".", "two.ova", []string{"web02-disk1.vmdk", "web02-disk2.vmdk"}},
		{"gnu-long.ova.gz", "gnu-long.ova", "gnu-long.ova", []string{longName}},
		{"pax-long.ova.gz", "pax-long.ova", "pax-long.ova", []string{longName}},
		{"chunks.tar.gz", "chunks.ovf", "chunks", []string{"big.vmdk"}},
		{"chunks.tar.gz", ".", "chunks", []string{"big.vmdk"}},
		{"split.tar.gz", "split.raw.001", "split", []string{"split.raw.001"}},
	} {
		t.Run(test.file+" as "+test.open, func(t *testing.T) {
			d := opened(t)(Open(testimg.Files(t, "vm/"+test.file), test.open))
			volumes, err := d.Volumes()
			require.NoError(t, err)
			require.Len(t, volumes, len(test.disks))
			for i, v := range volumes {
				require.Equal(t, sums[test.image+" "+test.disks[i]], sumOf(t, v))
			}
			for _, w := range d.Warnings() { // the description has one capacity for both disks
				require.False(t, w.Loss)
				require.Contains(t, w.Err.Error(), "web02-disk2.vmdk: the package says that the disk has 3145728 bytes, and it has 2096640")
			}
			m := d.VM()
			if test.image == "split" {
				require.Nil(t, m)
				return
			}
			require.Equal(t, "web02", m.Name)
			require.Equal(t, "ubuntu64Guest", m.GuestOS)
			require.Equal(t, []VMDevice{{"", "", "a CD-ROM drive"}, {"", "empty", "an empty disk, of which the package has no file"}}, m.Skipped)
			for i, disk := range m.Disks {
				require.Equal(t, "scsi0:"+string(rune('0'+i)), disk.Slot)
				require.Equal(t, test.disks[i], disk.File)
				require.Same(t, volumes[i], disk.Volume)
			}
			for c, err := range d.Verify(t.Context(), nil) {
				require.NoError(t, err)
				require.NoError(t, c.Err)
				require.NotEmpty(t, c.Algorithm)
			}
		})
	}
}

// The holes of a sparse archive are read from nowhere, whichever program
// packed it; the pieces are where they were.
func TestSparseArchives(t *testing.T) {
	sums := testimg.Sums(t, "vm/sha256")
	for _, name := range []string{"gnu", "posix-0.0", "posix-0.1", "posix-1.0", "bsdtar"} {
		t.Run(name, func(t *testing.T) {
			d := opened(t)(Open(testimg.Files(t, "vm/sparse-"+name+".ova.gz"), "sparse-"+name+".ova"))
			v, err := d.Volume("")
			require.NoError(t, err)
			require.Equal(t, int64(9<<30), v.Size)
			f, err := v.Open()
			require.NoError(t, err)
			h := sha256.New()
			for i := range int64(30) {
				_, err := io.Copy(h, io.NewSectionReader(f, i*600000*512, 512))
				require.NoError(t, err)
				gap := make([]byte, 4096)
				_, err = f.ReadAt(gap, i*600000*512+1<<20)
				require.NoError(t, err)
				require.Equal(t, make([]byte, 4096), gap)
			}
			require.Equal(t, sums["sparse pieces"], hex.EncodeToString(h.Sum(nil)))
		})
	}
}

func TestForeignImages(t *testing.T) {
	sums := testimg.Sums(t, "vm/sha256")
	for _, file := range testimg.Names(t, "vm/*.*.gz") {
		name := strings.TrimSuffix(strings.TrimPrefix(file, "vm/"), ".gz")
		if !strings.HasSuffix(name, ".qcow2") && !strings.HasSuffix(name, ".vhd") || strings.HasPrefix(name, "refused") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			d := opened(t)(Open(testimg.Files(t, file), name))
			v, err := d.Volume("")
			require.NoError(t, err)
			require.Nil(t, v.Image)
			require.Nil(t, v.Descriptor())
			require.Contains(t, name, strings.ToLower(v.Format))
			require.Equal(t, sums[name], sumOf(t, v))
			testimg.Exercise(t, d)

			// What the extents leave out is zero.
			f, err := v.Open()
			require.NoError(t, err)
			whole := make([]byte, v.Size)
			_, err = f.ReadAt(whole, 0)
			require.NoError(t, err)
			for x, err := range f.Extents() {
				require.NoError(t, err)
				clear(whole[x.Offset:][:x.Length])
			}
			require.Equal(t, make([]byte, v.Size), whole)
		})
	}
}

func TestConcurrentReads(t *testing.T) {
	sums := testimg.Sums(t, "vm/sha256")
	for name, sum := range map[string]string{"gnu-long.ova": sums["gnu-long.ova "+longName], "compressed-4k.qcow2": sums["compressed-4k.qcow2"]} {
		v, err := opened(t)(Open(testimg.Files(t, "vm/"+name+".gz"), name)).Volume("")
		require.NoError(t, err)
		var wait sync.WaitGroup
		for range 4 {
			wait.Go(func() {
				f, err := v.Open()
				if err != nil {
					t.Error(err)
					return
				}
				h := sha256.New()
				if _, err := io.Copy(h, io.NewSectionReader(f, 0, f.Size())); err != nil || hex.EncodeToString(h.Sum(nil)) != sum {
					t.Errorf("%s: %x, %v", name, h.Sum(nil), err)
				}
			})
		}
		wait.Wait()
	}
}

func TestRefusedImages(t *testing.T) {
	for name, want := range map[string]string{
		"refused-zstd.qcow2":        "clusters compressed with zstd",
		"refused-extended-l2.qcow2": "extended L2 entries",
		"refused-backing.qcow2":     `only what differs from the backing file "v3.qcow2"`,
		"refused-data-file.qcow2":   "its data lies in another file",
		"refused-luks.qcow2":        "encrypted",
		"refused-dynamic.vpc":       "a dynamic Hyper-V disk (VHD)",
		"refused-dynamic.vhdx":      "a Hyper-V disk (VHDX)",
		"refused-dynamic.vdi":       "a VirtualBox disk (VDI)",
	} {
		_, err := Open(testimg.Files(t, "vm/"+name+".gz"), name)
		require.ErrorIs(t, err, layer.ErrUnsupported, name)
		require.ErrorContains(t, err, want)
	}
}

// machine returns a file system with a machine of three disks.
func machine(t *testing.T, vmx string) fstest.MapFS {
	t.Helper()
	files := testimg.Files(t, "web01/web01.vmdk", "web01/web01-flat.vmdk", "vmdk/mono.vmdk", "vmdk/mono-flat.vmdk", "vm/web01.vmsd")
	files["web01.vmx"] = &fstest.MapFile{Data: []byte(vmx)}
	return files
}

func TestMachine(t *testing.T) {
	files := machine(t, string(testimg.Load(t, "vm/web01.vmx")))
	files["web01-000002.vmdk"], files["web01.vmdk"] = files["web01.vmdk"], nil
	delete(files, "web01.vmdk")
	for _, name := range []string{"web01.vmx", "."} {
		d := opened(t)(Open(files, name))
		require.Equal(t, "gone/ mono vg_root/ web01/", list(t, d, "."))
		data, err := d.ReadFile("vg_root/root/etc/hostname")
		require.NoError(t, err)
		require.Equal(t, "web01\n", string(data))
		_, err = d.ReadDir("gone")
		require.ErrorIs(t, err, layer.ErrIncomplete)
		_, err = d.Stat("gone/p1")
		require.ErrorIs(t, err, layer.ErrIncomplete)
		volumes, err := d.Volumes()
		require.ErrorIs(t, err, layer.ErrIncomplete)
		require.ErrorContains(t, err, "web01.vmx: the disk nvme0:0 gone-000001.vmdk does not exist")
		require.Equal(t, "web01", volumes[0].Path)

		m := d.VM()
		require.Equal(t, []string{"web01.vmx", `web "01"`, "ubuntu-64", "web01-5f3a.vmss"}, []string{m.File, m.Name, m.GuestOS, m.Suspended})
		require.Len(t, m.Disks, 3)
		require.Equal(t, VMDisk{Slot: "scsi0:0", File: "web01-000002.vmdk", Path: "web01", Volume: volumes[0]}, m.Disks[0])
		require.Equal(t, []string{"sata0:1", "nvme0:0"}, []string{m.Disks[1].Slot, m.Disks[2].Slot})
		require.ErrorIs(t, m.Disks[2].Err, layer.ErrIncomplete)
		require.Nil(t, m.Disks[2].Volume)
		require.Equal(t, 2, m.CurrentSnapshot)
		require.Len(t, m.Snapshots, 3)
	}
}

func TestMachineErrors(t *testing.T) {
	for _, test := range []struct {
		vmx  string
		kind error
		want string
	}{
		{"config.version = \"8\"\n", layer.ErrIncomplete, "the virtual machine has no disk"},
		{"ide0:0.deviceType = \"atapi-cdrom\"\nide0:0.present = \"TRUE\"\n", layer.ErrIncomplete, "no disk: ide0:0 is a CD-ROM drive"},
		{"scsi0:0.fileName = \"none.vmdk\"\n", layer.ErrIncomplete, "the disk scsi0:0 none.vmdk does not exist"},
		{"scsi0:0.fileName = \"a.vmdk\"\nscsi0:1.fileName = \"b.vmdk\"\n", layer.ErrIncomplete, "b.vmdk"},
		{"scsi0:0.fileName = \"/vmfs/volumes/x/a.vmdk\"\n", layer.ErrUnsupported, "its path is absolute"},
		{"encryption.keySafe = \"vmware:key/list/...\"\n", layer.ErrUnsupported, "the virtual machine is encrypted"},
	} {
		_, err := Open(machine(t, test.vmx), "web01.vmx")
		require.ErrorIs(t, err, test.kind)
		require.ErrorContains(t, err, test.want)
	}
	files := machine(t, "scsi0:0.fileName = \"mono.vmdk\"\n")
	_, err := Open(files, "mono.vmdk", WithDisk(files, "web01.vmx"))
	require.ErrorContains(t, err, "a virtual machine as a further disk")
	for c, err := range opened(t)(Open(files, "mono.vmdk")).Verify(t.Context(), nil) {
		require.ErrorIs(t, err, layer.ErrUnsupported)
		require.Zero(t, c)
	}
}

package vmdkfs

import (
	"io"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

// hostileDisks are disks with whole stacks of layers.
func hostileDisks(t testing.TB) map[string][]byte {
	disks := map[string][]byte{
		"web01":  testimg.Load(t, "web01/web01-flat.vmdk"),
		"mbr":    mbr(testimg.Load(t, "ext/ext4-extents.img.gz"), testimg.NTFS(t, "streams"), testimg.Load(t, "fat/fat16.img.gz")),
		"linear": testimg.Load(t, "lvm/linear.pv0.img.gz"),
		"iso":    testimg.Load(t, "iso/unix.iso.gz"),
		"gpt":    testimg.Load(t, "partition/gpt.img.gz"),
		"dirty":  mbr(testimg.Load(t, "ext/dirty-ext4-v2.img.gz")),
		"ldm":    testimg.Load(t, "ldm/disk1.img.gz"),
		"md":     testimg.Load(t, "md/stacked.disk0.img.gz"),
	}
	for _, name := range []string{"old", "new", "data"} {
		disks["guest-"+name] = testimg.Load(t, "guest/"+name+".img.gz")
	}
	win := testimg.Load(t, "win01/win01-f001.vmdk.gz")
	disks["win01"] = append(win, testimg.Load(t, "win01/win01-f002.vmdk.gz")...)
	return disks
}

func subject(t testing.TB) testimg.Subject {
	return testimg.Subject{
		Images: hostileDisks(t),
		Open: func(_ string, r io.ReaderAt, size int64) (fs.FS, error) {
			return testimg.FS(Open(testimg.Replace(fstest.MapFS{}, "disk", r, size), "disk"))
		},
		Seal: func(_ string, data []byte) {
			testimg.SealGPT(data)
			testimg.SealNTFS(data)
			for at := 0; at < len(data); at += 1 << 20 { // where partitions begin
				testimg.SealLVM(data[at:])
				testimg.SealExt(data[at:])
			}
		},
		Warnings: func(fsys fs.FS) (list []error) {
			for _, w := range fsys.(*Disk).Warnings() {
				list = append(list, w.Err)
			}
			return list
		},
		More: func(tb testing.TB, fsys fs.FS) {
			d := fsys.(*Disk)
			d.Warnings()
			d.Volumes()
			if g, err := d.Guest(); err == nil {
				testimg.Fingerprint(g)
			} else {
				testimg.CheckKind(tb, "guest", err)
			}
		},
	}
}

func TestHostile(t *testing.T) { testimg.Hostile(t, subject(t)) }

func FuzzImage(f *testing.F) { testimg.Fuzz(f, subject(f)) }

func TestFaults(t *testing.T) {
	testimg.Faults(t, subject(t), "web01", "mbr", "guest-new", "win01")
}

package lvm_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"

	"github.com/vmdkfs/vmdkfs/lvm"
)

// Three disks hold one volume group. Its volumes are files, each of which the
// next layer can open.
func Example() {
	var pvs []lvm.PV
	for _, name := range []string{"pv0", "pv1", "pv2"} {
		disk, err := unpack("../testdata/lvm/striped." + name + ".img.gz")
		if err != nil {
			log.Fatal(err)
		}
		pvs = append(pvs, lvm.PV{Name: name, Reader: disk, Size: disk.Size()})
	}
	fsys, err := lvm.Open(pvs)
	if err != nil {
		log.Fatal(err)
	}
	for _, group := range fsys.Groups() {
		fmt.Println(group.Dir, "on", len(group.PVs), "PVs")
	}
	err = fs.WalkDir(fsys, "vg_striped", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		volume := info.Sys().(*lvm.Volume)
		fmt.Println(path, info.Size(), len(volume.Segments), volume.Err)
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// vg_striped on 3 PVs
	// vg_striped/first 524288 1 <nil>
	// vg_striped/grown 1572864 3 <nil>
	// vg_striped/spans 786432 2 <nil>
	// vg_striped/three4k 1572864 1 <nil>
	// vg_striped/three64k 786432 1 <nil>
	// vg_striped/two4k 1048576 1 <nil>
	// vg_striped/two64k 1048576 1 <nil>
}

// unpack reads a compressed image into memory.
func unpack(name string) (*bytes.Reader, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(z)
	return bytes.NewReader(data), err
}

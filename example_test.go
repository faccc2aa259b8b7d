package vmdkfs_test

import (
	"fmt"
	"io/fs"
	"log"
	"os"

	"github.com/vmdkfs/vmdkfs"
)

func ExampleOpenFile() {
	disk, err := vmdkfs.OpenFile("testdata/web01/web01.vmdk")
	if err != nil {
		log.Fatal(err)
	}
	defer disk.Close()
	data, err := disk.ReadFile("vg_root/root/etc/hostname")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s", data)
	// Output: web01
}

// Any fs.FS can hold a disk. Nothing outside of it is ever opened.
func ExampleOpen() {
	disk, err := vmdkfs.Open(os.DirFS("testdata/web01"), "web01.vmdk")
	if err != nil {
		log.Fatal(err)
	}
	defer disk.Close()
	err = fs.WalkDir(disk, "p1", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() == "lost+found" {
			return err
		}
		fmt.Println(path)
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
}

func ExampleDisk_Volumes() {
	disk, err := vmdkfs.OpenFile("testdata/web01/web01.vmdk")
	if err != nil {
		log.Fatal(err)
	}
	defer disk.Close()
	volumes, err := disk.Volumes()
	if err != nil {
		log.Fatal(err)
	}
	for _, v := range volumes {
		kind, err := v.Kind()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%q: %s\n", v.Path, kind)
	}
	// Output:
	// "": partition table
	// "p1": ext
	// "p2": LVM2 PV
	// "vg_root/home": ext
	// "vg_root/root": ext
}

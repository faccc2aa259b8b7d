// Command extract writes one file of a disk's volume tree to standard output:
//
//	extract web01.vmdk vg_root/root/etc/hostname
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/vmdkfs/vmdkfs"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: extract IMAGE PATH")
		os.Exit(2)
	}
	if err := extract(os.Stdout, os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "extract:", err)
		os.Exit(1)
	}
}

// extract writes the file at path in the volume tree of image to w.
func extract(w io.Writer, image, path string) error {
	disk, err := vmdkfs.OpenFile(image)
	if err != nil {
		return err
	}
	defer disk.Close()
	file, err := disk.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(w, file)
	return err
}

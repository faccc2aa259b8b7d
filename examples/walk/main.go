// Command walk lists every file of every volume of a disk:
//
//	walk web01.vmdk
package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/vmdkfs/vmdkfs"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: walk IMAGE")
		os.Exit(2)
	}
	if err := walk(os.Stdout, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "walk:", err)
		os.Exit(1)
	}
}

// walk writes a line for every file of image to w.
func walk(w io.Writer, image string) error {
	disk, err := vmdkfs.OpenFile(image)
	if err != nil {
		return err
	}
	defer disk.Close()
	volumes, err := disk.Volumes()
	if err != nil {
		return err
	}
	for _, v := range volumes {
		kind, err := v.Kind()
		if err != nil {
			return err
		}
		if !v.Readable() {
			fmt.Fprintf(w, "# %s: %s, not a file system that can be read\n", v.Path, kind)
			continue
		}
		fsys, err := v.FS()
		if err != nil {
			return err
		}
		err = fs.WalkDir(fsys, ".", func(path string, d fs.DirEntry, err error) error {
			fmt.Fprintf(w, "%s: %s\n", v.Path, path)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

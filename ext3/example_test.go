package ext3_test

import (
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"

	"github.com/vmdkfs/vmdkfs/ext3"
)

// Open the /boot partition of a disk, which begins at 1 MiB, and read a file.
func ExampleOpen() {
	disk, err := os.Open("../testdata/web01/web01-flat.vmdk")
	if err != nil {
		log.Fatal(err)
	}
	defer disk.Close()
	boot := io.NewSectionReader(disk, 1<<20, 3<<20)
	fsys, err := ext3.Open(boot, boot.Size())
	if err != nil {
		log.Fatal(err)
	}
	info, journal := fsys.Info(), fsys.Journal()
	fmt.Println(info.Type, info.Label, info.Clean, journal.Replayed)

	file, err := fs.Stat(fsys, "grub/grub.cfg")
	if err != nil {
		log.Fatal(err)
	}
	inode := file.Sys().(*ext3.Inode)
	fmt.Println(file.Mode(), inode.UID, inode.Links)
	// Output:
	// ext3 boot true false
	// -rw-r--r-- 0 1
}

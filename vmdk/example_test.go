package vmdk_test

import (
	"fmt"
	"log"
	"os"

	"github.com/vmdkfs/vmdkfs/layer"
	"github.com/vmdkfs/vmdkfs/vmdk"
)

func Example() {
	// A descriptor can name any file; a root keeps it inside its directory.
	dir, err := os.OpenRoot("../testdata/vmdk")
	if err != nil {
		log.Fatal(err)
	}
	defer dir.Close()

	image, err := vmdk.Open(dir.FS(), "parts.vmdk")
	if err != nil {
		log.Fatal(err)
	}
	defer image.Close()
	fmt.Println(image.Descriptor().CreateType)
	for _, e := range image.Descriptor().Extents {
		fmt.Printf("%d sectors from %d of %q\n", e.Sectors, e.Offset, e.File)
	}

	f, err := image.Open("disk")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	disk := f.(layer.File)
	sector := make([]byte, 512)
	if _, err := disk.ReadAt(sector, 48*512); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d bytes, of which sector 48 begins %q\n", disk.Size(), sector[:10])

	// Output:
	// twoGbMaxExtentFlat
	// 16 sectors from 8 of "parts-f001.vmdk"
	// 20 sectors from 2 of "parts f002.vmdk"
	// 12 sectors from 28 of "parts-f001.vmdk"
	// 8 sectors from 0 of "parts-f001.vmdk"
	// 28672 bytes, of which sector 48 begins "part one 1"
}

package partition_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/vmdkfs/vmdkfs/layer"
	"github.com/vmdkfs/vmdkfs/partition"
)

func Example() {
	f, err := os.Open("../testdata/partition/mbr-logical.img.gz")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		log.Fatal(err)
	}
	disk, err := io.ReadAll(z)
	if err != nil {
		log.Fatal(err)
	}

	table, err := partition.Open(bytes.NewReader(disk), int64(len(disk)))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(table.Table().Scheme, table.Table().ID)
	for _, p := range table.Partitions() {
		fmt.Printf("%-4s %8d bytes from %8d: %s\n", p.Name, p.Size, p.Start, p.TypeName)
	}

	p5, err := table.Open("p5")
	if err != nil {
		log.Fatal(err)
	}
	defer p5.Close()
	start := make([]byte, 25)
	if _, err := p5.(layer.File).ReadAt(start, 0); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", start)

	// Output:
	// mbr 00000e0b
	// p1     262144 bytes from    32768: Linux
	// p4     524288 bytes from  7340032: NTFS or exFAT
	// p5     153600 bytes from  2621440: Linux
	// p6     204800 bytes from  1048576: Linux swap
	// p7     256000 bytes from  4608000: Linux LVM
	// p8     307200 bytes from  3174400: Linux RAID
	// p9     358400 bytes from  6144000: Linux
	// p10     32768 bytes from  1536000: FAT32
	// mbr-logical.img p5 begins
}

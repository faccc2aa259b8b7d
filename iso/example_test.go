package iso_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"log"
	"testing/fstest"
	"time"

	"github.com/vmdkfs/vmdkfs/iso"
)

func ExampleWrite() {
	source := fstest.MapFS{
		"etc/hostname":                  {Data: []byte("web01\n"), Mode: 0644},
		"a name of any length you like": {Data: []byte("…"), Mode: 0600},
	}
	var image bytes.Buffer
	report, err := iso.Write(&image, source, iso.WithLabel("WEB01"), iso.WithTime(time.Unix(1e9, 0)))
	if err != nil {
		log.Fatal(err) // there is no image
	}
	if err := report.Err(); err != nil {
		log.Print(err) // some files are missing, or padded
	}
	fmt.Println(report.Entries, "entries in", report.Size, "bytes")
	// Output: 4 entries in 567296 bytes
}

func ExampleOpen() {
	var image bytes.Buffer
	if _, err := iso.Write(&image, fstest.MapFS{"etc/hostname": {Data: []byte("web01\n"), Mode: 0644}}); err != nil {
		log.Fatal(err)
	}
	fsys, err := iso.Open(bytes.NewReader(image.Bytes()), int64(image.Len()))
	if err != nil {
		log.Fatal(err)
	}
	name, err := fs.ReadFile(fsys, "etc/hostname")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%v: %s", fsys.Tree(), name)
	// Output: Rock Ridge: web01
}

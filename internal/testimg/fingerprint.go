package testimg

import (
	"errors"
	"fmt"
	"hash/crc64"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/vmdkfs/vmdkfs/layer"
)

var fingerprintTable = crc64.MakeTable(crc64.ECMA)

// Fingerprint returns a line for all that a walk of fsys sees, errors too,
// within the bounds of Exercise. The same image gives the same lines each time,
// and to walks at the same time.
func Fingerprint(fsys fs.FS) string { return fingerprint(fsys, exerciseFiles) }

// fingerprint is Fingerprint of at most so many files.
func fingerprint(fsys fs.FS, left int) string {
	var b strings.Builder
	list, err := fs.ReadDir(fsys, ".")
	fingerprintDir(&b, ".", list, err, 0, &left)
	return b.String()
}

func fingerprintDir(b *strings.Builder, dir string, list []fs.DirEntry, err error, depth int, left *int) {
	if err != nil {
		fmt.Fprintf(b, "%s: %v\n", dir, err)
	}
	for _, e := range list {
		if *left--; *left < 0 {
			return
		}
		name := path.Join(dir, e.Name())
		info, err := e.Info()
		if err != nil {
			fmt.Fprintf(b, "%s: %v: %v\n", name, e.Type(), err)
			continue
		}
		fmt.Fprintf(b, "%s: %v %d %v", name, info.Mode(), info.Size(), info.ModTime())
		entry := e.(layer.DirEntry)
		if sys, ok := info.Sys().(layer.Sys); ok {
			u := sys.Unix()
			u.Volume = nil
			attributes, err := sys.Xattrs()
			fmt.Fprintf(b, " %+v %v", u, err)
			for _, key := range slices.Sorted(maps.Keys(attributes)) {
				fmt.Fprintf(b, " %s=%x", key, crc64.Checksum(attributes[key], fingerprintTable))
			}
		}
		switch mode := info.Mode(); {
		case mode.IsDir():
			b.WriteByte('\n')
			if depth < exerciseDepth {
				list, err := entry.ReadDir()
				fingerprintDir(b, name, list, err, depth+1, left)
			}
			continue
		case mode&fs.ModeSymlink != 0:
			target, err := entry.ReadLink()
			fmt.Fprintf(b, " -> %q %v", target, err)
		case mode.IsRegular():
			fingerprintFile(b, entry)
		}
		b.WriteByte('\n')
	}
}

func fingerprintFile(b *strings.Builder, e layer.DirEntry) {
	f, err := e.Open()
	if err != nil {
		fmt.Fprintf(b, " %v", err)
		return
	}
	defer f.Close()
	file, sum := f.(layer.File), crc64.New(fingerprintTable)
	n, err := io.Copy(sum, io.NewSectionReader(file, 0, min(file.Size(), exerciseBytes)))
	fmt.Fprintf(b, " %d %x %v", n, sum.Sum64(), err)
	count := 0
	for x, err := range file.Extents() {
		fmt.Fprintf(b, " %v %v", x, err)
		if count++; count > exerciseFiles {
			break
		}
	}
}

// ErrSource is what a faulty source of this package fails with.
var ErrSource = errors.New("testimg: the source failed")

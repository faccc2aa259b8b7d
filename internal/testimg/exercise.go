package testimg

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path"
	"testing"

	"github.com/vmdkfs/vmdkfs/layer"
)

// Bounds of what Exercise does with one image, so that a fuzzer's is not a
// matter of minutes.
const (
	exerciseFiles = 500
	exerciseBytes = 1 << 20
	exerciseDepth = 20
)

// Exercise reads all that it can reach of fsys, an image that may be damaged,
// and fails the test when answers contradict one another or an error is of no
// kind: damage may cost an error and nothing else.
func Exercise(tb testing.TB, fsys fs.FS) {
	tb.Helper()
	left := exerciseFiles
	exerciseDir(tb, fsys, ".", 0, &left)
}

func exerciseDir(tb testing.TB, fsys fs.FS, dir string, depth int, left *int) {
	tb.Helper()
	list, err := fs.ReadDir(fsys, dir)
	checkKind(tb, dir, err)
	for _, e := range list {
		if *left--; *left < 0 {
			return
		}
		name := path.Join(dir, e.Name())
		if !fs.ValidPath(name) {
			tb.Errorf("%q is no path", name)
			continue
		}
		info, err := e.Info()
		checkKind(tb, name, err)
		if err != nil {
			continue
		}
		exerciseSys(tb, name, info)
		switch mode := info.Mode(); {
		case mode.IsDir() && depth < exerciseDepth:
			exerciseDir(tb, fsys, name, depth+1, left)
		case mode&fs.ModeSymlink != 0:
			_, err := e.(layer.DirEntry).ReadLink()
			checkKind(tb, name, err)
			_, err = fs.Stat(fsys, name)
			checkKind(tb, name, err)
		case mode.IsRegular():
			exerciseFile(tb, name, e.(layer.DirEntry), info.Size())
		}
	}
}

func exerciseSys(tb testing.TB, name string, info fs.FileInfo) {
	tb.Helper()
	if sys, ok := info.Sys().(layer.Sys); ok {
		sys.Unix()
		_, err := sys.Xattrs()
		checkKind(tb, name, err)
	}
}

// exerciseFile reads the start of a file in two ways, and its extents.
func exerciseFile(tb testing.TB, name string, e layer.DirEntry, size int64) {
	tb.Helper()
	f, err := e.Open()
	checkKind(tb, name, err)
	if err != nil {
		return
	}
	defer f.Close()
	file := f.(layer.File)
	if file.Size() != size {
		tb.Errorf("%s: %d bytes opened, %d described", name, file.Size(), size)
	}
	n := min(size, exerciseBytes)
	whole := make([]byte, n)
	got, err := file.ReadAt(whole, 0)
	if err != io.EOF {
		checkKind(tb, name, err)
	}
	read, readErr := io.ReadAll(io.LimitReader(file, n))
	checkKind(tb, name, readErr)
	if err == nil && (readErr != nil || !bytes.Equal(read, whole[:got])) {
		tb.Errorf("%s: Read and ReadAt differ", name)
	}
	end, count := int64(0), 0
	for x, err := range file.Extents() {
		checkKind(tb, name, err)
		if err != nil {
			break
		}
		if x.Offset < end || x.Length <= 0 || x.Offset+x.Length > size {
			tb.Errorf("%s: extent %+v behind %d, of %d bytes", name, x, end, size)
			break
		}
		if end = x.Offset + x.Length; count > exerciseFiles {
			break
		}
		count++
	}
}

// checkKind fails the test for an error that a caller could not tell apart.
func checkKind(tb testing.TB, name string, err error) {
	tb.Helper()
	if err == nil {
		return
	}
	for _, kind := range []error{layer.ErrFormat, layer.ErrCorrupt, layer.ErrUnsupported, layer.ErrIncomplete,
		fs.ErrNotExist, fs.ErrInvalid, io.ErrUnexpectedEOF} {
		if errors.Is(err, kind) {
			return
		}
	}
	var pe *fs.PathError
	if errors.As(err, &pe) && (pe.Op == "stat" || pe.Op == "open") {
		return // a link that leads nowhere, or in circles
	}
	tb.Errorf("%s: error of no kind: %v", name, err)
}

package testimg

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"
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
// kind: damage may cost an error and nothing else. What a listing tells of a
// file is what its path tells; ReadAt, Read and WriteTo give the same bytes.
func Exercise(tb testing.TB, fsys fs.FS) {
	tb.Helper()
	left := exerciseFiles
	exerciseDir(tb, fsys, ".", 0, &left)
}

func exerciseDir(tb testing.TB, fsys fs.FS, dir string, depth int, left *int) {
	tb.Helper()
	list, err := fs.ReadDir(fsys, dir)
	CheckKind(tb, dir, err)
	for i, e := range list {
		if *left--; *left < 0 {
			return
		}
		name := path.Join(dir, e.Name())
		if !fs.ValidPath(name) || strings.Contains(e.Name(), "/") {
			tb.Errorf("%q is no path", name)
			continue
		}
		info, err := e.Info()
		CheckKind(tb, name, err)
		// Of equal names, which a sorted list has side by side, a path finds one.
		unique := (i == 0 || list[i-1].Name() != e.Name()) && (i == len(list)-1 || list[i+1].Name() != e.Name())
		if unique {
			exercisePath(tb, fsys, name, info, err)
		}
		if err != nil {
			continue
		}
		exerciseSys(tb, name, info)
		switch mode := info.Mode(); {
		case mode.IsDir() && depth < exerciseDepth && unique:
			exerciseDir(tb, fsys, name, depth+1, left)
		case mode&fs.ModeSymlink != 0:
			_, err := e.(layer.DirEntry).ReadLink()
			CheckKind(tb, name, err)
			_, err = fs.Stat(fsys, name)
			CheckKind(tb, name, err)
		case mode.IsRegular():
			exerciseFile(tb, name, e.(layer.DirEntry), info.Size())
		}
	}
}

// exercisePath compares what the path of a file tells with what its entry told.
func exercisePath(tb testing.TB, fsys fs.FS, name string, info fs.FileInfo, infoErr error) {
	tb.Helper()
	again, err := fs.Lstat(fsys, name)
	CheckKind(tb, name, err)
	if (err == nil) != (infoErr == nil) {
		tb.Errorf("%s: its entry says %v, its path %v", name, infoErr, err)
		return
	}
	if err == nil && (again.Name() != info.Name() || again.Mode() != info.Mode() || again.Size() != info.Size() || !again.ModTime().Equal(info.ModTime())) {
		tb.Errorf("%s: its entry is %v, its path %v", name, fs.FormatFileInfo(info), fs.FormatFileInfo(again))
	}
}

func exerciseSys(tb testing.TB, name string, info fs.FileInfo) {
	tb.Helper()
	if sys, ok := info.Sys().(layer.Sys); ok {
		sys.Unix()
		_, err := sys.Xattrs()
		CheckKind(tb, name, err)
	}
}

// exerciseFile reads the start of a file in three ways, and its extents.
func exerciseFile(tb testing.TB, name string, e layer.DirEntry, size int64) {
	tb.Helper()
	f, err := e.Open()
	CheckKind(tb, name, err)
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
		CheckKind(tb, name, err)
	}
	if err == io.EOF && n > 0 && int64(got) < n {
		tb.Errorf("%s: ReadAt ends at %d of %d without an error", name, got, size)
	}
	read, readErr := io.ReadAll(io.LimitReader(file, n))
	CheckKind(tb, name, readErr)
	if failed := err != nil && err != io.EOF; failed != (readErr != nil) || !failed && !bytes.Equal(read, whole[:got]) {
		tb.Errorf("%s: ReadAt gives %d bytes, %v; Read %d, %v", name, got, err, len(read), readErr)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		tb.Errorf("%s: %v", name, err)
	}
	w := &limitedWriter{left: n}
	if _, writeErr := file.WriteTo(w); !errors.Is(writeErr, errLimit) {
		CheckKind(tb, name, writeErr)
		if (writeErr != nil) != (readErr != nil) && size <= n {
			tb.Errorf("%s: Read ends with %v, WriteTo with %v", name, readErr, writeErr)
		}
	}
	if m := min(w.buf.Len(), len(read)); !bytes.Equal(w.buf.Bytes()[:m], read[:m]) || readErr == nil && m < len(read) && size <= n {
		tb.Errorf("%s: Read gives %d bytes, WriteTo %d others", name, len(read), w.buf.Len())
	}
	exerciseExtents(tb, name, file)
}

func exerciseExtents(tb testing.TB, name string, file layer.File) {
	tb.Helper()
	end, count := int64(0), 0
	for x, err := range file.Extents() {
		CheckKind(tb, name, err)
		if err != nil {
			break
		}
		if x.Offset < end || x.Length <= 0 || x.Length > file.Size()-x.Offset {
			tb.Errorf("%s: extent %+v behind %d, of %d bytes", name, x, end, file.Size())
			break
		}
		if end = x.Offset + x.Length; count > exerciseFiles {
			break
		}
		count++
	}
}

var errLimit = errors.New("enough was written")

// A limitedWriter keeps what is written, up to a limit.
type limitedWriter struct {
	buf  bytes.Buffer
	left int64
}

func (w *limitedWriter) Write(p []byte) (int, error) {
	n := min(int64(len(p)), w.left)
	w.buf.Write(p[:n])
	if w.left -= n; n < int64(len(p)) || w.left == 0 {
		return int(n), errLimit
	}
	return int(n), nil
}

// CheckKind fails the test for an error that a caller could not tell apart: it
// is none of the layers' kinds, not the end of the source, and does not say
// that a path leads nowhere.
func CheckKind(tb testing.TB, name string, err error) {
	tb.Helper()
	if err != nil && !HasKind(err) {
		tb.Errorf("%s: error of no kind: %v", name, err)
	}
}

// HasKind reports whether a caller could tell what kind of error err is.
func HasKind(err error) bool {
	for _, kind := range []error{layer.ErrFormat, layer.ErrCorrupt, layer.ErrUnsupported, layer.ErrIncomplete,
		fs.ErrNotExist, fs.ErrInvalid, io.ErrUnexpectedEOF, ErrSource} {
		if errors.Is(err, kind) {
			return true
		}
	}
	// What a link leads to may be no directory, or the link again.
	for _, text := range []string{"not a directory", "too many levels of symbolic links"} {
		if strings.HasSuffix(err.Error(), text) {
			return true
		}
	}
	return false
}

package vm

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

// maxParts is how many files may be joined, each of which stays open: a disk of
// 62 TiB in parts of 2 GiB is half of it.
const maxParts = 1 << 16

// openChunks joins the chunks of a file of a package: name.000000000 and so
// on (DSP0243, section 7.1).
func openChunks(fsys fs.FS, name string, size int64, m *Machine) (fs.FS, error) {
	return joinParts(fsys, name, func(i int) string { return fmt.Sprintf("%s.%09d", name, i) }, 0, size, m)
}

// splitNumber returns what a name that ends in .001 has before it, how many
// digits there are, and their number. Such a file is the first part of an image
// that a tool has split.
func splitNumber(name string) (stem string, digits, number int, ok bool) {
	ext := strings.TrimPrefix(path.Ext(name), ".")
	stem = strings.TrimSuffix(name, "."+ext)
	n, err := strconv.ParseUint(ext, 10, 31)
	return stem, len(ext), int(n), err == nil && len(ext) >= 3 && stem != "" && ext[0] != '+'
}

// openSplit joins the parts of a split image, of which name is the first.
func openSplit(fsys fs.FS, name string, m *Machine) (fs.FS, string, error) {
	stem, digits, number, _ := splitNumber(name)
	part := func(i int) string { return fmt.Sprintf("%s.%0*d", stem, digits, i) }
	if number > 1 {
		return nil, "", failed(layer.ErrFormat, name, "a part of an image that was split: its first is %s", path.Base(part(1)))
	}
	joined, err := joinParts(fsys, stem, part, number, 0, m)
	return joined, stem, err
}

// joinParts opens part(first), part(first+1) and so on, and returns a file
// system with one file, name, that holds them all. All but the last have the
// same size, which is that of the first where it is not given.
func joinParts(fsys fs.FS, name string, part func(int) string, first int, size int64, m *Machine) (fs.FS, error) {
	j := &joined{}
	var sources []io.ReaderAt
	var runs []extent.Run
	var sizes []int64
	short := "" // the part that must be the last
	for n := first; ; n++ {
		f, err := fsys.Open(part(n))
		if errors.Is(err, fs.ErrNotExist) {
			if err := findGap(fsys, part(n), n); err != nil {
				return nil, err
			}
			break
		}
		if err != nil {
			return nil, layer.Errorf(err, "vm", part(n), -1, "")
		}
		m.open = append(m.open, f)
		info, err := f.Stat()
		if err != nil {
			return nil, layer.Errorf(err, "vm", part(n), -1, "")
		}
		r, ok := f.(io.ReaderAt)
		if size == 0 {
			size = info.Size()
		}
		switch {
		case !ok || info.IsDir():
			return nil, failed(layer.ErrFormat, part(n), "no file with random access")
		case short != "":
			return nil, failed(layer.ErrIncomplete, short, "it is not the last part, and has fewer than the %d bytes of the others", size)
		case info.Size() > size:
			return nil, failed(layer.ErrCorrupt, part(n), "a part of %d bytes, where the others have %d", info.Size(), size)
		case len(sources) >= maxParts:
			return nil, failed(layer.ErrUnsupported, name, "more than %d parts", maxParts)
		case info.Size() < size:
			short = part(n)
		}
		if info.Size() > 0 {
			runs = append(runs, extent.Run{Offset: j.size, Length: info.Size(), Source: len(sources)})
			sources, sizes = append(sources, r), append(sizes, info.Size())
			j.size += info.Size()
		}
		j.modified = info.ModTime()
	}
	if len(sources) == 0 {
		return nil, failed(layer.ErrIncomplete, part(first), "the first part of %s does not exist", path.Base(name))
	}
	list, err := extent.NewList(runs, sizes...)
	if err != nil {
		return nil, failed(layer.ErrCorrupt, name, "%v", err)
	}
	j.content = extent.NewReader(list, j.size, sources...)
	return j.fs(name), nil
}

// findGap reports whether there are parts behind one that does not exist.
func findGap(fsys fs.FS, missing string, number int) error {
	entries, err := fs.ReadDir(fsys, path.Dir(missing))
	if err != nil {
		return layer.Errorf(err, "vm", path.Dir(missing), -1, "")
	}
	stem, digits, _, _ := splitNumber(path.Base(missing))
	for _, e := range entries {
		s, d, n, ok := splitNumber(e.Name())
		if ok && s == stem && d == digits && n > number {
			return failed(layer.ErrIncomplete, missing, "this part does not exist, and %s does", e.Name())
		}
	}
	return nil
}

// A joined file is what parts make up.
type joined struct {
	content  *extent.Reader
	size     int64
	modified time.Time // of the last part
}

func (*joined) Mode() fs.FileMode              { return 0o444 }
func (j *joined) Size() int64                  { return j.size }
func (j *joined) ModTime() time.Time           { return j.modified }
func (*joined) Sys() any                       { return nil }
func (j *joined) Open() (vnode.Content, error) { return j.content, nil }

// fs returns a file system in which the file has the path name.
func (j *joined) fs(name string) fs.FS {
	top := &vnode.Listing{}
	top.Add(path.Base(name), j)
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		above := &vnode.Listing{}
		above.Add(path.Base(dir), top)
		top = above
	}
	return vnode.New(top)
}

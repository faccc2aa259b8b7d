package testimg

import (
	"io"
	"io/fs"
	"path"
	"time"
)

// Replace returns fsys with the named file replaced by the size bytes of r.
func Replace(fsys fs.FS, name string, r io.ReaderAt, size int64) fs.FS {
	return replaced{fsys, name, r, size}
}

type replaced struct {
	fs.FS
	name string
	r    io.ReaderAt
	size int64
}

func (f replaced) Open(name string) (fs.File, error) {
	if name != f.name {
		return f.FS.Open(name)
	}
	return sourceFile{io.NewSectionReader(f.r, 0, f.size), f}, nil
}

func (f replaced) Stat(name string) (fs.FileInfo, error) {
	if name != f.name {
		return fs.Stat(f.FS, name)
	}
	return sourceInfo{f}, nil
}

type sourceFile struct {
	*io.SectionReader
	f replaced
}

func (f sourceFile) Stat() (fs.FileInfo, error) { return sourceInfo{f.f}, nil }
func (sourceFile) Close() error                 { return nil }

// ReadAt is that of the reader, which may end before its size.
func (f sourceFile) ReadAt(p []byte, off int64) (int, error) { return f.f.r.ReadAt(p, off) }

type sourceInfo struct{ f replaced }

func (i sourceInfo) Name() string     { return path.Base(i.f.name) }
func (i sourceInfo) Size() int64      { return i.f.size }
func (sourceInfo) Mode() fs.FileMode  { return 0o444 }
func (sourceInfo) ModTime() time.Time { return time.Time{} }
func (sourceInfo) IsDir() bool        { return false }
func (sourceInfo) Sys() any           { return nil }

// Parts cuts the size bytes of r, the images of several disks one behind the
// other, into those of the given sizes. Where r ends early so does a part.
func Parts(r io.ReaderAt, size int64, sizes []int) []*io.SectionReader {
	var list []*io.SectionReader
	at := int64(0)
	for _, n := range sizes {
		list = append(list, io.NewSectionReader(r, at, max(0, min(int64(n), size-at))))
		at += int64(n)
	}
	return list
}

// Join puts images one behind the other, for Parts to cut apart.
func Join(images ...[]byte) (joined []byte, sizes []int) {
	for _, i := range images {
		joined, sizes = append(joined, i...), append(sizes, len(i))
	}
	return joined, sizes
}

// FS returns what a layer's Open returns as a Subject's Open does: without a
// file system there is none, rather than one that is nil.
func FS[F fs.FS](f F, err error) (fs.FS, error) {
	if err != nil {
		return nil, err
	}
	return f, nil
}

package walk

import (
	"io/fs"

	"github.com/vmdkfs/vmdkfs/layer"
)

// Find returns the file at name as an entry. A symbolic link is the link
// itself.
func Find(fsys FS, name string) (Entry, error) {
	info, err := fsys.Lstat(name)
	if err != nil {
		return Entry{}, err
	}
	return Entry{named{fsys, name, fs.FileInfoToDirEntry(info)}, name, 0}, nil
}

// Below returns e, an entry of the directory dir.
func Below(fsys FS, dir Entry, e fs.DirEntry) Entry {
	name := e.Name()
	if dir.Path != "." {
		name = dir.Path + "/" + name
	}
	return Entry{entryOf(fsys, name, e), name, dir.Depth + 1}
}

// entryOf returns e, which lies at name, as an entry that can open itself.
func entryOf(fsys FS, name string, e fs.DirEntry) layer.DirEntry {
	if own, ok := e.(layer.DirEntry); ok {
		return own
	}
	return named{fsys, name, e}
}

// A named is an entry that is reached by its path: the file that a walk begins
// at, and every file of a file system whose entries do not open themselves.
type named struct {
	fsys FS
	path string
	fs.DirEntry
}

func (n named) Info() (fs.FileInfo, error)      { return n.fsys.Lstat(n.path) }
func (n named) ReadLink() (string, error)       { return n.fsys.ReadLink(n.path) }
func (n named) ReadDir() ([]fs.DirEntry, error) { return n.fsys.ReadDir(n.path) }

func (n named) Open() (fs.File, error) {
	if n.Type()&fs.ModeSymlink != 0 {
		return nil, &fs.PathError{Op: "open", Path: n.path, Err: fs.ErrInvalid}
	}
	return n.fsys.Open(n.path)
}

package ext3

import (
	"fmt"
	"io/fs"
	"iter"

	"github.com/vmdkfs/vmdkfs/internal/vnode"
)

const (
	// maxNameLength is EXT4_NAME_LEN.
	maxNameLength = 255
	// direntHeader is the part of an entry before its name.
	direntHeader = 8
	// dirPiece is how much of a directory is read at once, at most.
	dirPiece = 256 << 10
)

// A dirent is a name in a directory: struct ext4_dir_entry_2, decoded.
type dirent struct {
	fsys     *FS
	name     string // escaped
	number   uint32
	fileType fs.FileMode
}

func (d dirent) Name() string              { return d.name }
func (d dirent) Type() fs.FileMode         { return d.fileType }
func (d dirent) Node() (vnode.Node, error) { return d.fsys.node(d.number) }

// fileTypes are the types by the number that an entry has for them.
var fileTypes = [...]fs.FileMode{0, 0, fs.ModeDir, fs.ModeDevice | fs.ModeCharDevice, fs.ModeDevice,
	fs.ModeNamedPipe, fs.ModeSocket, fs.ModeSymlink}

// Entries yields the names of the directory, in the order of its blocks. A
// hashed directory is read the same way: its index blocks look like free
// entries. What is damaged is passed over block by block, as the kernel does,
// and told at the end.
func (d dirNode) Entries() iter.Seq2[vnode.Entry, error] {
	return func(yield func(vnode.Entry, error) bool) {
		var damage dirDamage
		for raw, err := range d.inode.entries() {
			if err == nil {
				var e dirent
				if e, err = d.inode.fsys.entry(raw); err == nil {
					if !yield(e, nil) {
						return
					}
					continue
				}
			}
			damage.add(err)
		}
		if err := damage.err(d.inode); err != nil {
			yield(nil, err)
		}
	}
}

// Lookup returns the node of that name. When the name is not found and a part
// of the directory could not be read, that is the error: the name may be there.
func (d dirNode) Lookup(name string) (vnode.Node, error) {
	want := vnode.Unescape(name)
	if len(want) > maxNameLength || !vnode.Valid(want) || vnode.Escape(want) != name {
		return nil, fs.ErrNotExist
	}
	var damage dirDamage
	for raw, err := range d.inode.entries() {
		if err != nil {
			damage.add(err)
		} else if string(raw.name) == string(want) {
			if err := d.inode.fsys.checkEntry(raw); err != nil {
				return nil, err
			}
			return d.inode.fsys.node(raw.number)
		}
	}
	if err := damage.err(d.inode); err != nil {
		return nil, err
	}
	return nil, fs.ErrNotExist
}

// dirDamage counts what could not be read of a directory, and keeps the first
// of it, so that an image full of damage does not fill the memory with errors.
type dirDamage struct {
	first error
	count int
}

func (d *dirDamage) add(err error) {
	if d.first == nil {
		d.first = err
	}
	d.count++
}

func (d *dirDamage) err(i *Inode) error {
	switch d.count {
	case 0:
		return nil
	case 1:
		return d.first
	}
	return failed("directory "+inodeName(i.Number), noOffset, fmt.Errorf("%d places cannot be read, the first: %w", d.count, d.first))
}

// A rawDirent is an entry as a block holds it. Its name aliases the block.
type rawDirent struct {
	name     []byte
	number   uint32
	fileType uint8
}

// entry decodes an entry whose name is a path element.
func (f *FS) entry(raw rawDirent) (dirent, error) {
	if err := f.checkEntry(raw); err != nil {
		return dirent{}, err
	}
	e := dirent{fsys: f, name: vnode.Escape(raw.name), number: raw.number}
	if f.super.incompat(incompatFiletype) && raw.fileType > 0 && int(raw.fileType) < len(fileTypes) {
		e.fileType = fileTypes[raw.fileType]
		return e, nil
	}
	// The entry does not say; its inode does, and if that cannot be read,
	// whoever opens the entry will see why.
	e.fileType = fs.ModeIrregular
	if n, err := e.Node(); err == nil {
		e.fileType = n.Mode().Type()
	}
	return e, nil
}

// checkEntry refuses a name that is no path element, and an inode that no name
// may have.
func (f *FS) checkEntry(raw rawDirent) error {
	const object = "directory entry"
	if !vnode.Valid(raw.name) {
		return corrupt(object, noOffset, "the name %q", raw.name)
	}
	if (raw.number < f.geo.firstInode && raw.number != rootInode) || raw.number > f.geo.inodes {
		return corrupt(object, noOffset, "%q has the inode %d", raw.name, raw.number)
	}
	return nil
}

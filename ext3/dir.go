package ext3

import (
	"bytes"
	"fmt"
	"io/fs"
	"iter"
	"strings"

	"github.com/vmdkfs/vmdkfs/internal/slab"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
)

const (
	// maxNameLength is EXT4_NAME_LEN.
	maxNameLength = 255
	// direntHeader is the part of an entry before its name.
	direntHeader = 8
)

// A dirent is a name in a directory: struct ext4_dir_entry_2, decoded.
type dirent struct {
	fsys     *FS
	name     string // escaped
	number   uint32
	fileType fs.FileMode
}

func (d *dirent) Name() string              { return d.name }
func (d *dirent) Type() fs.FileMode         { return d.fileType }
func (d *dirent) Node() (vnode.Node, error) { return d.fsys.node(d.number) }

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
		var made direntSlab
		for raw, err := range d.inode.entries() {
			if err == nil {
				err = d.inode.checkEntry(raw)
			}
			if err != nil {
				damage.add(err)
			} else if !yield(made.dirent(d.inode, raw), nil) {
				return
			}
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
	if len(want) > maxNameLength || d.inode.shownName(want) != name {
		return nil, fs.ErrNotExist
	}
	if raw, decided := d.inode.fsys.fast.lookup(d.inode.Number, want); decided {
		if raw.number == 0 {
			return nil, fs.ErrNotExist
		}
		return d.inode.entryNode(raw)
	}
	match := d.inode.match(want)
	if raw, ok := d.inode.find(match); ok {
		return d.inode.entryNode(raw)
	}
	var folded *rawDirent // the first entry whose name is another that folds alike
	var damage dirDamage
	for raw, err := range d.inode.entries() {
		switch {
		case err != nil:
			damage.add(err)
		case string(raw.name) == string(want):
			return d.inode.entryNode(raw)
		case match.folded != nil && folded == nil && match.equal(raw.name):
			raw.name = bytes.Clone(raw.name)
			folded = &raw
		}
	}
	if folded != nil {
		return d.inode.entryNode(*folded)
	}
	if err := damage.err(d.inode); err != nil {
		return nil, err
	}
	return nil, fs.ErrNotExist
}

// entryNode returns the node of an entry.
func (i *Inode) entryNode(raw rawDirent) (vnode.Node, error) {
	if err := i.checkEntry(raw); err != nil {
		return nil, err
	}
	return i.fsys.node(raw.number)
}

// shownName returns a name's bytes as UTF-8. Those of an encrypted directory
// may be any, so that a slash and a NUL are escaped as well.
func (i *Inode) shownName(raw []byte) string {
	name := vnode.Escape(raw)
	if i.Flags&flagEncrypt != 0 {
		name = encryptedName.Replace(name)
	}
	return name
}

var encryptedName = strings.NewReplacer("/", `\x2f`, "\x00", `\x00`)

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
	return failed(i.dirObject(), noOffset, fmt.Errorf("%d places cannot be read, the first: %w", d.count, d.first))
}

// A rawDirent is an entry as a block holds it. Its name aliases the block.
type rawDirent struct {
	name     []byte
	number   uint32
	fileType uint8
}

// A direntSlab makes the entries of one directory.
type direntSlab struct {
	entries slab.Of[dirent]
	names   slab.Strings
}

// dirent decodes an entry that was checked.
func (s *direntSlab) dirent(i *Inode, raw rawDirent) *dirent {
	e := s.entries.New()
	e.fsys, e.number = i.fsys, raw.number
	if i.Flags&flagEncrypt != 0 {
		e.name = i.shownName(raw.name)
	} else {
		e.name = vnode.EscapeIn(&s.names, raw.name)
	}
	if i.fsys.super.incompat(incompatFiletype) && raw.fileType > 0 && int(raw.fileType) < len(fileTypes) {
		e.fileType = fileTypes[raw.fileType]
		return e
	}
	// The entry does not say; its inode does, and if that cannot be read,
	// whoever opens the entry will see why.
	e.fileType = fs.ModeIrregular
	if n, err := e.Node(); err == nil {
		e.fileType = n.Mode().Type()
	}
	return e
}

// checkEntry refuses a name that is no path element, and an inode that no name
// may have.
func (i *Inode) checkEntry(raw rawDirent) error {
	if i.Flags&flagEncrypt == 0 && !vnode.Valid(raw.name) {
		return corrupt(i.entryObject(), noOffset, "the name %q", raw.name)
	}
	geo := &i.fsys.geo
	if (raw.number < geo.firstInode && raw.number != rootInode) || raw.number > geo.inodes {
		return corrupt(i.entryObject(), noOffset, "%q has the inode %d", raw.name, raw.number)
	}
	return nil
}

func (i *Inode) entryObject() string { return "entry of " + i.dirObject() }

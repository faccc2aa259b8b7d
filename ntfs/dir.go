package ntfs

import (
	"fmt"
	"io/fs"
	"iter"
	"strings"
	"sync/atomic"

	"github.com/vmdkfs/vmdkfs/internal/cache"
	"github.com/vmdkfs/vmdkfs/internal/slab"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
)

// indexNames is the index of a directory.
const indexNames = "$I30"

// A dirent is a name in a directory. It keeps its record once that was read, as
// a walk asks for it several times.
type dirent struct {
	fsys       *FS
	name       string
	ref        fileRef
	attributes uint32
	record     atomic.Pointer[FileRecord]
}

// Name implements vnode.Entry.
func (d *dirent) Name() string { return d.name }

// Type implements vnode.Entry. The entry itself tells a directory from a file;
// anything else is in the record, and if that cannot be read, whoever opens
// the entry will see why.
func (d *dirent) Type() fs.FileMode {
	switch {
	case d.attributes&(AttributeReparsePoint|AttributeSystem) != 0:
		r, err := d.get()
		if err != nil {
			return fs.ModeIrregular
		}
		return r.mode.Type()
	case d.attributes&attributeIndex != 0:
		return fs.ModeDir
	}
	return 0
}

// IsDir reports whether the entry is a directory: what has no index is none,
// whatever its record makes of it.
func (d *dirent) IsDir() bool { return d.attributes&attributeIndex != 0 && d.Type().IsDir() }

// Node implements vnode.Entry.
func (d *dirent) Node() (vnode.Node, error) {
	r, err := d.get()
	if err != nil {
		return nil, err
	}
	return r.node(), nil
}

func (d *dirent) get() (*FileRecord, error) {
	if r := d.record.Load(); r != nil {
		return r, nil
	}
	r, err := d.fsys.entryRecord(d.ref, d.attributes, d.name)
	if err == nil {
		d.record.Store(r)
	}
	return r, err
}

// entryRecord returns the record that an entry of a directory refers to.
func (f *FS) entryRecord(ref fileRef, attributes uint32, name string) (*FileRecord, error) {
	r, err := f.fileRecord(ref)
	if err != nil {
		return nil, err
	}
	if (attributes&attributeIndex != 0) != (r.Attributes&AttributeDirectory != 0) {
		// A walk would pass over what lies in it.
		return nil, corrupt(recordName(r.Number), noOffset, "it and the entry %q of its directory disagree whether it is a directory", name)
	}
	return r, nil
}

// isHidden reports whether a name is one of a metadata file, which Windows does
// not list: the root's own, and the root's name for itself.
func (r *FileRecord) isHidden(ref fileRef) bool {
	return r.Number == recordRoot && ref.number() < firstUserRecord
}

// Entries yields the names of the directory, in the order of its blocks,
// without short names and metadata files. What is damaged is passed over block
// by block and told at the end, as it is that entries may be elsewhere.
func (d dirNode) Entries() iter.Seq2[vnode.Entry, error] {
	return func(yield func(vnode.Entry, error) bool) {
		var damage dirDamage
		var h cache.Hold
		defer h.Release()
		x, err := d.record.fileFor(&h)
		var ix *index
		if err == nil {
			ix, err = x.index(indexNames)
		}
		if err != nil {
			yield(nil, err)
			return
		}
		var buf [shownNameMost]byte
		var names slab.Strings
		var entries slab.Of[dirent]
		for e, err := range ix.all() {
			var name fileName
			if err == nil {
				name, err = d.record.fileName(e.key())
			}
			switch {
			case err != nil:
				damage.add(err)
			case name.namespace() == namespaceDOS || d.record.isHidden(e.ref()):
			default:
				entry := entries.New()
				entry.fsys, entry.ref, entry.attributes = d.record.fsys, e.ref(), name.attributes()
				entry.name = names.Of(appendShown(buf[:0], name.name()))
				if !yield(entry, nil) {
					return
				}
			}
		}
		if err := d.record.incomplete(); err != nil {
			damage.add(err)
		}
		if damage.count > 0 {
			yield(nil, damage.err(d.record.dirObject()))
		}
	}
}

// fileName decodes the key of an entry.
func (r *FileRecord) fileName(key []byte) (fileName, error) {
	name, err := parseFileName(key)
	if err != nil {
		return nil, corrupt(r.dirObject(), noOffset, "%v", err)
	}
	return name, nil
}

func (r *FileRecord) dirObject() string { return "directory " + recordName(r.Number) }

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

func (d *dirDamage) err(object string) error {
	switch d.count {
	case 0:
		return nil
	case 1:
		return d.first
	}
	return failed(object, noOffset, fmt.Errorf("%d places cannot be read, the first: %w", d.count, d.first))
}

// Lookup returns the node of that name: the name itself, else, unless case
// counts here, one that differs by case only, else a named stream of a file in
// the directory (file:stream) or of the directory (:stream).
func (d dirNode) Lookup(name string) (vnode.Node, error) {
	r, err := d.find(name)
	if err == nil {
		return r.node(), nil
	}
	if err != fs.ErrNotExist {
		return nil, err
	}
	for colon := strings.LastIndexByte(name, ':'); colon >= 0; colon = strings.LastIndexByte(name[:colon], ':') {
		r := d.record
		if colon > 0 {
			r, err = d.find(name[:colon])
			if err == fs.ErrNotExist {
				continue
			}
			if err != nil {
				return nil, err
			}
		}
		n, err := r.stream(name[colon+1:])
		if err != fs.ErrNotExist {
			return n, err
		}
	}
	if err := d.record.incomplete(); err != nil {
		return nil, err
	}
	return nil, fs.ErrNotExist
}

// smallIndex is how many bytes of blocks are read to be sure that a name is not
// there: few reads, for some two thousand names.
const smallIndex = 4 * indexPiece

// find returns the record of a name in the directory. The index is searched.
// Where that does not find the name, it may still be there, out of order: all of
// the index is read if that costs little, or if the search met damage.
func (d dirNode) find(name string) (*FileRecord, error) {
	units, ok := storedName(name)
	if !ok || len(units) == 0 {
		return nil, fs.ErrNotExist
	}
	var h cache.Hold
	defer h.Release()
	x, err := d.record.fileFor(&h)
	if err != nil {
		return nil, err
	}
	ix, err := x.index(indexNames)
	if err != nil {
		return nil, err
	}
	want := wantedName{units: units, exactOnly: d.record.caseSensitive || d.record.fsys.caseSensitive}
	if want.table, err = d.record.fsys.upCase(); err == nil {
		err = ix.search(want.compare, func(e indexEntry) bool { return !want.take(e) })
	}
	if !want.found && (err != nil || ix.size() <= smallIndex) {
		err = want.scan(ix, err)
	}
	switch {
	case want.found && d.record.Number == recordRoot && want.ref.number() == recordRoot:
		return nil, fs.ErrNotExist
	case want.found:
		return d.record.fsys.entryRecord(want.ref, want.attributes, name)
	case err != nil:
		return nil, err
	}
	return nil, fs.ErrNotExist
}

// A wantedName is a name that is looked for, and the best entry so far: one of
// that very name counts more than one that differs by case.
type wantedName struct {
	units     []uint16
	table     *upCase // nil when it cannot be read: then only the very name is found
	exactOnly bool

	found      bool
	ref        fileRef
	attributes uint32
}

func (w *wantedName) compare(key []byte) (int, error) {
	stored, err := parseFileName(key)
	if err != nil {
		return 0, err
	}
	return w.table.compare(w.units, stored.name()), nil
}

// take takes the entry of an equal name, and reports whether it is the very
// name.
func (w *wantedName) take(e indexEntry) bool {
	stored := fileName(e.key())
	exact := equal(w.units, stored.name())
	if exact || !w.found && !w.exactOnly {
		w.ref, w.attributes, w.found = e.ref(), stored.attributes(), true
	}
	return exact
}

// scan goes through all names of a directory. Without $UpCase, by which they
// are in order, that is all that can be done. The error is what was already
// known of the damage, or what of the directory could not be read: the name may
// be there.
func (w *wantedName) scan(ix *index, damage error) error {
	for e, err := range ix.all() {
		if err != nil {
			if damage == nil {
				damage = err
			}
			continue
		}
		stored, err := parseFileName(e.key())
		if err != nil {
			if damage == nil {
				damage = corrupt(ix.x.name(), noOffset, "%v", err)
			}
			continue
		}
		if w.table != nil && w.table.compare(w.units, stored.name()) == 0 || w.table == nil && equal(w.units, stored.name()) {
			if w.take(e) {
				break
			}
		}
	}
	return damage
}

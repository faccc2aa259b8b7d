package fat

import (
	"io/fs"
	"iter"
	"strings"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
)

// Limits of directories.
const (
	maxDirectory = 65536 * recordSize // fatgen103: so many records have a directory, FAT32's root too
	maxDepth     = 256                // 260 characters have a path in Windows; a cycle needs more than any depth
)

// A dirNode is a directory.
type dirNode struct {
	*Entry
	fsys  *FS
	above *dirNode // nil for the root
	depth int
}

func (d *dirNode) Sys() any { return d.Entry }

// path returns the directory's name in errors.
func (d *dirNode) object() string {
	if d.above == nil {
		return "root directory"
	}
	return "directory " + d.Name()
}

// A fixed is the place of the root directory of FAT12 and FAT16. It implements
// extent.Mapper.
type fixed extent.Run

func (r fixed) Map(int64) (extent.Run, error) { return extent.Run(r), nil }

// content returns where the directory's records lie, how many bytes they are,
// and why there may be more.
func (d *dirNode) content() (m extent.Mapper, size int64, broken error) {
	g := &d.fsys.geo
	if d.above == nil && g.bits != 32 {
		return fixed{Length: g.rootSize, Physical: g.root}, g.rootSize, nil
	}
	c := d.fsys.chain(d.object(), d.Cluster, (maxDirectory+g.clusterSize-1)/g.clusterSize, true)
	return c, int64(c.length) * g.clusterSize, c.err
}

// records yields the records that are entries, with their long names and their
// places in the directory, then at most one error.
func (d *dirNode) records() iter.Seq2[*located, error] {
	return func(yield func(*located, error) bool) {
		m, size, broken := d.content()
		r := extent.NewReader(m, size, metadata{d.fsys})
		var long longNamer
		for off := int64(0); off < size; off += metadataPiece {
			piece, err := ondisk.Read(r, off, min(metadataPiece, size-off))
			if err != nil {
				yield(nil, failed(d.object(), noOffset, err))
				return
			}
			for at := 0; at+recordSize <= len(piece); at += recordSize {
				rec := (*record)(piece[at:])
				switch {
				case rec[0] == recordEnd:
					return // whatever the rest of the chain is, it holds nothing
				case rec[0] == recordDeleted:
					long.parts = 0
				case rec.attr().isLongName():
					long.add(rec)
				default:
					e := &located{record: rec, long: long.take(rec), at: off + int64(at), in: m}
					if !yield(e, nil) {
						return
					}
				}
			}
		}
		if broken != nil {
			yield(nil, broken)
		}
	}
}

// A located is a record with its surroundings.
type located struct {
	*record
	long []uint16 // valid until the next record is asked for
	at   int64    // in the directory
	in   extent.Mapper
}

// Entries implements vnode.Dir. A name that cannot be part of a path keeps its
// entry from being listed, which is an error.
func (d *dirNode) Entries() iter.Seq2[vnode.Entry, error] {
	return func(yield func(vnode.Entry, error) bool) {
		var failure error
		for l, err := range d.records() {
			if err != nil {
				failure = err
				break
			}
			if l.isDots() || l.attr()&VolumeID != 0 {
				continue
			}
			e := d.fsys.newEntry(l)
			if !vnode.Valid([]byte(e.name)) {
				failure = corrupt(d.object(), noOffset, "an entry has the name %q", e.name)
				continue
			}
			if !yield(listed{d, e}, nil) {
				return
			}
		}
		if failure != nil {
			yield(nil, failure)
		}
	}
}

// Lookup implements vnode.Dir. Names that differ in case only are one name in
// FAT, and an entry with a long name is found by its short one too; what
// matches to the letter comes first.
func (d *dirNode) Lookup(name string) (vnode.Node, error) {
	var second *listed
	for e, err := range d.Entries() {
		if err != nil {
			if second != nil {
				return second.Node()
			}
			return nil, err
		}
		l := e.(listed)
		if l.entry.name == name {
			return l.Node()
		}
		if second == nil && (strings.EqualFold(l.entry.name, name) || strings.EqualFold(l.entry.alias, name)) {
			second = &l
		}
	}
	if second != nil {
		return second.Node()
	}
	return nil, fs.ErrNotExist
}

// A listed is an entry of a directory.
type listed struct {
	dir   *dirNode
	entry *Entry
}

func (l listed) Name() string      { return l.entry.name }
func (l listed) Type() fs.FileMode { return l.entry.Mode().Type() }

// Node implements vnode.Entry. A directory that lies in itself is refused:
// nothing would end a walk.
func (l listed) Node() (vnode.Node, error) {
	if l.entry.Attributes&Directory == 0 {
		return fileNode{l.entry, l.dir.fsys}, nil
	}
	d := &dirNode{l.entry, l.dir.fsys, l.dir, l.dir.depth + 1}
	if d.depth > maxDepth {
		return nil, corrupt(d.object(), noOffset, "it lies more than %d directories deep", maxDepth)
	}
	for up := l.dir; up != nil; up = up.above {
		if up.Cluster == d.Cluster {
			return nil, corrupt(d.object(), noOffset, "it lies in itself: cluster %d is that of a directory above", d.Cluster)
		}
	}
	return d, nil
}

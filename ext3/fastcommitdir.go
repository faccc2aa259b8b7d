package ext3

import (
	"cmp"
	"iter"
	"slices"

	"github.com/vmdkfs/vmdkfs/internal/vnode"
)

// A fastDir is a directory that fast commits changed. Its names count more than
// those that the directory has on the disk.
type fastDir struct {
	fresh bool                 // made by a fast commit: it has no entries on the disk
	names map[string]rawDirent // number 0 where a name was removed
	added []rawDirent          // the others, ordered by name

	// While commits are replayed: those of the names that their records
	// have, which are on the disk.
	base map[string]rawDirent
}

// lookup returns the entry of a name, if fast commits decided about it.
func (d *fastDir) lookup(name []byte) (entry rawDirent, decided bool) {
	entry, decided = d.names[string(name)]
	return entry, decided || d.fresh
}

// over yields the entries of the directory, given those on the disk.
func (d *fastDir) over(disk iter.Seq2[rawDirent, error]) iter.Seq2[rawDirent, error] {
	return func(yield func(rawDirent, error) bool) {
		if !d.fresh {
			for raw, err := range disk {
				if err == nil {
					if _, decided := d.names[string(raw.name)]; decided {
						continue
					}
				}
				if !yield(raw, err) {
					return
				}
			}
		}
		for _, raw := range d.added {
			if !yield(raw, nil) {
				return
			}
		}
	}
}

// finish ends the replay.
func (d *fastDir) finish() {
	for _, raw := range d.names {
		if raw.number != 0 {
			d.added = append(d.added, raw)
		}
	}
	slices.SortFunc(d.added, func(a, b rawDirent) int { return cmp.Compare(string(a.name), string(b.name)) })
	d.base = nil
}

// entry returns the current entry of a name while commits are replayed.
func (d *fastDir) entry(name []byte) (rawDirent, bool) {
	raw, decided := d.lookup(name)
	if !decided {
		raw = d.base[string(name)]
	}
	return raw, raw.number != 0
}

// set gives a name to an inode, or takes it away when that is 0.
func (d *fastDir) set(name []byte, number uint32, fileType uint8) {
	d.names[string(name)] = rawDirent{name: name, number: number, fileType: fileType}
}

// dir returns a directory that is about to be changed, or nil when its inode is
// deleted. Of its entries on the disk those are looked for that records have
// names of: one reading of the directory, whatever their number.
func (r *fastReplay) dir(number uint32) (*fastDir, error) {
	inode, err := r.inode(number)
	if inode == nil || err != nil {
		return nil, err
	}
	d := r.dirs[number]
	switch {
	case inode.RawMode&modeType != modeDir:
		return nil, corrupt(journalObject, noOffset, "a fast commit has a name in inode %d, which is no directory", number)
	case inode.Flags&(flagCasefold|flagEncrypt) != 0:
		// Which entry such a name means depends on tables and keys that are
		// not here. The kernel makes no fast commit of an encrypted name.
		return nil, unsupported(journalObject, "fast commits in a casefolded or encrypted directory, inode %d", number)
	case d != nil:
		return d, nil
	}
	d = &fastDir{names: make(map[string]rawDirent), base: make(map[string]rawDirent)}
	for raw, err := range inode.entries() {
		if err != nil {
			// Whoever lists the directory is told. An entry that is lost
			// with its block need not be removed.
			continue
		}
		if _, wanted := r.wanted[fastName{number, string(raw.name)}]; wanted {
			d.base[string(raw.name)] = rawDirent{number: raw.number} // its name is overwritten by the next block
		}
	}
	r.dirs[number] = d
	return d, nil
}

// direntTypes are the file types of entries, by the type bits of i_mode.
var direntTypes = [16]uint8{modeRegular >> 12: 1, modeDir >> 12: 2, modeChar >> 12: 3, modeBlock >> 12: 4,
	modeFIFO >> 12: 5, modeSocket >> 12: 6, modeSymlink >> 12: 7}

// A fastName is a name that a record is about.
type fastName struct {
	parent uint32
	name   string
}

// checkName refuses a name that no record may have.
func checkName(name []byte) error {
	if !vnode.Valid(name) {
		return corrupt(journalObject, noOffset, "a fast commit has the name %q", name)
	}
	return nil
}

package vmdk

import (
	"fmt"

	"github.com/vmdkfs/vmdkfs/layer"
)

// maxScan is how many entries of a table are looked at for one answer. It
// makes runs long without making a read of one sector slow.
const maxScan = 256

// A state is what a table says of a grain.
type state uint8

const (
	absent  state = iota // never written: it is the parent's, or zeros
	zeroed               // zeros, whatever the parent holds
	stored               // in the file
	damaged              // nonsense
)

// An entry is what a table says of a grain, and where a stored one begins in
// the file, in bytes; of a damaged one, where it claims to be.
type entry struct {
	state    state
	physical int64
}

// A tableFormat decodes the entries of the grain directory and of the grain
// tables. Sizes and places are in bytes.
type tableFormat interface {
	// width is the size of an entry.
	width() int64
	// table returns where the table lies that an entry of the directory
	// names, as a stored entry.
	table(raw []byte) entry
	// grain decodes an entry of a table.
	grain(raw []byte) entry
}

// tables are the grain directory and the grain tables of an extent. There may
// be two of each, of which the redundant one steps in for what is damaged in
// the other.
type tables struct {
	metadata
	format    tableFormat
	directory int64 // in bytes of the file
	redundant int64 // likewise; 0 when there is none
	perTable  int64 // entries, which are one for each grain
	grains    int64 // in all
	found     *scan // takes the place of all of these; nil where there is a directory
	warnings  *warnings
}

// A window is a part of a grain table, of which first is the first grain. It
// has one entry at least.
type window struct {
	*tables
	first, n        int64
	main, redundant []byte    // entries; nil where there is no table
	scanned         []scanned // the grains, all of which are stored, where there are no tables
	none            bool      // no table says anything: all are absent
	broken          error     // why no table can be used
}

// window returns the part of the tables that begins with grain g.
func (t *tables) window(g int64) (window, error) {
	if t.found != nil {
		return t.found.window(t, g), nil
	}
	index := g / t.perTable
	w := window{tables: t, first: g, n: min(t.perTable-g%t.perTable, t.grains-g)}
	main, skip, err := t.find(t.directory, index)
	if err != nil {
		return w, err
	}
	if t.redundant != 0 {
		second, skipSecond, err := t.find(t.redundant, index)
		if err != nil {
			return w, err
		}
		skip = min(skip, skipSecond)
		if main.state != second.state && second.state != absent {
			if main.state != stored && second.state == stored {
				t.warn(t.directory, "entry %d of the grain directory is damaged; the redundant one is used", index)
				main = entry{}
			} else if second.state == damaged {
				t.warn(t.redundant, "entry %d of the redundant grain directory is damaged", index)
			}
		}
		if second.state == stored {
			if w.redundant, err = t.entries(second, g); err != nil {
				return w, err
			}
		}
	}
	switch main.state {
	case stored:
		if w.main, err = t.entries(main, g); err != nil {
			return w, err
		}
	case damaged:
		w.broken = t.corrupt(t.directory+index*t.format.width(), "entry %d of the grain directory puts its table at byte %d of a file of %d", index, main.physical, t.file.size)
		return w, nil
	}
	if main.state != stored && w.redundant == nil {
		w.none = true
		w.n = min(w.n+skip*t.perTable, t.grains-g)
		return w, nil
	}
	for _, part := range [][]byte{w.main, w.redundant} {
		if len(part) > 0 {
			w.n = min(w.n, int64(len(part))/t.format.width())
		}
	}
	if len(w.main)+len(w.redundant) == 0 {
		w.n = 1
		w.broken = t.corrupt(main.physical, "the grain table of grain %d lies behind the end of the file", g)
	}
	return w, nil
}

// find decodes an entry of the directory at byte off, and counts how many of
// those behind it name no table either, as far as is known at once.
func (t *tables) find(off, index int64) (e entry, empty int64, err error) {
	width := t.format.width()
	off += index * width
	raw, err := t.from(off)
	if err != nil {
		return entry{}, 0, err
	}
	if int64(len(raw)) < width {
		return entry{damaged, off}, 0, nil
	}
	e = t.format.table(raw)
	if e.state != absent {
		return e, 0, nil
	}
	for empty = 1; (empty+1)*width <= int64(len(raw)); empty++ {
		if t.format.table(raw[empty*width:]).state != absent {
			break
		}
	}
	return e, empty - 1, nil
}

// entries returns the entries from grain g on of the table that begins at
// table.
func (t *tables) entries(table entry, g int64) ([]byte, error) {
	raw, err := t.from(table.physical + g%t.perTable*t.format.width())
	if err != nil || int64(len(raw)) < t.format.width() {
		return nil, err
	}
	return raw, nil
}

// at returns the entry of the i-th grain of the window.
func (w *window) at(i int64) entry {
	width := w.format.width()
	switch {
	case w.none:
		return entry{}
	case w.broken != nil:
		return entry{state: damaged}
	case w.scanned != nil:
		return entry{stored, w.scanned[i].off}
	case w.redundant == nil:
		return w.format.grain(w.main[i*width:])
	case w.main == nil:
		return w.format.grain(w.redundant[i*width:])
	}
	return w.choose(i, w.format.grain(w.main[i*width:]), w.format.grain(w.redundant[i*width:]))
}

// choose returns which of two tables is right of the i-th grain. The second is
// right where the first is damaged, or empty where the second knows of a grain:
// a table that was wiped looks empty. Where both know of another grain, neither
// is.
func (w *window) choose(i int64, main, second entry) entry {
	switch {
	case main == second || second.state == damaged || main.state == zeroed:
		return main
	case main.state == stored && second.state == stored:
		return entry{damaged, main.physical}
	case main.state == stored:
		return main
	}
	w.warn(-1, "the grain table of grain %d is damaged; the redundant one is used", w.first+i)
	return second
}

func (t *tables) warn(off int64, format string, args ...any) {
	t.warnings.add(layer.Errorf(nil, "vmdk", t.file.path, off, format, args...))
}

func (t *tables) corrupt(off int64, format string, args ...any) error {
	return layer.Errorf(layer.ErrCorrupt, "vmdk", t.file.path, off, format, args...)
}

// damage is why the i-th grain of the window cannot be read.
func (w *window) damage(i int64) error {
	if w.broken != nil {
		return w.broken
	}
	claim := fmt.Sprintf("grain %d is put at byte %d", w.first+i, w.at(i).physical)
	return w.corrupt(-1, "%s, where none can be, or the two grain tables differ", claim)
}

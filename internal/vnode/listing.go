package vnode

import (
	"io/fs"
	"iter"
	"time"
)

// A Listing is a directory whose entries are known when it is made, as those
// of a partition table are. It is complete before it is first read.
type Listing struct {
	Modified time.Time
	About    any   // what Sys returns
	Broken   error // why there may be more entries than are known; nil if there are not
	entries  []listed
	byName   map[string]Node
}

// Add appends an entry.
func (l *Listing) Add(name string, node Node) {
	if l.byName == nil {
		l.byName = make(map[string]Node)
	}
	l.entries = append(l.entries, listed{name, node})
	l.byName[name] = node
}

func (l *Listing) Mode() fs.FileMode  { return fs.ModeDir | 0o555 }
func (l *Listing) Size() int64        { return 0 }
func (l *Listing) ModTime() time.Time { return l.Modified }
func (l *Listing) Sys() any           { return l.About }

// Lookup implements Dir. Where there may be entries that are not known, it
// does not claim that one does not exist.
func (l *Listing) Lookup(name string) (Node, error) {
	if node, ok := l.byName[name]; ok {
		return node, nil
	}
	if l.Broken != nil {
		return nil, l.Broken
	}
	return nil, fs.ErrNotExist
}

// Entries implements Dir.
func (l *Listing) Entries() iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for _, e := range l.entries {
			if !yield(e, nil) {
				return
			}
		}
		if l.Broken != nil {
			yield(nil, l.Broken)
		}
	}
}

// A listed is an entry of a Listing.
type listed struct {
	name string
	node Node
}

func (e listed) Name() string        { return e.name }
func (e listed) Type() fs.FileMode   { return e.node.Mode().Type() }
func (e listed) Node() (Node, error) { return e.node, nil }

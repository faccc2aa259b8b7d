package hive

import (
	"io/fs"
	"iter"
	"strings"
	"unicode"
)

// Places in the cell of a key, and its fixed size.
const (
	keyFlags       = 2
	keyWritten     = 4
	keySubkeyCount = 20
	keySubkeys     = 28
	keyValueCount  = 36
	keyValues      = 40
	keyNameLength  = 72
	keyName        = 76

	flagLatin1 = 0x20 // the name has one byte for a character
	maxName    = 1 << 16
)

// A Key is a key of a hive.
type Key struct {
	Name string

	hive        *Hive
	cell        cell
	subkeyCount uint32
	subkeys     uint32
	valueCount  uint32
	values      uint32
}

// Root returns the key at the root of the hive, whose name means nothing.
func (h *Hive) Root() (*Key, error) { return h.key(h.base.root()) }

// Key returns the key at a path from the root, elements of which are separated
// by backslashes; case does not matter. A key that is not there is
// fs.ErrNotExist.
func (h *Hive) Key(path string) (*Key, error) {
	k, err := h.Root()
	for elem := range strings.SplitSeq(path, `\`) {
		if err != nil {
			return nil, err
		}
		k, err = k.Subkey(elem)
	}
	return k, err
}

// key decodes the key at an offset.
func (h *Hive) key(offset uint32) (*Key, error) {
	c, err := h.cell(offset, keyName, keyName+maxName)
	if err != nil {
		return nil, err
	}
	if c.kind() != "nk" {
		return nil, c.corrupt("a cell %q where a key should be", c.kind())
	}
	k := &Key{hive: h, cell: c, subkeyCount: c.u32(keySubkeyCount), subkeys: c.u32(keySubkeys),
		valueCount: c.u32(keyValueCount), values: c.u32(keyValues)}
	n := int(c.u16(keyNameLength))
	if n > len(c.data)-keyName {
		return nil, c.corrupt("a key with a name of %d bytes", n)
	}
	k.Name = text(c.data[keyName:][:n], c.u16(keyFlags)&flagLatin1 != 0)
	return k, nil
}

// Subkey returns the key of that name in k, whatever its case, or
// fs.ErrNotExist.
func (k *Key) Subkey(name string) (*Key, error) {
	// The hashes in a list say which keys are worth reading; what they miss
	// is looked for in all.
	hash := hashOf(name)
	for _, all := range []bool{false, true} {
		for ref, err := range k.references() {
			if err != nil {
				return nil, err
			}
			if !all && ref.hashed && ref.hash != hash {
				continue
			}
			sub, err := k.hive.key(ref.offset)
			if err != nil {
				return nil, err
			}
			if strings.EqualFold(sub.Name, name) {
				return sub, nil
			}
		}
	}
	return nil, fs.ErrNotExist
}

// Subkeys yields the keys in k, in the order of the hive, then at most one
// error.
func (k *Key) Subkeys() iter.Seq2[*Key, error] {
	return func(yield func(*Key, error) bool) {
		for ref, err := range k.references() {
			var sub *Key
			if err == nil {
				sub, err = k.hive.key(ref.offset)
			}
			if !yield(sub, err) || err != nil {
				return
			}
		}
	}
}

// A reference is an element of a list of keys.
type reference struct {
	offset uint32
	hash   uint32
	hashed bool // the list has hashes
}

// listHeader is what stands before the elements of a list: its kind and their
// number.
const listHeader = 4

// references yields the elements of the list of k's keys.
func (k *Key) references() iter.Seq2[reference, error] {
	return func(yield func(reference, error) bool) {
		left := k.subkeyCount
		for list, err := range k.lists() {
			if err != nil {
				yield(reference{}, err)
				return
			}
			for at := listHeader; at < len(list.data); at += list.elementSize() {
				if left == 0 {
					yield(reference{}, list.corrupt("more keys than the %d that the key above announces", k.subkeyCount))
					return
				}
				left--
				ref := reference{offset: list.u32(at), hashed: list.kind() == "lh"}
				if ref.hashed {
					ref.hash = list.u32(at + 4)
				}
				if !yield(ref, nil) {
					return
				}
			}
		}
		if left != 0 {
			yield(reference{}, k.cell.corrupt("a key announces %d keys, and its list has %d fewer", k.subkeyCount, left))
		}
	}
}

// lists yields the lists of keys that k has, none of which is empty, then at
// most one error.
func (k *Key) lists() iter.Seq2[cell, error] {
	return func(yield func(cell, error) bool) {
		if k.subkeyCount == 0 {
			return
		}
		// A key takes its fixed size at least. More of them than the hive has
		// room for are a loop.
		if int64(k.subkeyCount) > k.hive.size/keyName {
			yield(cell{}, k.cell.corrupt("a key with %d keys", k.subkeyCount))
			return
		}
		top, err := k.hive.list(k.subkeys)
		if err != nil || top.kind() != "ri" {
			yield(top, err)
			return
		}
		for at := listHeader; at < len(top.data); at += top.elementSize() {
			below, err := k.hive.list(top.u32(at))
			switch {
			case err != nil:
			case below.kind() == "ri":
				err = below.corrupt("a list of lists in another one")
			case len(below.data) == listHeader:
				err = below.corrupt("an empty list of keys")
			}
			if !yield(below, err) || err != nil {
				return
			}
		}
	}
}

// list returns the cell of a list of keys or lists, cut to its elements.
func (h *Hive) list(offset uint32) (cell, error) {
	const maxList = 1 << 19 // 65535 elements of eight bytes
	c, err := h.cell(offset, listHeader, maxList+listHeader)
	if err != nil {
		return c, err
	}
	if c.elementSize() == 0 {
		return c, c.corrupt("a cell %q where a list of keys should be", c.kind())
	}
	n := int(c.u16(2)) * c.elementSize()
	if n > len(c.data)-listHeader {
		return c, c.corrupt("a list of %d elements", c.u16(2))
	}
	c.data = c.data[:listHeader+n]
	return c, nil
}

// elementSize returns the bytes of an element of a list; 0 of what is none.
func (c cell) elementSize() int {
	switch c.kind() {
	case "lf", "lh":
		return 8
	case "li", "ri":
		return 4
	}
	return 0
}

// hashOf returns the hash of a name in a list "lh".
func hashOf(name string) (hash uint32) {
	for _, c := range name {
		hash = hash*37 + uint32(unicode.ToUpper(c))
	}
	return hash
}

package ntfs

import "errors"

var errDisorder = errors.New("its keys are not in order")

// search goes down the tree to the keys for which compare returns 0, and calls
// found with each of them until it returns false. compare tells how what is
// looked for stands to a key; several keys may be equal to it. Keys that are not
// in order in a node that it passes are an error.
func (ix *index) search(compare func(key []byte) (int, error), found func(e indexEntry) bool) error {
	s := indexSearch{index: ix, compare: compare, found: found}
	_, err := s.node(ix.root, noBlock, 0)
	return err
}

// An indexSearch is one search.
type indexSearch struct {
	*index
	compare func(key []byte) (int, error)
	found   func(e indexEntry) bool
	visited map[int64]struct{} // blocks; one that is met again is a cycle
}

// node searches a node and what is below it, and reports whether to go on.
func (s *indexSearch) node(entries []byte, block int64, depth int) (more bool, err error) {
	list := indexEntries{rest: entries}
	for list.advance() {
		order := -1 // before the last entry, which has no key
		if !list.isLast() {
			if order, err = s.compare(list.key()); err != nil {
				return false, s.badNode(block, err)
			}
		}
		if order > 0 {
			continue
		}
		if list.flags()&entryHasChild != 0 {
			if more, err = s.descend(list.child(), block, depth); !more || err != nil {
				return false, err
			}
		}
		if order < 0 {
			return true, s.inOrder(list, block)
		}
		if !s.found(list.indexEntry) {
			return false, nil
		}
	}
	if list.err != nil {
		return false, s.badNode(block, list.err)
	}
	return true, nil
}

// inOrder fails when a key of the rest of a node does not stand behind what is
// looked for.
func (s *indexSearch) inOrder(rest indexEntries, block int64) error {
	for rest.advance() && !rest.isLast() {
		order, err := s.compare(rest.key())
		if err == nil && order >= 0 {
			err = errDisorder
		}
		if err != nil {
			return s.badNode(block, err)
		}
	}
	if rest.err != nil {
		return s.badNode(block, rest.err)
	}
	return nil
}

// descend searches the block at a VCN, a child of a node at depth.
func (s *indexSearch) descend(vcn uint64, parent int64, depth int) (more bool, err error) {
	n, err := s.childBlock(vcn)
	if err != nil {
		return false, err
	}
	if _, again := s.visited[n]; again {
		return false, corrupt(s.x.name(), noOffset, "index block %d: it is below itself", n)
	}
	if depth == maxIndexDepth {
		return false, corrupt(s.x.name(), noOffset, "index block %d: more than %d levels", n, maxIndexDepth)
	}
	if s.visited == nil {
		s.visited = make(map[int64]struct{})
	}
	s.visited[n] = struct{}{}
	entries, err := s.block(n, make([]byte, s.blockSize))
	if err != nil {
		return false, err
	}
	return s.node(entries, n, depth+1)
}

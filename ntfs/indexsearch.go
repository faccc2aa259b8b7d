package ntfs

// search goes down the tree to the keys for which compare returns 0, and calls
// found with each of them until it returns false. compare tells how what is
// looked for stands to a key; several keys may be equal to it.
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
			return true, nil
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

// descend searches the block at a VCN, a child of a node at depth.
func (s *indexSearch) descend(vcn uint64, parent int64, depth int) (more bool, err error) {
	n, err := s.childBlock(vcn)
	if err != nil {
		return false, err
	}
	if _, again := s.visited[n]; again || depth == maxIndexDepth {
		return false, corrupt(s.x.name(), noOffset, "index block %d: it is below itself, or too deep", n)
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

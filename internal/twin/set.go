package twin

// A page of a Set has pageSize numbers.
const (
	pageWords = 64
	pageSize  = 64 * pageWords
)

// A Set is a set of numbers. It takes memory for what is in it, and little for
// what may be: an image can claim four thousand million inodes.
type Set struct{ pages []*[pageWords]uint64 }

// Has reports whether a number is in the set.
func (s *Set) Has(number uint32) bool {
	page := number / pageSize
	if uint64(page) >= uint64(len(s.pages)) || s.pages[page] == nil {
		return false
	}
	return s.pages[page][number/64%pageWords]>>(number%64)&1 != 0
}

// Add puts a number into the set.
func (s *Set) Add(number uint32) {
	page := int(number / pageSize)
	if page >= len(s.pages) {
		s.pages = append(s.pages, make([]*[pageWords]uint64, page+1-len(s.pages))...)
	}
	if s.pages[page] == nil {
		s.pages[page] = new([pageWords]uint64)
	}
	s.pages[page][number/64%pageWords] |= 1 << (number % 64)
}

// Remove takes a number out of the set, if it is in it.
func (s *Set) Remove(number uint32) {
	if s.Has(number) {
		s.pages[number/pageSize][number/64%pageWords] &^= 1 << (number % 64)
	}
}

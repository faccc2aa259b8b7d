package vmdk

import (
	"slices"
	"sync"
)

// maxWarnings bounds what is kept to tell. A damaged table has as many
// entries to complain of as it likes.
const maxWarnings = 100

// warnings are what a caller should know of a disk that is readable all the
// same. Some are found when the disk is opened, others when it is read.
type warnings struct {
	mu   sync.Mutex
	list []error
	seen map[string]bool
}

// add adds one, once.
func (w *warnings) add(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := err.Error()
	if w.seen[text] || len(w.list) >= maxWarnings {
		return
	}
	if w.seen == nil {
		w.seen = make(map[string]bool)
	}
	w.seen[text] = true
	w.list = append(w.list, err)
}

func (w *warnings) all() []error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.list)
}

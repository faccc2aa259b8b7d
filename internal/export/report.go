package export

import (
	"crypto/rand"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
)

// notes counts what could not be kept, by its text, so that it is said once.
type notes struct {
	mu    sync.Mutex
	files map[string]int
}

func (n *notes) add(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.files == nil {
		n.files = make(map[string]int)
	}
	n.files[text]++
}

// tell calls f for every note, in the order of their texts.
func (n *notes) tell(f func(text string, files int)) {
	texts := make([]string, 0, len(n.files))
	for text := range n.files {
		texts = append(texts, text)
	}
	slices.Sort(texts)
	for _, text := range texts {
		if f != nil {
			f(text, n.files[text])
		}
	}
}

// temp makes names for files that are not complete.
type temp struct {
	prefix string
	count  *atomic.Uint64
}

func newTemp() temp { return temp{".vmdkfs-" + rand.Text()[:8] + "-", new(atomic.Uint64)} }

func (t temp) name() string { return t.prefix + strconv.FormatUint(t.count.Add(1), 36) }

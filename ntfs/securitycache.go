package ntfs

import "sync"

// securityBudget is how many bytes of descriptors a volume keeps in words. A
// volume has a few hundred that differ, and each of its files one of them.
const securityBudget = 1 << 20

// A securityCache keeps descriptors in words: by their ID in $Secure, and by
// their bytes, for files that have their own.
type securityCache struct {
	mu    sync.RWMutex
	byID  map[uint32]*Security
	byRaw map[string]*Security
	used  int
}

// ofID returns the descriptor of an ID, which nobody may change, nil when it is
// not kept.
func (c *securityCache) ofID(id uint32) *Security {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.byID[id]
}

// ofRaw is ofID for a descriptor as it is stored.
func (c *securityCache) ofRaw(raw []byte) *Security {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.byRaw[string(raw)]
}

// keep keeps the words for a descriptor, which nobody changes any more: for its
// ID, or without one (0) for its bytes. When there are too many, it forgets those that it has.
func (c *securityCache) keep(id uint32, raw []byte, s *Security) {
	c.mu.Lock()
	defer c.mu.Unlock()
	size := len(raw) + len(s.Owner) + len(s.Group) + len(s.DACL) + len(s.SACL) + len(s.SDDL)
	if c.byID == nil || c.used+size > securityBudget {
		c.byID, c.byRaw, c.used = make(map[uint32]*Security), make(map[string]*Security), 0
	}
	c.used += size
	if id != 0 {
		c.byID[id] = s
	} else {
		c.byRaw[string(raw)] = s
	}
}

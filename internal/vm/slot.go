package vm

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// adapters are the kinds of controller that disks are attached to, in the
// order in which their disks are listed.
var adapters = []string{"scsi", "sata", "nvme", "ide"}

// A slot is where a disk is attached: scsi0:1 is unit 1 of bus 0.
type slot struct {
	adapter   int // in adapters
	bus, unit int
}

// maxSlot is above every bus and unit number that there is: 0 to 3, and 0 to
// 254 on an NVMe controller.
const maxSlot = 1 << 10

// parseSlot decodes "scsi0:1".
func parseSlot(s string) (slot, bool) {
	for i, name := range adapters {
		rest, ok := strings.CutPrefix(strings.ToLower(s), name)
		if !ok {
			continue
		}
		bus, unit, _ := strings.Cut(rest, ":")
		b, errBus := strconv.ParseUint(bus, 10, 16)
		u, errUnit := strconv.ParseUint(unit, 10, 16)
		return slot{i, int(b), int(u)}, errBus == nil && errUnit == nil && b < maxSlot && u < maxSlot
	}
	return slot{}, false
}

// controller returns the name of the controller: "scsi0".
func (s slot) controller() string { return fmt.Sprintf("%s%d", adapters[s.adapter], s.bus) }

func (s slot) String() string { return fmt.Sprintf("%s:%d", s.controller(), s.unit) }

func (s slot) compare(t slot) int {
	return cmp.Or(cmp.Compare(s.adapter, t.adapter), cmp.Compare(s.bus, t.bus), cmp.Compare(s.unit, t.unit))
}

// slots returns the slots that the keys of d name, in order.
func (d dictionary) slots() []slot {
	seen := make(map[slot]bool)
	var list []slot
	for key := range d {
		name, _, _ := strings.Cut(key, ".")
		if s, ok := parseSlot(name); ok && !seen[s] {
			seen[s] = true
			list = append(list, s)
		}
	}
	slices.SortFunc(list, slot.compare)
	return list
}

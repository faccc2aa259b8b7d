package lvm

import (
	"maps"
	"slices"
	"strings"

	"github.com/vmdkfs/vmdkfs/layer"
)

// A family is PVs that belong together: of no two the UUIDs are equal.
type family []int // indexes of PVs, in their order

// families divides the PVs that have labels into families. It is one, unless a
// disk and its clone are both there. Then the PVs that groups join with the
// cloned ones are told apart by what they know of each other: the disk that
// they are on, and the metadata that they have. When neither tells, the first
// PV of each UUID is taken to go with the first of the others, and so on, as
// long as there are as many of each. What remains undecided is left out, and
// said.
func (s *pvSet) families() []family {
	byUUID := make(map[string]family)
	for i, label := range s.labels {
		if label != nil {
			byUUID[label.UUID] = append(byUUID[label.UUID], i)
		}
	}
	var all []family
	plain := family{}
	for _, uuids := range s.related(byUUID) {
		cloned := false
		var members family
		for _, uuid := range uuids {
			members = append(members, byUUID[uuid]...)
			cloned = cloned || len(byUUID[uuid]) > 1
		}
		slices.Sort(members)
		if !cloned {
			plain = append(plain, members...)
			continue
		}
		list, how := s.tellApart(members)
		switch {
		case list == nil:
			s.damaged(failure(layer.ErrCorrupt, s.names(members), -1,
				"a disk and its clone, and nothing tells which of these physical volumes belong together"))
			continue
		default:
			s.notice(nil, members[0], -1, "PVs with the same UUID: %s are told apart by %s", s.names(members), how)
		}
		all = append(all, list...)
	}
	slices.Sort(plain)
	if len(plain) > 0 {
		all = append([]family{plain}, all...)
	}
	return all
}

// names lists PVs for an error.
func (s *pvSet) names(list family) string {
	var names []string
	for _, i := range list {
		names = append(names, s.pvs[i].Name)
	}
	return strings.Join(names, ", ")
}

// related returns the UUIDs of the PVs that are there, those together that
// some metadata names as members of one group.
func (s *pvSet) related(byUUID map[string]family) [][]string {
	joined := make(map[string]string)
	find := func(u string) string {
		for joined[u] != "" {
			u = joined[u]
		}
		return u
	}
	for _, c := range s.copies {
		first := ""
		for _, e := range c.vg.sub("physical_volumes").entries {
			pv, ok := e.value.(*section)
			if !ok {
				continue
			}
			uuid := decode(pv).uuid()
			if byUUID[uuid] == nil {
				continue
			}
			if first == "" {
				first = find(uuid)
			} else if other := find(uuid); other != first {
				joined[other] = first
			}
		}
	}
	sets := make(map[string][]string)
	for _, uuid := range slices.Sorted(maps.Keys(byUUID)) {
		root := find(uuid)
		sets[root] = append(sets[root], uuid)
	}
	list := slices.Collect(maps.Values(sets))
	slices.SortFunc(list, func(a, b []string) int { return byUUID[a[0]][0] - byUUID[b[0]][0] })
	return list
}

// tellApart divides PVs, of which some have equal UUIDs, and says by what
// means. It returns nil when it cannot.
func (s *pvSet) tellApart(members family) ([]family, string) {
	texts := make(map[int]string)
	for _, c := range s.copies {
		texts[c.pv] += c.vg.raw + "\x00"
	}
	for _, evidence := range []struct {
		name string
		keys []func(i int) string
	}{
		{"their disks and metadata", []func(i int) string{
			func(i int) string { return s.pvs[i].Disk },
			func(i int) string { return texts[i] },
		}},
		{"their metadata", []func(i int) string{func(i int) string { return texts[i] }}},
	} {
		list := make([]family, 0, len(members))
		for _, i := range members {
			list = append(list, family{i})
		}
		for _, key := range evidence.keys {
			list = s.join(list, key)
		}
		if s.apart(list) {
			return list, evidence.name
		}
		if inOrder := s.inOrder(members, list); inOrder != nil {
			return inOrder, "the order in which they are given"
		}
	}
	return nil, ""
}

// join joins the families whose members have the same key, unless one of them
// would then have two PVs of one UUID: such a key says nothing.
func (s *pvSet) join(list []family, key func(i int) string) []family {
	byKey := make(map[string][]int) // indexes in list
	for n, f := range list {
		for _, i := range f {
			if k := key(i); k != "" && !slices.Contains(byKey[k], n) {
				byKey[k] = append(byKey[k], n)
			}
		}
	}
	into := make([]int, len(list))
	for n := range into {
		into[n] = n
	}
	for _, k := range slices.Sorted(maps.Keys(byKey)) {
		var whole family
		for _, n := range byKey[k] {
			whole = append(whole, list[n]...)
		}
		if !s.distinct(whole) {
			continue
		}
		for _, n := range byKey[k] {
			into[n] = into[byKey[k][0]]
		}
	}
	joined := make([]family, len(list))
	for n, f := range list {
		joined[into[n]] = append(joined[into[n]], f...)
	}
	joined = slices.DeleteFunc(joined, func(f family) bool { return len(f) == 0 })
	for _, f := range joined {
		slices.Sort(f)
	}
	return joined
}

// distinct reports whether no two PVs have the same UUID.
func (s *pvSet) distinct(f family) bool {
	seen := make(map[string]bool)
	for _, i := range f {
		if seen[s.labels[i].UUID] {
			return false
		}
		seen[s.labels[i].UUID] = true
	}
	return true
}

// apart reports whether each family is sound, and no two of them could be one.
func (s *pvSet) apart(list []family) bool {
	for n, f := range list {
		if !s.distinct(f) {
			return false
		}
		for _, other := range list[:n] {
			if s.distinct(slices.Concat(f, other)) {
				return false
			}
		}
	}
	return true
}

// inOrder returns the first PVs of all UUIDs, the second ones, and so on, if
// there are as many of each and no family of list would be torn.
func (s *pvSet) inOrder(members family, list []family) []family {
	count := make(map[string]int)
	rank := make(map[int]int)
	var ranks []family
	for _, i := range members {
		uuid := s.labels[i].UUID
		rank[i] = count[uuid]
		count[uuid]++
		if rank[i] == len(ranks) {
			ranks = append(ranks, nil)
		}
		ranks[rank[i]] = append(ranks[rank[i]], i)
	}
	for _, n := range count {
		if n != len(ranks) {
			return nil
		}
	}
	for _, f := range list {
		for _, i := range f {
			if rank[i] != rank[f[0]] {
				return nil
			}
		}
	}
	return ranks
}

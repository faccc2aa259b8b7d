package vm

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vmdkfs/vmdkfs/layer"
)

// parseVMSD decodes the list of a machine's snapshots: snapshot0.uid and so
// on. The numbers in the keys may have gaps, and mean nothing; the UIDs name
// the snapshots.
func parseVMSD(name string, text []byte) (Snapshots, error) {
	d, err := parseDictionary(name, text)
	if err != nil {
		return Snapshots{}, err
	}
	corrupt := func(format string, args ...any) (Snapshots, error) {
		return Snapshots{}, failed(layer.ErrCorrupt, name, format, args...)
	}
	var s Snapshots
	if s.Current, err = number(d["snapshot.current"]); err != nil {
		return corrupt("snapshot.current: %v", err)
	}
	for _, n := range d.snapshotNumbers() {
		one, err := d.snapshot(fmt.Sprintf("snapshot%d.", n))
		if err != nil {
			return corrupt("snapshot%d: %v", n, err)
		}
		s.List = append(s.List, one)
	}
	if text := d["snapshot.numsnapshots"]; text != "" {
		if count, err := number(text); err != nil || count != len(s.List) {
			return corrupt("it announces %.20q snapshots and lists %d", text, len(s.List))
		}
	}
	if err := s.check(); err != nil {
		return corrupt("%v", err)
	}
	return s, nil
}

// snapshotNumbers returns the n of the keys snapshotN.uid, in order.
func (d dictionary) snapshotNumbers() []int {
	var list []int
	for key := range d {
		if rest, ok := strings.CutPrefix(key, "snapshot"); ok {
			if digits, ok := strings.CutSuffix(rest, ".uid"); ok {
				if n, err := strconv.ParseUint(digits, 10, 31); err == nil {
					list = append(list, int(n))
				}
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// snapshot decodes the keys that begin with prefix.
func (d dictionary) snapshot(prefix string) (Snapshot, error) {
	s := Snapshot{Name: d[prefix+"displayname"], Description: d[prefix+"description"], State: d[prefix+"filename"]}
	var err error
	if s.UID, err = number(d[prefix+"uid"]); err != nil {
		return s, err
	}
	if s.UID == 0 {
		return s, errors.New("it has no UID")
	}
	if s.Parent, err = number(d[prefix+"parent"]); err != nil {
		return s, err
	}
	if s.Created, err = d.created(prefix); err != nil {
		return s, err
	}
	// The list says how many disks there are; the keys say it more safely.
	for i := 0; d[fmt.Sprintf("%sdisk%d.filename", prefix, i)] != ""; i++ {
		disk := fmt.Sprintf("%sdisk%d.", prefix, i)
		s.Disks = append(s.Disks, SnapshotDisk{d[disk+"node"], d[disk+"filename"]})
	}
	return s, nil
}

// created decodes a time: microseconds since 1970 as two numbers of 32 bits,
// the lower of which is written as a signed one.
func (d dictionary) created(prefix string) (time.Time, error) {
	high, low := d[prefix+"createtimehigh"], d[prefix+"createtimelow"]
	if high == "" && low == "" {
		return time.Time{}, nil
	}
	h, err := strconv.ParseInt(high, 10, 32)
	if err != nil {
		return time.Time{}, err
	}
	l, err := strconv.ParseInt(low, 10, 64)
	if err != nil {
		return time.Time{}, err
	}
	return time.UnixMicro(h<<32 | int64(uint32(l))).UTC(), nil
}

// number decodes a number that is not negative; an empty text is 0.
func number(s string) (int, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(s, 10, 31)
	return int(n), err
}

// check reports UIDs that stand for two snapshots, parents that do not exist,
// and snapshots that are their own ancestors.
func (s Snapshots) check() error {
	parents := make(map[int]int)
	for _, one := range s.List {
		if _, twice := parents[one.UID]; twice {
			return fmt.Errorf("two snapshots have the UID %d", one.UID)
		}
		parents[one.UID] = one.Parent
	}
	if _, ok := parents[s.Current]; s.Current != 0 && !ok {
		return fmt.Errorf("the current snapshot, %d, is not listed", s.Current)
	}
	rooted := map[int]bool{0: true} // whose ancestors are all listed
	for _, one := range s.List {
		path := make(map[int]bool)
		for uid := one.UID; !rooted[uid]; uid = parents[uid] {
			if _, ok := parents[uid]; !ok {
				return fmt.Errorf("snapshot %d descends from %d, which is not listed", one.UID, uid)
			}
			if path[uid] {
				return fmt.Errorf("snapshot %d is its own ancestor", uid)
			}
			path[uid] = true
		}
		maps.Copy(rooted, path)
	}
	return nil
}

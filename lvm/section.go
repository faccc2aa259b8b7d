package lvm

import (
	"fmt"
	"time"
)

// A decoder reads the entries of one section. The first that is missing or of
// another type makes it fail; from then on every entry reads as zero, so that
// its user looks at err once, at the end.
type decoder struct {
	*section
	err error
}

func decode(s *section) *decoder { return &decoder{section: s} }

// get returns the value of a key, nil if there is none.
func (s *section) get(key string) any {
	for _, e := range s.entries {
		if e.key == key {
			return e.value
		}
	}
	return nil
}

// sub returns the section of that key, an empty one if there is none: LVM
// leaves out a list of nothing.
func (s *section) sub(key string) *section {
	if v, ok := s.get(key).(*section); ok {
		return v
	}
	return &section{}
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf(format, args...)
	}
}

// text returns a string that must be there.
func (d *decoder) text(key string) string {
	s, ok := d.get(key).(string)
	if !ok {
		d.fail("no string %q", key)
	}
	return s
}

// optionalText returns a string, or "".
func (d *decoder) optionalText(key string) string {
	s, _ := d.get(key).(string)
	return s
}

// uuid returns the identifier that every object has.
func (d *decoder) uuid() string {
	raw := d.text("id")
	id, ok := parseUUID(raw)
	if !ok {
		d.fail("id %q is no UUID", raw)
	}
	return id
}

// count returns a number that must be there and not be negative.
func (d *decoder) count(key string) uint64 {
	n, ok := d.get(key).(int64)
	if !ok || n < 0 {
		d.fail("no number %q", key)
		return 0
	}
	return uint64(n)
}

// optionalCount returns a number, or 0 where there is none.
func (d *decoder) optionalCount(key string) uint64 {
	if d.get(key) == nil {
		return 0
	}
	return d.count(key)
}

// time returns a time in seconds since 1970, the zero one where it is not
// recorded.
func (d *decoder) time(key string) time.Time {
	if n, ok := d.get(key).(int64); ok && n > 0 {
		return time.Unix(n, 0).UTC()
	}
	return time.Time{}
}

// list returns the strings of an array, of which LVM takes a lone string for
// one. An array that is not there is empty.
func (d *decoder) list(key string) []string {
	switch v := d.get(key).(type) {
	case nil:
		return nil
	case string:
		return []string{v}
	case []any:
		list := make([]string, 0, len(v))
		for _, e := range v {
			if s, ok := e.(string); ok {
				list = append(list, s)
				continue
			}
			d.fail("%q holds %v, no string", key, e)
		}
		return list
	}
	d.fail("%q is no array", key)
	return nil
}

// stripes returns the pairs of an array: a volume's name, and an extent of it.
func (d *decoder) stripes(key string) []stripeText {
	array, ok := d.get(key).([]any)
	if !ok || len(array)%2 != 0 {
		d.fail("no array of pairs %q", key)
		return nil
	}
	list := make([]stripeText, 0, len(array)/2)
	for i := 0; i < len(array); i += 2 {
		name, isName := array[i].(string)
		extent, isExtent := array[i+1].(int64)
		if !isName || !isExtent || extent < 0 {
			d.fail("%q holds %v, %v", key, array[i], array[i+1])
			return nil
		}
		list = append(list, stripeText{name, uint64(extent)})
	}
	return list
}

// A stripeText is one of the places that a segment lies on.
type stripeText struct {
	volume string // name of a PV or an LV
	extent uint64 // the first
}

package iso

import (
	"fmt"
	"strconv"
	"strings"
)

// A namer gives every name of one directory an identifier that no other has.
// Its work is proportional to the number of names, however they collide.
type namer struct {
	width int                 // bytes of a character: 1, or 2 in Joliet
	used  map[string]struct{} // identifiers
	next  map[string]int      // by pool of numbered identifiers: the first that was not tried
}

func newNamer(width, names int) *namer {
	return &namer{width: width, used: make(map[string]struct{}, names), next: make(map[string]int)}
}

// take reports whether id was free, and makes it taken.
func (n *namer) take(id string) bool {
	before := len(n.used)
	n.used[id] = struct{}{}
	return len(n.used) > before
}

// number returns base with a number at its end, at most limit characters, and
// then ext, as a free identifier. Digits take the place of characters only
// where there is no room for both.
func (n *namer) number(base, ext string, limit int) (string, error) {
	for digits, count := 1, 10; digits <= limit && digits <= 9; digits, count = digits+1, count*10 {
		prefix := cut(base, limit-digits, n.width)
		// Bases that are equal so far share a pool of numbers, which is gone
		// through once: 10,000 names of which each tried all numbers from the
		// start would take minutes.
		pool := strconv.Itoa(digits) + prefix + "\x00" + ext
		for i := n.next[pool]; i < count; i++ {
			if id := prefix + n.digits(i, digits) + ext; n.take(id) {
				n.next[pool] = i + 1
				return id, nil
			}
		}
		n.next[pool] = count
	}
	return "", fmt.Errorf("no identifier is left in a directory of %d names", len(n.used))
}

// digits returns i in so many digits.
func (n *namer) digits(i, width int) string {
	s := fmt.Sprintf("%0*d", width, i)
	if n.width == 2 {
		return ucs2(s, false)
	}
	return s
}

// cut returns the first n characters of an identifier of so many bytes a
// character. It does not leave half of a surrogate pair.
func cut(s string, n, width int) string {
	if width == 2 {
		return cutUCS2(s, n)
	}
	return s[:min(n, len(s))]
}

// What an 8.3 name is made of (ECMA-119 10.1).
const (
	maxShortBase = 8
	maxShortExt  = 3
)

// A shortName is an identifier of at most 8.3 characters, ended by zeros. The
// dot that every file has is left out when nothing follows it, and the version
// always, so that a file and a directory which differ in them only collide, as
// they do in DOS.
type shortName [maxShortBase + 1 + maxShortExt]byte

// appendID appends the identifier as a directory record has it.
func (s *shortName) appendID(b []byte, dir bool) []byte {
	dot := dir
	for _, c := range s {
		if c == 0 {
			break
		}
		dot = dot || c == '.'
		b = append(b, c)
	}
	if !dot {
		b = append(b, '.') // ECMA-119 7.5.1: a file has it always
	}
	if !dir {
		b = append(b, ";1"...)
	}
	return b
}

// shortNames gives the nodes of one directory their 8.3 names.
func shortNames(nodes []node) error {
	names := newNamer(1, len(nodes))
	// Names that fit as they are come first, so that none of them is changed
	// for the sake of one that has to be changed anyway.
	for _, exact := range []bool{true, false} {
		for i := range nodes {
			n := &nodes[i]
			base, ext, fits := shortForm(n.raw(), n.dir != nil)
			if fits != exact {
				continue
			}
			id := base + ext
			if !names.take(id) {
				var err error
				if id, err = names.number(base, ext, maxShortBase); err != nil {
					return err
				}
			}
			copy(n.short[:], id)
		}
	}
	return nil
}

// shortForm returns a name in capitals, digits and underscores, cut to 8
// characters and a dot with 3 more, and whether only its case has changed.
func shortForm(name string, dir bool) (base, ext string, fits bool) {
	base = name
	if dot := strings.LastIndexByte(name, '.'); dot > 0 && !dir {
		base, ext = name[:dot], name[dot+1:]
	}
	base, fitsBase := shortPart(base, maxShortBase)
	if ext == "" {
		return base, "", fitsBase && !strings.HasSuffix(name, ".")
	}
	ext, fitsExt := shortPart(ext, maxShortExt)
	return base, "." + ext, fitsBase && fitsExt
}

// shortPart returns at most limit characters of s, and whether they are s but
// for the case.
func shortPart(s string, limit int) (string, bool) {
	b := make([]byte, 0, maxShortBase)
	fits := true
	for _, r := range s {
		if len(b) == limit {
			return string(b), false
		}
		switch {
		case r >= 'a' && r <= 'z':
			r -= 'a' - 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_':
		default:
			r, fits = '_', false
		}
		b = append(b, byte(r))
	}
	return string(b), fits
}

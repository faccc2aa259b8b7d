package iso

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/vmdkfs/vmdkfs/internal/vnode"
)

// How many characters a Joliet name has at most: 64 by the specification
// (128 bytes), 103 by what a record has room for, as mkisofs -joliet-long has
// them.
const (
	jolietLength     = 64
	jolietLongLength = 103
)

// jolietVersion is what Joliet appends to the name of a file: ";1".
const jolietVersion = "\x00;\x001"

// A wideName is a node with the name that it has in Joliet or UDF.
type wideName struct {
	id   string // UCS-2, big-endian, without a version
	node *node
}

// jolietNames returns the nodes which Joliet can show, with unique names, in
// the order of their names. It is the same at each call; keeping it would cost
// more memory than all else.
func jolietNames(nodes []node, limit int) ([]wideName, error) {
	list := make([]wideName, 0, len(nodes))
	var changed []int
	for i := range nodes {
		n := &nodes[i]
		if !n.isDir() && !n.isRegular() {
			continue // Joliet has neither links nor devices
		}
		raw := n.raw()
		id := ucs2(raw, true)
		// Names that need no change get none; the others take what is left.
		if len(id) > 2*limit || strings.ContainsAny(raw, forbidden) || !utf8.ValidString(raw) {
			changed = append(changed, len(list))
		}
		list = append(list, wideName{id, n})
	}
	if len(changed) > 0 {
		if err := uniqueWide(list, changed, func(string) int { return limit }); err != nil {
			return nil, fmt.Errorf("in Joliet: %w", err)
		}
	}
	slices.SortFunc(list, func(a, b wideName) int { return strings.Compare(a.id, b.id) })
	return list, nil
}

// uniqueWide cuts the names at the changed indexes to the characters that limit
// allows for each, and numbers those which are no longer unique.
func uniqueWide(list []wideName, changed []int, limit func(id string) int) error {
	names := newNamer(2, len(list))
	next := 0
	for i := range list {
		if next < len(changed) && changed[next] == i {
			next++
			continue
		}
		names.take(list[i].id)
	}
	for _, i := range changed {
		most := limit(list[i].id)
		base, ext := splitUCS2(list[i].id, most)
		base = cutUCS2(base, most-len(ext)/2)
		id := base + ext
		if !names.take(id) {
			var err error
			if id, err = names.number(base, ext, most-len(ext)/2); err != nil {
				return err
			}
		}
		list[i].id = id
	}
	return nil
}

// splitUCS2 splits a name before its last dot. What takes more than a quarter
// of the limit is no extension.
func splitUCS2(id string, limit int) (base, ext string) {
	for i := len(id) - 2; i > 0 && len(id)-i <= limit/2; i -= 2 {
		if id[i:i+2] == "\x00." {
			return id[:i], id[i:]
		}
	}
	return id, ""
}

// forbidden holds the characters that a Joliet name may not have.
const forbidden = "*/:;?\\" +
	"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f" +
	"\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f"

// ucs2 returns text in big-endian UTF-16: characters beyond UCS-2 are
// surrogate pairs, as Windows reads them. What is not UTF-8 becomes '_', and
// in a file name what Joliet forbids as well.
func ucs2(text string, fileName bool) string {
	b := make([]byte, 0, 2*len(text))
	for i, r := range text {
		invalid := r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD")
		if invalid || (fileName && strings.ContainsRune(forbidden, r)) {
			r = '_'
		}
		if high, low := utf16.EncodeRune(r); high != utf8.RuneError {
			b = append(b, byte(high>>8), byte(high), byte(low>>8), byte(low))
			continue
		}
		b = append(b, byte(r>>8), byte(r))
	}
	return string(b)
}

// cutUCS2 returns at most the first n characters, without half of a surrogate
// pair at the end.
func cutUCS2(s string, n int) string {
	if len(s) <= 2*n {
		return s
	}
	if n > 0 && s[2*n-2]&0xfc == 0xd8 {
		n--
	}
	return s[:2*n]
}

// escapeUCS2 returns big-endian UTF-16 as UTF-8. Half of a surrogate pair is
// \uNNNN, and a backslash that would read as an escape is \x5c.
func escapeUCS2(b []byte) string {
	var out strings.Builder
	var text []byte // not yet escaped
	for ; len(b) >= 2; b = b[2:] {
		r := rune(b[0])<<8 | rune(b[1])
		if !utf16.IsSurrogate(r) {
			text = utf8.AppendRune(text, r)
			continue
		}
		if len(b) >= 4 {
			if pair := utf16.DecodeRune(r, rune(b[2])<<8|rune(b[3])); pair != utf8.RuneError {
				text = utf8.AppendRune(text, pair)
				b = b[2:]
				continue
			}
		}
		out.WriteString(vnode.Escape(text))
		text = text[:0]
		fmt.Fprintf(&out, `\u%04x`, r)
	}
	out.WriteString(vnode.Escape(text))
	return out.String()
}

package vnode

import (
	"strings"
	"unicode/utf8"

	"github.com/vmdkfs/vmdkfs/internal/slab"
)

const hexDigits = "0123456789abcdef"

// Escape returns a name's bytes as UTF-8, reversibly: a byte that is no part
// of UTF-8 as \xNN, and a backslash that would read as an escape (before x and
// two lower-case hex digits, or u and four hex digits) as \x5c.
func Escape(raw []byte) string {
	i := plain(string(raw))
	if i == len(raw) {
		return string(raw)
	}
	var b strings.Builder
	b.Write(raw[:i])
	for raw = raw[i:]; len(raw) > 0; {
		r, n := utf8.DecodeRune(raw)
		if (r == utf8.RuneError && n == 1) || (r == '\\' && isEscape(string(raw[:min(len(raw), 6)]))) {
			b.WriteString(`\x`)
			b.WriteByte(hexDigits[raw[0]>>4])
			b.WriteByte(hexDigits[raw[0]&15])
		} else {
			b.Write(raw[:n])
		}
		raw = raw[n:]
	}
	return b.String()
}

// EscapeIn is Escape for the many names of a directory, which it makes in
// names.
func EscapeIn(names *slab.Strings, raw []byte) string {
	for _, c := range raw {
		if c >= utf8.RuneSelf || c == '\\' {
			return Escape(raw)
		}
	}
	return names.Of(raw)
}

// plain returns the length of the part of s, from its start, that needs no
// second look: ASCII without a backslash.
func plain(s string) int {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf || s[i] == '\\' {
			if s[i] != '\\' && utf8.ValidString(s[i:]) && !strings.Contains(s[i:], `\`) {
				return len(s)
			}
			return i
		}
	}
	return len(s)
}

// Unescape returns the bytes that Escape made name of.
func Unescape(name string) []byte {
	raw := make([]byte, 0, len(name))
	for i := 0; i < len(name); i++ {
		if name[i] == '\\' && isByteEscape(name[i:]) {
			raw = append(raw, unhex(name[i+2])<<4|unhex(name[i+3]))
			i += 3
			continue
		}
		raw = append(raw, name[i])
	}
	return raw
}

// Raw is Unescape to a string, which most names are themselves.
func Raw(name string) string {
	if strings.IndexByte(name, '\\') < 0 {
		return name
	}
	return string(Unescape(name))
}

// isEscape reports whether s begins with a sequence that stands for something
// else: \xNN for a byte, or \uNNNN for half a surrogate pair.
func isEscape(s string) bool {
	if isByteEscape(s) {
		return true
	}
	if len(s) < 6 || s[1] != 'u' {
		return false
	}
	for _, c := range []byte(strings.ToLower(s[2:6])) {
		if !strings.ContainsRune(hexDigits, rune(c)) {
			return false
		}
	}
	return true
}

// isByteEscape reports whether s begins with a backslash, an x and two
// lower-case hex digits.
func isByteEscape(s string) bool {
	return len(s) >= 4 && s[0] == '\\' && s[1] == 'x' &&
		strings.IndexByte(hexDigits, s[2]) >= 0 && strings.IndexByte(hexDigits, s[3]) >= 0
}

func unhex(c byte) byte { return byte(strings.IndexByte(hexDigits, c)) }

// Valid reports whether raw may be a path element: not empty, not "." or
// "..", without a slash and without NUL.
func Valid(raw []byte) bool {
	if len(raw) == 0 || (raw[0] == '.' && (len(raw) == 1 || (len(raw) == 2 && raw[1] == '.'))) {
		return false
	}
	for _, c := range raw {
		if c == '/' || c == 0 {
			return false
		}
	}
	return true
}

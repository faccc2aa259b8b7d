package ntfs

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxName is the most UTF-16 units that a name has.
const maxName = 255

// shownNameMost is the room for all names but those full of escapes.
const shownNameMost = 3 * maxName

const hexDigits = "0123456789abcdef"

// shownName returns a name, given as UTF-16, as a path element in UTF-8,
// reversibly: half a surrogate pair appears as \uNNNN; a slash, a NUL, and the
// dots of the names "." and "..", which no path element may be, as \xNN; and a
// backslash that would read as such an escape as \x5c.
func shownName(raw []byte) string {
	var buf [shownNameMost]byte
	return string(appendShown(buf[:0], raw))
}

// appendShown appends what shownName returns.
func appendShown(b, raw []byte) []byte {
	dots := len(raw) <= 4 && (string(raw) == ".\x00" || string(raw) == ".\x00.\x00")
	for len(raw) >= 2 {
		c := rune(raw[0]) | rune(raw[1])<<8
		switch {
		case c > '/' && c < utf8.RuneSelf && c != '\\':
			b = append(b, byte(c))
		case c == '/' || c == 0 || c == '.' && dots || c == '\\' && isEscape(raw):
			b = append(b, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
		case c < utf8.RuneSelf:
			b = append(b, byte(c))
		case !utf16.IsSurrogate(c):
			b = utf8.AppendRune(b, c)
		default:
			if len(raw) >= 4 {
				if r := utf16.DecodeRune(c, rune(raw[2])|rune(raw[3])<<8); r != utf8.RuneError {
					b = utf8.AppendRune(b, r)
					raw = raw[4:]
					continue
				}
			}
			b = append(b, '\\', 'u', hexDigits[c>>12], hexDigits[c>>8&15], hexDigits[c>>4&15], hexDigits[c&15])
		}
		raw = raw[2:]
	}
	return b
}

// isEscape reports whether UTF-16 begins with what reads as an escape: a
// backslash with x and two lower-case hex digits, or with u and four hex digits.
func isEscape(raw []byte) bool {
	var text [6]byte
	n := 0
	for ; n < len(text) && len(raw) >= 2*n+2 && raw[2*n+1] == 0; n++ {
		text[n] = raw[2*n]
	}
	switch {
	case n >= 4 && text[1] == 'x':
		return isHex(text[2], 'a') && isHex(text[3], 'a')
	case n == 6 && text[1] == 'u':
		return isHex(text[2], 'A') && isHex(text[3], 'A') && isHex(text[4], 'A') && isHex(text[5], 'A')
	}
	return false
}

// isHex reports whether c is a hex digit: a lower-case one, or with an a of 'A'
// of either case.
func isHex(c, a byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || a == 'A' && 'A' <= c && c <= 'F'
}

// storedName returns the UTF-16 units of a name that shownName returns, and
// false for any other.
func storedName(name string) ([]uint16, bool) {
	units := make([]uint16, 0, len(name))
	for i := 0; i < len(name); {
		r, n := utf8.DecodeRuneInString(name[i:])
		if r == utf8.RuneError && n == 1 {
			return nil, false
		}
		if r == '\\' {
			if unit, length := escaped(name[i:]); length > 0 {
				units = append(units, unit)
				i += length
				continue
			}
		}
		units = utf16.AppendRune(units, r)
		i += n
	}
	if len(units) > maxName {
		return nil, false
	}
	if strings.IndexByte(name, '\\') >= 0 || name == "." || name == ".." {
		raw := make([]byte, 0, 2*len(units))
		for _, u := range units {
			raw = le.AppendUint16(raw, u)
		}
		return units, shownName(raw) == name // anything else has another form
	}
	return units, true
}

// escaped decodes the escape that s begins with, if it is one that shownName
// makes.
func escaped(s string) (unit uint16, length int) {
	switch {
	case len(s) >= 4 && s[1] == 'x':
		length = 4
	case len(s) >= 6 && s[1] == 'u':
		length = 6
	}
	for i := 2; i < length; i++ {
		d := strings.IndexByte(hexDigits, s[i])
		if d < 0 {
			return 0, 0
		}
		unit = unit<<4 | uint16(d)
	}
	if length == 6 && !utf16.IsSurrogate(rune(unit)) {
		return 0, 0
	}
	return unit, length
}

// text returns UTF-16 that is not a name as UTF-8; what is not valid becomes
// U+FFFD.
func text(raw []byte) string {
	units := make([]uint16, len(raw)/2)
	for i := range units {
		units[i] = le.Uint16(raw[2*i:])
	}
	return string(utf16.Decode(units))
}

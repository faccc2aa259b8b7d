package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// printable returns s with everything that a terminal might obey, or that
// would break the line, as an escape.
func printable(s string) string {
	if isPlain(s) {
		return s
	}
	return string(appendPrintable(nil, s))
}

// isPlain reports whether s is printable ASCII.
func isPlain(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i]-' ' >= 0x7f-' ' {
			return false
		}
	}
	return true
}

// appendPrintable appends what printable returns.
func appendPrintable(b []byte, s string) []byte {
	if isPlain(s) {
		return append(b, s...)
	}
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if strconv.IsPrint(r) && (r != utf8.RuneError || n > 1) {
			b = append(b, s[:n]...)
		} else {
			for _, c := range []byte(s[:n]) {
				b = fmt.Appendf(b, `\x%02x`, c)
			}
		}
		s = s[n:]
	}
	return b
}

// unprintable returns the path that printable made arg of, so that what one
// command shows is what the next one takes; arg may have the bytes themselves
// too. The escapes of a backslash and of the two bytes that no name has are part
// of names as they are.
func unprintable(arg string) string {
	raw := byteEscape.ReplaceAllStringFunc(arg, func(escape string) string {
		c, err := strconv.ParseUint(escape[2:], 16, 8)
		if err != nil || c == 0 || c == '/' || c == '\\' {
			return escape
		}
		return string([]byte{byte(c)})
	})
	var b strings.Builder
	for len(raw) > 0 {
		r, n := utf8.DecodeRuneInString(raw)
		if r == utf8.RuneError && n == 1 {
			fmt.Fprintf(&b, `\x%02x`, raw[0])
		} else {
			b.WriteString(raw[:n])
		}
		raw = raw[n:]
	}
	return b.String()
}

var byteEscape = regexp.MustCompile(`\\x[0-9a-f]{2}`)

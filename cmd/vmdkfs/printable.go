package main

import (
	"fmt"
	"strconv"
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
	for i, r := range s {
		switch {
		case r >= ' ' && r < 0x7f || r > 0x7f && r != utf8.RuneError && strconv.IsPrint(r):
			b = utf8.AppendRune(b, r)
		case r < 0x80:
			b = fmt.Appendf(b, `\x%02x`, r)
		case r == utf8.RuneError:
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				b = fmt.Appendf(b, `\x%02x`, s[i])
			} else {
				b = utf8.AppendRune(b, r)
			}
		case r < 0x10000:
			b = fmt.Appendf(b, `\u%04x`, r)
		default:
			b = fmt.Appendf(b, `\U%08x`, r)
		}
	}
	return b
}

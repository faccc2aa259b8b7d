package main

import (
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzPrintable: a terminal finds nothing in a name that it would obey.
func FuzzPrintable(f *testing.F) {
	f.Add("a\x1b]0;title\x07\u009b31m\u202egpj.exe\r\n\xff\U000e0041")
	f.Add("plain – ümlaut 漢字 \\x1b")
	f.Fuzz(func(t *testing.T, s string) {
		shown := printable(s)
		if !utf8.ValidString(shown) {
			t.Fatalf("%q is shown as %q", s, shown)
		}
		for _, r := range shown {
			if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) || r == 0xFFFD && !unicode.IsPrint(r) {
				t.Fatalf("%q is shown as %q", s, shown)
			}
		}
		if printable(shown) != shown {
			t.Fatalf("%q is shown as %q, and that as %q", s, shown, printable(shown))
		}
	})
}

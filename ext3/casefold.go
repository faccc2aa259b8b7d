package ext3

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// encodingUTF8 is the s_encoding of Unicode 12.1, the only one that there is.
const encodingUTF8 = 1

// A nameMatch compares the names of a directory with one that is looked for.
// In a directory that folds, names are equal when their foldings are. With the
// strict flag of s_encoding_flags Linux makes no name that is not UTF-8; how
// names compare is the same.
type nameMatch struct {
	name   []byte
	folded []byte // nil where names are compared byte by byte
}

// match returns the comparison with a name.
func (i *Inode) match(name []byte) nameMatch {
	m := nameMatch{name: name}
	if i.folds() {
		m.folded = foldName(name)
	}
	return m
}

// folds reports whether names of the directory are equal in any case. Those
// that are encrypted as well cannot be folded without the key.
func (i *Inode) folds() bool {
	return i.Flags&flagCasefold != 0 && i.Flags&flagEncrypt == 0 && i.fsys.super.sEncoding() == encodingUTF8
}

// hashed returns the bytes whose hash is that of the name.
func (m nameMatch) hashed() []byte {
	if m.folded != nil {
		return m.folded
	}
	return m.name
}

// equal reports whether an entry has the name.
func (m nameMatch) equal(raw []byte) bool {
	if bytes.Equal(raw, m.name) {
		return true
	}
	return m.folded != nil && bytes.Equal(foldName(raw), m.folded) // which is not empty
}

// foldName returns what the kernel's utf8_casefold makes of a name: its full
// case folding in normal form D, without what Unicode says to ignore. It is nil
// for a name that is not valid, or of which nothing is left: such names are
// compared byte by byte. Source: the kernel's fs/unicode, utf8nfdicf.
//
// The tables are of the Unicode version of this program and not of 12.1. They
// differ in characters that came later, which the kernel takes for invalid.
func foldName(name []byte) []byte {
	ascii := true
	for _, c := range name {
		ascii = ascii && c < utf8.RuneSelf
	}
	if ascii {
		return bytes.ToLower(name)
	}
	if !utf8.Valid(name) {
		return nil
	}
	known := make([]rune, 0, len(name))
	for _, r := range string(name) {
		switch {
		case isIgnorable(r):
		case !isAssigned(r):
			return nil
		default:
			known = append(known, r)
		}
	}
	if len(known) == 0 {
		return nil
	}
	folded := cases.Fold().Bytes(norm.NFD.Bytes([]byte(string(known))))
	return norm.NFD.Bytes(bytes.Map(upperCherokee, folded))
}

// upperCherokee returns the capital of a Cherokee letter, which is what
// CaseFolding.txt folds both to: lower case came to Unicode after it. Package
// cases turns each into the other.
func upperCherokee(r rune) rune {
	switch {
	case r >= 0xAB70 && r <= 0xABBF:
		return r - 0xAB70 + 0x13A0
	case r >= 0x13F8 && r <= 0x13FD:
		return r - 8
	}
	return r
}

// isIgnorable reports whether r has the property Default_Ignorable_Code_Point,
// as DerivedCoreProperties.txt derives it.
func isIgnorable(r rune) bool {
	switch {
	case unicode.In(r, unicode.White_Space, unicode.Prepended_Concatenation_Mark),
		r >= 0xFFF9 && r <= 0xFFFB, r >= 0x13430 && r <= 0x1343F:
		return false
	}
	return unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point)
}

// isAssigned reports whether r is a character, or has a meaning forever.
func isAssigned(r rune) bool {
	return unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z, unicode.C) ||
		unicode.Is(unicode.Noncharacter_Code_Point, r)
}

package ntfs

import (
	"errors"
	"fmt"
	"strings"

	"github.com/vmdkfs/vmdkfs/layer"
)

const (
	aceHeader  = 4
	objectType = 1 // an object ACE has the GUID of what it is about
	inherited  = 2 // and of what inherits it
	aceLabel   = 0x11
	aceClaim   = 0x12 // a resource attribute
)

// An aceForm is how ACEs of a type are laid out and what SDDL calls them.
type aceForm struct {
	name     string
	object   bool // flags and up to two GUIDs come before the SID
	callback bool // a condition comes behind it
}

// aceForms are the types that SDDL has a name for, [MS-DTYP] 2.4.4.1 and
// 2.5.1.1.
var aceForms = map[byte]aceForm{
	0x00: {name: "A"}, 0x01: {name: "D"}, 0x02: {name: "AU"}, 0x03: {name: "AL"},
	0x05: {name: "OA", object: true}, 0x06: {name: "OD", object: true}, 0x07: {name: "OU", object: true}, 0x08: {name: "OL", object: true},
	0x09: {name: "XA", callback: true}, 0x0a: {name: "XD", callback: true}, 0x0b: {name: "ZA", object: true, callback: true},
	0x0d: {name: "XU", callback: true}, aceLabel: {name: "ML"}, aceClaim: {name: "RA", callback: true}, 0x13: {name: "SP"},
}

// A bitName is what SDDL calls a bit.
type bitName struct {
	bit  uint32
	name string
}

var aceFlags = []bitName{{0x01, "OI"}, {0x02, "CI"}, {0x04, "NP"}, {0x08, "IO"}, {0x10, "ID"}, {0x40, "SA"}, {0x80, "FA"}}

var labelRights = []bitName{{1, "NW"}, {2, "NR"}, {4, "NX"}}

// wholeRights are rights that have a name together: of files, then of keys.
var wholeRights = map[uint32]string{0x1f01ff: "FA", 0x120089: "FR", 0x120116: "FW", 0x1200a0: "FX", 0xf003f: "KA", 0x20019: "KR", 0x20006: "KW"}

var accessRights = []bitName{{0x1, "CC"}, {0x2, "DC"}, {0x4, "LC"}, {0x8, "SW"}, {0x10, "RP"}, {0x20, "WP"}, {0x40, "DT"}, {0x80, "LO"},
	{0x100, "CR"}, {0x10000, "SD"}, {0x20000, "RC"}, {0x40000, "WD"}, {0x80000, "WO"},
	{0x10000000, "GA"}, {0x20000000, "GX"}, {0x40000000, "GW"}, {0x80000000, "GR"}}

// bitNames returns the names of the bits of v, and whether all have one.
func bitNames(v uint32, names []bitName) (string, bool) {
	var s strings.Builder
	for _, n := range names {
		if v&n.bit != 0 {
			s.WriteString(n.name)
			v &^= n.bit
		}
	}
	return s.String(), v == 0
}

// rightsString returns an access mask as Windows prints it: by the names of its
// bits, as a number when one of them has none.
func rightsString(kind byte, mask uint32) string {
	names := accessRights
	if kind == aceLabel {
		names = labelRights
	} else if whole, ok := wholeRights[mask]; ok {
		return whole
	}
	if s, ok := bitNames(mask, names); ok {
		return s
	}
	return fmt.Sprintf("0x%x", mask)
}

var errShortACE = errors.New("an ACE does not hold its fields")

// An aceError tells of an ACE that cannot be put into words.
type aceError struct{ what string }

func (e *aceError) Error() string { return e.what }
func (e *aceError) Unwrap() error { return layer.ErrUnsupported }

// aceString returns an ACE, whole, as SDDL.
func aceString(ace []byte) (string, error) {
	kind := ace[0]
	form, ok := aceForms[kind]
	if !ok {
		return "", &aceError{fmt.Sprintf("an ACE of type %#x", kind)}
	}
	flags, ok := bitNames(uint32(ace[1]), aceFlags)
	if !ok {
		return "", &aceError{fmt.Sprintf("an ACE with flags %#x", ace[1])}
	}
	if len(ace) < aceHeader+4 {
		return "", errShortACE
	}
	rights, rest := rightsString(kind, le.Uint32(ace[aceHeader:])), ace[aceHeader+4:]
	var guids [2]string
	if form.object {
		if len(rest) < 4 {
			return "", errShortACE
		}
		present := le.Uint32(rest)
		rest = rest[4:]
		for i, bit := range []uint32{objectType, inherited} {
			if present&bit == 0 {
				continue
			}
			if len(rest) < guidSize {
				return "", errShortACE
			}
			guids[i], rest = guid(rest), rest[guidSize:]
		}
	}
	n, err := sidLength(rest)
	if err != nil {
		return "", err
	}
	if form.callback && len(rest) > n {
		return "", &aceError{fmt.Sprintf("the condition of an ACE of type %s", form.name)}
	}
	sid, err := sidAlias(rest)
	return fmt.Sprintf("(%s;%s;%s;%s;%s;%s)", form.name, flags, rights, guids[0], guids[1], sid), err
}

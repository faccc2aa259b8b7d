package ntfs

import (
	"encoding/binary"
	"fmt"
	"strings"
)

const (
	sidHeader = 8
	// maxSubAuthorities is SID_MAX_SUB_AUTHORITIES.
	maxSubAuthorities = 15
)

var errSID = fmt.Errorf("not a SID of at most %d sub-authorities", maxSubAuthorities)

// sidLength returns how many bytes the SID at the start of b has.
func sidLength(b []byte) (int, error) {
	if len(b) < sidHeader || b[0] != 1 || b[1] > maxSubAuthorities || len(b) < sidHeader+4*int(b[1]) {
		return 0, errSID
	}
	return sidHeader + 4*int(b[1]), nil
}

// sidString returns the SID at the start of b as text. An identifier authority
// of more than 32 bits is hexadecimal. Source: [MS-DTYP] 2.4.2.
func sidString(b []byte) (string, error) {
	n, err := sidLength(b)
	if err != nil {
		return "", err
	}
	var s strings.Builder
	authority := uint64(binary.BigEndian.Uint16(b[2:]))<<32 | uint64(binary.BigEndian.Uint32(b[4:]))
	if authority < 1<<32 {
		fmt.Fprintf(&s, "S-1-%d", authority)
	} else {
		fmt.Fprintf(&s, "S-1-0x%012X", authority)
	}
	for b = b[sidHeader:n]; len(b) > 0; b = b[4:] {
		fmt.Fprintf(&s, "-%d", le.Uint32(b))
	}
	return s.String(), nil
}

// sidAliases are what SDDL calls the SIDs that are the same on all machines.
// Those of accounts of a machine or a domain (LA, DA and so on) cannot be told
// from a volume alone: they stay numbers. Source: [MS-DTYP] 2.5.1.1.
var sidAliases = map[string]string{
	"S-1-1-0": "WD", "S-1-3-0": "CO", "S-1-3-1": "CG", "S-1-3-4": "OW",
	"S-1-5-2": "NU", "S-1-5-4": "IU", "S-1-5-6": "SU", "S-1-5-7": "AN", "S-1-5-9": "ED", "S-1-5-10": "PS", "S-1-5-11": "AU",
	"S-1-5-12": "RC", "S-1-5-18": "SY", "S-1-5-19": "LS", "S-1-5-20": "NS", "S-1-5-33": "WR", "S-1-5-84-0-0-0-0-0": "UD",
	"S-1-5-32-544": "BA", "S-1-5-32-545": "BU", "S-1-5-32-546": "BG", "S-1-5-32-547": "PU", "S-1-5-32-548": "AO", "S-1-5-32-549": "SO",
	"S-1-5-32-550": "PO", "S-1-5-32-551": "BO", "S-1-5-32-552": "RE", "S-1-5-32-554": "RU", "S-1-5-32-555": "RD", "S-1-5-32-556": "NO",
	"S-1-5-32-558": "MU", "S-1-5-32-559": "LU", "S-1-5-32-568": "IS", "S-1-5-32-569": "CY", "S-1-5-32-573": "ER", "S-1-5-32-574": "CD",
	"S-1-5-32-575": "RA", "S-1-5-32-576": "ES", "S-1-5-32-577": "MS", "S-1-5-32-578": "HA", "S-1-5-32-579": "AA", "S-1-5-32-580": "RM",
	"S-1-15-2-1":  "AC",
	"S-1-16-4096": "LW", "S-1-16-8192": "ME", "S-1-16-8448": "MP", "S-1-16-12288": "HI", "S-1-16-16384": "SI",
	"S-1-18-1": "AS", "S-1-18-2": "SS",
}

// sidAlias returns the SID at the start of b as SDDL has it.
func sidAlias(b []byte) (string, error) {
	s, err := sidString(b)
	if alias, ok := sidAliases[s]; ok {
		s = alias
	}
	return s, err
}

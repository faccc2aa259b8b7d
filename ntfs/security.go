package ntfs

import (
	"errors"
	"math/bits"
	"strings"

	"github.com/vmdkfs/vmdkfs/layer"
)

// Security is a security descriptor in words.
type Security struct {
	Owner string // SIDs as S-1-5-...; empty where there is none
	Group string
	// DACL and SACL are the two lists as SDDL has them, "D:AI(A;;FA;;;BA)";
	// empty where there is none.
	DACL string
	SACL string
	// SDDL is the whole descriptor as Windows prints it, but that accounts of a
	// machine or a domain have no short names.
	SDDL string
}

// Security returns the security descriptor of the file in words, nil when it
// has none.
func (r *FileRecord) Security() (*Security, error) {
	s, err := r.keptSecurity()
	return s.copy(), err
}

// SDDL returns the security descriptor of the file as [Security] has it, empty
// when it has none. It makes no copy of what most files of a volume share.
func (r *FileRecord) SDDL() (string, error) {
	s, err := r.keptSecurity()
	if s == nil || err != nil {
		return "", err
	}
	return s.SDDL, nil
}

// keptSecurity is Security for callers that do not change it.
func (r *FileRecord) keptSecurity() (*Security, error) {
	kept := &r.fsys.security
	if s := kept.ofID(r.SecurityID); s != nil {
		return s, nil
	}
	raw, err := r.rawSecurity()
	if raw == nil || err != nil {
		return nil, err
	}
	if s := kept.ofRaw(raw); s != nil {
		return s, nil
	}
	s, err := parseSecurity(raw, recordName(r.Number))
	if err == nil {
		kept.keep(r.SecurityID, raw, s)
	}
	return s, err
}

func (s *Security) copy() *Security {
	if s == nil {
		return nil
	}
	c := *s
	return &c
}

// Bits of a security descriptor's control field, [MS-DTYP] 2.4.6.
const (
	controlDACL         = 0x0004
	controlSACL         = 0x0010
	controlSelfRelative = 0x8000
)

var (
	daclFlags = []bitName{{0x1000, "P"}, {0x0100, "AR"}, {0x0400, "AI"}}
	saclFlags = []bitName{{0x2000, "P"}, {0x0200, "AR"}, {0x0800, "AI"}}
)

const (
	descriptorHeader = 20
	aclHeader        = 8
	noACL            = "NO_ACCESS_CONTROL"
)

var errDescriptor = errors.New("a part lies outside")

// parseSecurity decodes a self-relative security descriptor. object names what
// it is of. An ACE that SDDL has no words for, or that has a condition, is
// layer.ErrUnsupported. Source: [MS-DTYP] 2.4.6 and 2.5.1.
func parseSecurity(b []byte, object string) (*Security, error) {
	fail := func(part string, err error) (*Security, error) {
		if errors.Is(err, layer.ErrUnsupported) {
			return nil, unsupported(object, "%s: %v", part, err)
		}
		return nil, corrupt(object, noOffset, "%s of its security descriptor: %v", part, err)
	}
	if len(b) < descriptorHeader || b[0] != 1 {
		return nil, corrupt(object, noOffset, "no security descriptor in %d bytes", len(b))
	}
	control := le.Uint16(b[2:])
	if control&controlSelfRelative == 0 {
		return nil, corrupt(object, noOffset, "a security descriptor with pointers")
	}
	s := new(Security)
	var owner, group string
	var err error
	if s.Owner, owner, err = sidAt(b, le.Uint32(b[4:])); err != nil {
		return fail("owner", err)
	}
	if s.Group, group, err = sidAt(b, le.Uint32(b[8:])); err != nil {
		return fail("group", err)
	}
	if control&controlDACL != 0 {
		if s.DACL, err = aclAt(b, le.Uint32(b[16:]), uint32(control), daclFlags); err != nil {
			return fail("DACL", err)
		}
		s.DACL = "D:" + s.DACL
	}
	if control&controlSACL != 0 {
		if s.SACL, err = aclAt(b, le.Uint32(b[12:]), uint32(control), saclFlags); err != nil {
			return fail("SACL", err)
		}
		s.SACL = "S:" + s.SACL
	}
	if owner != "" {
		owner = "O:" + owner
	}
	if group != "" {
		group = "G:" + group
	}
	s.SDDL = owner + group + s.DACL + s.SACL
	return s, nil
}

// sidAt returns the SID at an offset, and as SDDL has it; nothing at offset 0.
func sidAt(b []byte, off uint32) (sid, alias string, err error) {
	if off == 0 {
		return "", "", nil
	}
	if off < descriptorHeader || uint64(off) > uint64(len(b)) {
		return "", "", errDescriptor
	}
	if sid, err = sidString(b[off:]); err != nil {
		return "", "", err
	}
	alias, err = sidAlias(b[off:])
	return sid, alias, err
}

// aclAt returns the ACL at an offset as SDDL.
func aclAt(b []byte, off, control uint32, flags []bitName) (string, error) {
	var s strings.Builder
	for _, f := range flags {
		if control&f.bit != 0 {
			s.WriteString(f.name)
		}
	}
	if off == 0 { // a list that is there and null allows everything
		s.WriteString(noACL)
		return s.String(), nil
	}
	if off < descriptorHeader || uint64(off)+aclHeader > uint64(len(b)) {
		return "", errDescriptor
	}
	acl := b[off:]
	size := int(le.Uint16(acl[2:]))
	if size < aclHeader || size > len(acl) {
		return "", errDescriptor
	}
	rest := acl[aclHeader:size]
	for range le.Uint16(acl[4:]) {
		if len(rest) < aceHeader {
			return "", errShortACE
		}
		n := int(le.Uint16(rest[2:]))
		if n < aceHeader || n > len(rest) {
			return "", errShortACE
		}
		ace, err := aceString(rest[:n])
		if err != nil {
			return "", err
		}
		s.WriteString(ace)
		rest = rest[n:]
	}
	return s.String(), nil
}

// securityHash is what an entry of $SDS has of its descriptor: each 32-bit word
// is added to the sum so far, rotated left by 3 bits. Source: "$Secure" in the
// documentation of the Linux-NTFS project.
func securityHash(b []byte) uint32 {
	h := uint32(0)
	for ; len(b) >= 4; b = b[4:] {
		h = bits.RotateLeft32(h, 3) + le.Uint32(b)
	}
	return h
}

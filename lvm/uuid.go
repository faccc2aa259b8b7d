package lvm

import "strings"

const (
	uuidLen       = 32 // ID_LEN in lib/uuid/uuid.h
	uuidAlphabet  = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!#"
	uuidShortLen  = 8   // of the part that tells groups of one name apart
	maxNameLength = 127 // NAME_LEN in lib/metadata/metadata-exported.h, less the NUL
)

// uuidGroups are the lengths of the parts between the dashes.
var uuidGroups = [...]int{6, 4, 4, 4, 4, 4, 6}

// formatUUID returns the 32 characters of an identifier as LVM prints them,
// with dashes, and whether they can be one.
func formatUUID(raw string) (string, bool) {
	if len(raw) != uuidLen || strings.Trim(raw, uuidAlphabet) != "" {
		return "", false
	}
	var b strings.Builder
	for i, n := range uuidGroups {
		if i > 0 {
			b.WriteByte('-')
		}
		b.WriteString(raw[:n])
		raw = raw[n:]
	}
	return b.String(), true
}

// parseUUID returns an identifier from the metadata text, where it may have
// dashes or not, in the one form that formatUUID gives.
func parseUUID(s string) (string, bool) { return formatUUID(strings.ReplaceAll(s, "-", "")) }

// validName reports whether s may name a group or a volume, as lvm(8) says
// under "Valid names". Such a name is a path element.
func validName(s string) bool {
	if s == "" || len(s) > maxNameLength || s[0] == '-' || s == "." || s == ".." {
		return false
	}
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '+', c == '_', c == '.', c == '-':
		default:
			return false
		}
	}
	return true
}

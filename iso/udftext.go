package iso

import (
	"encoding/binary"
	"strings"
	"unicode/utf8"
)

const (
	// udfRevision is 2.01, the last that Windows XP reads, in the form of UDF
	// 2.1.5.3.
	udfRevision = 0x0201

	// How the characters of a text are stored (UDF 2.1.1): in 8 bits when all
	// of them are below U+0100, in 16 otherwise.
	compression8  = 8
	compression16 = 16

	// maxUDFName is how many bytes an identifier has at most, the byte that
	// tells its compression among them (ECMA-167 4/14.4.4).
	maxUDFName = 255
)

// appendCS0 appends big-endian UCS-2 as OSTA's compressed Unicode.
func appendCS0(b []byte, text string) []byte {
	if isNarrow(text) {
		b = append(b, compression8)
		for i := 1; i < len(text); i += 2 {
			b = append(b, text[i])
		}
		return b
	}
	return append(append(b, compression16), text...)
}

// isNarrow reports whether all characters are below U+0100.
func isNarrow(text string) bool {
	for i := 0; i < len(text); i += 2 {
		if text[i] != 0 {
			return false
		}
	}
	return true
}

// maxCharacters returns how many characters of a text an identifier has room
// for.
func maxCharacters(text string) int {
	if isNarrow(text) {
		return maxUDFName - 1
	}
	return (maxUDFName - 1) / 2
}

// appendDstring appends text in a field of size bytes, of which the last one
// tells how many are used (ECMA-167 1/7.2.12).
func appendDstring(b []byte, text string, size int) []byte {
	field := make([]byte, size)
	if text != "" {
		wide := ucs2(text, false)
		room := size - 2
		if !isNarrow(wide) {
			room /= 2
		}
		n := copy(field, appendCS0(nil, cutUCS2(wide, room)))
		field[size-1] = byte(n)
	}
	return append(b, field...)
}

// appendCharset appends a charspec: CS0 (UDF 2.1.2).
func appendCharset(b []byte) []byte {
	const info = "OSTA Compressed Unicode"
	return append(append(append(b, 0), info...), make([]byte, 63-len(info))...)
}

// The identifiers of entities (UDF 2.1.5.2).
const (
	entityDomain   = "*OSTA UDF Compliant"
	entityVolume   = "*UDF LV Info"
	entityNSR      = "+NSR03"
	entityOurs     = "*VMDKFS"
	entitySuffix   = 8
	entityNameSize = 23
)

// appendEntity appends a regid (ECMA-167 1/7.4). Those of UDF carry its
// revision.
func appendEntity(b []byte, name string) []byte {
	b = append(append(append(b, 0), name...), make([]byte, entityNameSize-len(name)+entitySuffix)...)
	if name == entityDomain || name == entityVolume {
		binary.LittleEndian.PutUint16(b[len(b)-entitySuffix:], udfRevision)
	}
	return b
}

// utc is the type of a timestamp that is local time, with a zone of 0 minutes
// (ECMA-167 1/7.3.1).
const utc = 1 << 12

// appendTimestamp appends a time (ECMA-167 1/7.3). A year which it cannot hold
// becomes the nearest that it can.
func appendTimestamp(b []byte, i instant) []byte {
	t := i.time()
	year := min(max(t.Year(), 1), 9999)
	micro := t.Nanosecond() / 1000
	b = binary.LittleEndian.AppendUint16(b, utc)
	b = binary.LittleEndian.AppendUint16(b, uint16(year))
	return append(b, byte(t.Month()), byte(t.Day()), byte(t.Hour()), byte(t.Minute()), byte(t.Second()),
		byte(micro/10_000), byte(micro/100%100), byte(micro%100))
}

// udfNames returns the nodes which UDF can show, with unique names, in the
// order of the nodes. It is the same at each call.
func udfNames(nodes []node) ([]wideName, error) {
	list := make([]wideName, 0, len(nodes))
	var changed []int
	for i := range nodes {
		n := &nodes[i]
		if !inUDF(n) {
			continue
		}
		raw := n.raw()
		id := ucs2(raw, false)
		if !exactInUDF(raw) {
			changed = append(changed, len(list))
		}
		list = append(list, wideName{id, n})
	}
	if len(changed) == 0 {
		return list, nil
	}
	return list, uniqueWide(list, changed, maxCharacters)
}

// exactInUDF reports whether UDF has the name as it is.
func exactInUDF(raw string) bool {
	if len(raw) < maxUDFName/2 {
		return utf8.ValidString(raw)
	}
	id := ucs2(raw, false)
	return len(id) <= 2*maxCharacters(id) && utf8.ValidString(raw)
}

// The types of a target's components (ECMA-167 4/14.16.1.1).
const (
	componentRoot   = 2
	componentParent = 3
	componentSelf   = 4
	componentName   = 5
)

// appendPath appends a symbolic link's target as path components (ECMA-167
// 4/14.16). A slash more changes no path, and is left out; one at the end says
// that the target is a directory, as a component of itself does.
func appendPath(b []byte, target string) []byte {
	component := func(kind byte, name string) {
		var id []byte
		if kind == componentName {
			wide := ucs2(name, false)
			id = appendCS0(nil, cutUCS2(wide, maxCharacters(wide)))
		}
		b = append(b, kind, byte(len(id)), 0, 0)
		b = append(b, id...)
	}
	if strings.HasPrefix(target, "/") {
		component(componentRoot, "")
	}
	slash := strings.HasSuffix(target, "/") && strings.Trim(target, "/") != ""
	for name := range strings.SplitSeq(target, "/") {
		switch name {
		case "":
		case ".":
			component(componentSelf, "")
		case "..":
			component(componentParent, "")
		default:
			component(componentName, name)
		}
	}
	if slash {
		component(componentSelf, "")
	}
	return b
}

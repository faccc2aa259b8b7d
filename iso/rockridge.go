package iso

import "bytes"

// What the ER field of the root says: the fields are those of RRIP 1.12 (SUSP
// 5.5, RRIP 4.3).
const (
	rripID          = "IEEE_P1282"
	rripDescription = "THE IEEE P1282 PROTOCOL PROVIDES SUPPORT FOR POSIX FILE SYSTEM SEMANTICS"
	rripSource      = "PLEASE CONTACT THE IEEE STANDARDS DEPARTMENT, PISCATAWAY, NJ, USA FOR THE P1282 SPECIFICATION."
)

// rripIDs are the identifiers that mean Rock Ridge in images of all ages.
var rripIDs = [][]byte{[]byte(rripID), []byte("RRIP_1991A"), []byte("IEEE_1282")}

const (
	maxField = 255 // bytes of a field

	// Flags of NM and SL fields, and of the components of a target (RRIP
	// 4.1.3, 4.1.4).
	flagContinue = 1
	flagCurrent  = 2
	flagParent   = 4
	flagRoot     = 8

	// Flags of a TF field (RRIP 4.1.6).
	timeCreation   = 1
	timeModify     = 2
	timeAccess     = 4
	timeAttributes = 8
	timeLong       = 128
)

// appendFields appends the Rock Ridge fields of a node's own record. Those
// that readers need first, and that never grow, come first.
func appendFields(b []byte, n *node) []byte {
	b = appendAttributes(b, n)
	if kind := n.kind(); kind == modeChar || kind == modeBlock {
		high, low := n.device()
		if high < 1<<12 && low < 1<<8 {
			// As a number of 16 bits (or 20) every reader understands it; in
			// two halves only Linux does.
			high, low = 0, high<<8|low
		}
		b = append(b, 'P', 'N', 20, 1)
		b = appendBoth32(b, high)
		b = appendBoth32(b, low)
	}
	b = appendName(b, n.raw())
	if n.kind() == modeSymlink {
		b = appendTarget(b, n.target())
	}
	return b
}

// appendAttributes appends what the records "." and ".." have of a directory
// as well: PX and TF.
func appendAttributes(b []byte, n *node) []byte {
	b = append(b, 'P', 'X', 44, 1)
	for _, v := range [...]uint32{n.attr.mode, n.attr.links, n.attr.uid, n.attr.gid, n.serial} {
		b = appendBoth32(b, v)
	}
	times := [...]instant{n.mtime, n.atime, n.ctime}
	const recorded = timeModify | timeAccess | timeAttributes
	if fitsShort(n.mtime) && fitsShort(n.atime) && fitsShort(n.ctime) {
		b = append(b, 'T', 'F', fieldHeader+1+3*shortDateSize, 1, recorded)
		for _, t := range times {
			b = appendShortDate(b, t)
		}
		return b
	}
	b = append(b, 'T', 'F', fieldHeader+1+3*longDateSize, 1, recorded|timeLong)
	for _, t := range times {
		b = appendLongDate(b, t)
	}
	return b
}

// appendRootFields appends what only the record "." of the root has: SP (SUSP
// 5.3) first, the directory's attributes, ER.
func appendRootFields(b []byte, root *node) []byte {
	b = appendField(b, "SP", 0xbe, 0xef, 0)
	b = appendAttributes(b, root)
	b = appendField(b, "ER", byte(len(rripID)), byte(len(rripDescription)), byte(len(rripSource)), 1)
	b[len(b)-6] += byte(len(rripID + rripDescription + rripSource))
	return append(b, rripID+rripDescription+rripSource...)
}

// appendName appends a name as NM fields.
func appendName(b []byte, name string) []byte {
	const room = maxField - fieldHeader - 1
	for len(name) > room {
		b = append(b, 'N', 'M', maxField, 1, flagContinue)
		b = append(b, name[:room]...)
		name = name[room:]
	}
	b = append(b, 'N', 'M', byte(fieldHeader+1+len(name)), 1, 0)
	return append(b, name...)
}

// appendTarget appends a symbolic link's target as SL fields. An empty
// component stands for each further slash of several, or at the end.
func appendTarget(b []byte, target string) []byte {
	sl := targetWriter{out: b, field: -1}
	rest := []byte(target)
	if len(rest) > 0 && rest[0] == '/' {
		sl.component(flagRoot, nil)
		if rest = rest[1:]; len(rest) == 0 {
			return sl.out
		}
	}
	for more := true; more; {
		var name []byte
		name, rest, more = bytes.Cut(rest, []byte("/"))
		switch string(name) {
		case ".":
			sl.component(flagCurrent, nil)
		case "..":
			sl.component(flagParent, nil)
		default:
			sl.component(0, name)
		}
	}
	return sl.out
}

// A targetWriter appends the components of a target, in as many SL fields as
// they need.
type targetWriter struct {
	out   []byte
	field int // where the last one begins; negative before the first
}

const componentHeader = 2

// component appends one component, in parts where the field has no room.
func (w *targetWriter) component(flags byte, name []byte) {
	for {
		room := 0
		if w.field >= 0 {
			room = maxField - (len(w.out) - w.field) - componentHeader
		}
		// A component that fits in a field of its own is not cut.
		if room < 0 || w.field < 0 || (room < len(name) && room < maxField/2) {
			w.begin()
			continue
		}
		n := min(len(name), room)
		flags &^= flagContinue
		if n < len(name) {
			flags |= flagContinue
		}
		w.out = append(w.out, flags, byte(n))
		w.out = append(w.out, name[:n]...)
		w.out[w.field+2] = byte(len(w.out) - w.field)
		if name = name[n:]; len(name) == 0 {
			return
		}
	}
}

// begin begins another field; the one before it goes on.
func (w *targetWriter) begin() {
	if w.field >= 0 {
		w.out[w.field+4] = flagContinue
	}
	w.field = len(w.out)
	w.out = append(w.out, 'S', 'L', fieldHeader+1, 1, 0)
}

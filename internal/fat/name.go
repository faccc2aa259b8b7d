package fat

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/vmdkfs/vmdkfs/internal/vnode"
)

// Long names (fatgen103, "Long Directory Entries").
const (
	unitsPerPart = 13
	maxParts     = 20 // 255 units, and what is left of the last part
	maxUnits     = 255
	lastPart     = 0x40 // in the number of the part that comes first
)

// A longNamer puts the long name of an entry together, whose parts come before
// it, the last part first.
type longNamer struct {
	units [maxParts * unitsPerPart]uint16
	parts int  // that the name has; 0 without a name
	left  int  // that have not been seen
	sum   byte // the checksum of the short name that they say they belong to
}

// add takes one part. One that does not continue what came before ends it.
func (l *longNamer) add(r *record) {
	number := int(r[0] &^ lastPart)
	if r[0]&lastPart != 0 && number >= 1 && number <= maxParts {
		l.parts, l.left, l.sum = number, number, r[13]
	}
	if l.parts == 0 || l.left == 0 || number != l.left || r[13] != l.sum {
		l.parts = 0
		return
	}
	l.left--
	units := l.units[l.left*unitsPerPart:]
	for i, field := range [...][2]int{{1, 5}, {14, 6}, {28, 2}} {
		from := [...]int{0, 5, 11}[i]
		for k := range field[1] {
			units[from+k] = r.u16(field[0] + 2*k)
		}
	}
}

// take returns the long name of the entry r, which follows its parts, and
// forgets it. A name that is not whole, or that belongs to an entry which a
// system that does not know long names has replaced, is none.
func (l *longNamer) take(r *record) []uint16 {
	whole := l.parts > 0 && l.left == 0 && l.sum == checksum(r.name())
	units := l.units[:l.parts*unitsPerPart]
	l.parts = 0
	if !whole {
		return nil
	}
	for i, u := range units {
		if u == 0 {
			units = units[:i]
			break
		}
	}
	if len(units) > maxUnits {
		return nil
	}
	return units
}

// checksum is that of a short name in the parts of its long one (fatgen103,
// ChkSum).
func checksum(name [11]byte) byte {
	var sum byte
	for _, c := range name {
		sum = sum<<7 | sum>>1
		sum += c
	}
	return sum
}

// decodeUnits returns UTF-16 as UTF-8, escaped as names are. Half a surrogate
// pair appears as \uNNNN.
func decodeUnits(units []uint16) string {
	var s strings.Builder
	var plain []byte
	for i := 0; i < len(units); i++ {
		r := rune(units[i])
		if utf16.IsSurrogate(r) {
			pair := rune(utf8.RuneError)
			if i+1 < len(units) {
				pair = utf16.DecodeRune(r, rune(units[i+1]))
			}
			if pair == utf8.RuneError {
				s.WriteString(vnode.Escape(plain))
				plain = plain[:0]
				fmt.Fprintf(&s, `\u%04x`, r)
				continue
			}
			r = pair
			i++
		}
		plain = utf8.AppendRune(plain, r)
	}
	s.WriteString(vnode.Escape(plain))
	return s.String()
}

// Bits of record.ntRes that Windows NT sets, and Linux reads, for short names
// with a base or an extension in lower case.
const (
	lowerBase = 1 << 3
	lowerExt  = 1 << 4
)

// shortName returns the 8.3 name of an entry, with the letters of code page
// 437.
func shortName(r *record) string {
	name := r.name()
	if name[0] == 0x05 { // stands for what would say that the entry is deleted
		name[0] = 0xe5
	}
	base, ext := name437(name[:8], r.ntRes()&lowerBase != 0), name437(name[8:], r.ntRes()&lowerExt != 0)
	if ext != "" {
		base += "." + ext
	}
	return vnode.Escape([]byte(base))
}

// name437 returns a part of a name without the spaces at its end.
func name437(b []byte, lower bool) string {
	var s strings.Builder
	for _, c := range b {
		r := rune(c)
		if c >= 0x80 {
			r = codePage437[c-0x80]
		} else if lower && c >= 'A' && c <= 'Z' {
			r = rune(c) + 'a' - 'A'
		}
		s.WriteRune(r)
	}
	return strings.TrimRight(s.String(), " ")
}

// codePage437 has the letters of the upper half of IBM's code page 437, which
// is what Linux takes short names for. Which one the writer had is not on the
// disk; Entry.Short has the bytes.
var codePage437 = []rune("ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒ" +
	"áíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐" +
	"└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀" +
	"αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0")

// label returns the text of a volume label, as a name without a dot.
func label(b [11]byte) string {
	if b[0] == 0x05 {
		b[0] = 0xe5
	}
	return vnode.Escape([]byte(name437(b[:], false)))
}

// serial returns a serial number as DOS and Linux write it.
func serial(id uint32) string {
	b := binary.BigEndian.AppendUint32(nil, id)
	return fmt.Sprintf("%02X%02X-%02X%02X", b[0], b[1], b[2], b[3])
}

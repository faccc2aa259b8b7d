package iso

import (
	"encoding/binary"
	"strings"
)

// The kinds of volume descriptor (ECMA-119 8.1.1).
const (
	kindPrimary       = 1
	kindSupplementary = 2
	kindTerminator    = 255
)

var (
	standardID = []byte("CD001") // ECMA-119 8.1.2
	extendedID = []byte("BEA01") // ECMA-167 2/9.2: what follows is of another standard, of UDF mostly

	// jolietEscape is the escape sequence of UCS-2 level 3, which says that a
	// supplementary descriptor is Joliet's.
	jolietEscape = []byte("%/E")
)

// A volumeDescriptor is a primary or supplementary volume descriptor (ECMA-119
// 8.4 and 8.5), the root of one tree of directories.
type volumeDescriptor [sectorSize]byte

func (d *volumeDescriptor) kind() byte          { return d[0] }
func (d *volumeDescriptor) standardID() []byte  { return d[1:6] }
func (d *volumeDescriptor) systemID() []byte    { return d[8:40] }
func (d *volumeDescriptor) volumeID() []byte    { return d[40:72] }
func (d *volumeDescriptor) spaceSize() []byte   { return d[80:88] }
func (d *volumeDescriptor) escapes() []byte     { return d[88:120] }
func (d *volumeDescriptor) setSize() []byte     { return d[120:124] }
func (d *volumeDescriptor) sequence() []byte    { return d[124:128] }
func (d *volumeDescriptor) blockSize() []byte   { return d[128:132] }
func (d *volumeDescriptor) tableSize() []byte   { return d[132:140] }
func (d *volumeDescriptor) tableL() []byte      { return d[140:144] }
func (d *volumeDescriptor) tableM() []byte      { return d[148:152] }
func (d *volumeDescriptor) root() []byte        { return d[156:190] }
func (d *volumeDescriptor) texts() []byte       { return d[190:813] } // set, publisher, preparer, application, three file names
func (d *volumeDescriptor) application() []byte { return d[574:702] }
func (d *volumeDescriptor) created() []byte     { return d[813:830] }
func (d *volumeDescriptor) modified() []byte    { return d[830:847] }
func (d *volumeDescriptor) expires() []byte     { return d[847:864] }
func (d *volumeDescriptor) effective() []byte   { return d[864:881] }

// isJoliet reports whether the descriptor is one of Joliet's three levels.
func (d *volumeDescriptor) isJoliet() bool {
	e := d.escapes()
	return d.kind() == kindSupplementary && e[0] == '%' && e[1] == '/' && (e[2] == '@' || e[2] == 'C' || e[2] == 'E')
}

// label returns the volume's name.
func (d *volumeDescriptor) label() string {
	text := string(d.volumeID())
	if d.isJoliet() {
		text = escapeUCS2(d.volumeID())
	}
	return strings.TrimRight(text, "\x00 ")
}

// descriptor returns the volume descriptor of one view of the image.
func (m *image) descriptor(v view) *volumeDescriptor {
	d := new(volumeDescriptor)
	copy(d.standardID(), standardID)
	d[0], d[6], d[881] = kindPrimary, 1, 1
	fill := func(dst []byte, text string) {
		for i := range dst {
			dst[i] = ' '
		}
		copy(dst, text)
	}
	label := asciiLabel(m.label)
	application := applicationID
	if v == joliet {
		d[0] = kindSupplementary
		copy(d.escapes(), jolietEscape)
		label = cutUCS2(ucs2(m.label, false), 16)
		application = ucs2(applicationID, false)
		fill = func(dst []byte, text string) {
			for i := 0; i+1 < len(dst); i += 2 {
				dst[i], dst[i+1] = 0, ' '
			}
			copy(dst, text)
		}
	}
	fill(d.systemID(), "")
	fill(d.volumeID(), label)
	fill(d.texts()[:512], "")
	fill(d.application(), application)
	// Three names of 37 bytes, each filled for itself: 37 is odd.
	for i := range 3 {
		fill(d[702+37*i:][:37], "")
	}
	putBoth32(d.spaceSize(), m.sectors)
	putBoth16(d.setSize(), 1)
	putBoth16(d.sequence(), 1)
	putBoth16(d.blockSize(), sectorSize)
	putBoth32(d.tableSize(), m.tables[v].size)
	binary.LittleEndian.PutUint32(d.tableL(), m.tables[v].startL)
	binary.BigEndian.PutUint32(d.tableM(), m.tables[v].startM)
	root := m.root.dir.place[v]
	copy(d.root(), appendRecord(nil, recordFields{start: root.start, size: root.size, date: m.root.mtime, flags: flagDirectory}, selfID, nil))
	for _, b := range [][]byte{d.created(), d.modified()} {
		copy(b, appendLongDate(nil, m.date))
	}
	for _, b := range [][]byte{d.expires(), d.effective()} {
		copy(b, "0000000000000000") // not specified
	}
	return d
}

// applicationID is what the descriptors name as the program that wrote them.
const applicationID = "VMDKFS"

// terminator returns the descriptor that ends their sequence (ECMA-119 8.3).
func terminator() *volumeDescriptor {
	d := new(volumeDescriptor)
	copy(d.standardID(), standardID)
	d[0], d[6] = kindTerminator, 1
	return d
}

// asciiLabel returns the volume's name for the primary descriptor. The
// standard has only capitals there; every reader shows what it finds, so lower
// case stays. Anything else that is not printable ASCII becomes '_'.
func asciiLabel(label string) string {
	b := make([]byte, 0, 32)
	for _, r := range label {
		if r < ' ' || r > '~' {
			r = '_'
		}
		if b = append(b, byte(r)); len(b) == 32 {
			break
		}
	}
	return string(b)
}

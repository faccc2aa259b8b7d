package vmdk

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

// maxDescriptor is how many bytes a descriptor may have. The largest disk, of
// 62 TiB in extents of 2 GiB, takes about 1.2 MB with short names; those that
// people have are below 10 KB.
const maxDescriptor = 4 << 20

// ParseDescriptor decodes the text of the descriptor in the named file, whose
// extents need not be there. What it does not understand it refuses, because a
// line passed over might be an extent. The error is a *layer.Error, as Open's.
func ParseDescriptor(name string, text []byte) (*Descriptor, error) {
	// VMware's programs end the text at the first NUL, and some pad it so. When
	// qemu writes a content ID with fewer of its eight digits than the last one
	// had, the end of the longer text stays behind the NUL: that of the text.
	text, rest, _ := bytes.Cut(text, []byte{0})
	if rest = bytes.TrimRight(rest, "\x00"); len(rest) > 6 || !bytes.HasSuffix(text, rest) {
		return nil, layer.Errorf(layer.ErrCorrupt, "vmdk", name, int64(len(text)), "it goes on behind its end")
	}
	p := parser{header: make(map[string]string), d: &Descriptor{DDB: make(map[string]string), name: name}}
	for n, line := range lines(text) {
		if err := p.line(line); err != nil {
			err.Object = fmt.Sprintf("%s, line %d", name, n)
			return nil, err
		}
	}
	if err := p.finish(); err != nil {
		err.Object = name
		return nil, err
	}
	return p.d, nil
}

// A parser holds what the lines so far have said. Its errors lack their
// object, which ParseDescriptor knows.
type parser struct {
	header map[string]string // by the lower-case key, in the file's encoding
	d      *Descriptor
}

func corrupt(format string, args ...any) *layer.Error {
	return layer.Errorf(layer.ErrCorrupt, "vmdk", "", -1, format, args...)
}

// line takes one line: a comment, an extent or a key with a value.
func (p *parser) line(line string) *layer.Error {
	if line == "" || line[0] == '#' {
		return nil
	}
	word, _, _ := strings.Cut(strings.ReplaceAll(line, "\t", " "), " ")
	switch access := strings.ToUpper(word); access {
	case ReadWrite, ReadOnly, NoAccess:
		e, err := parseExtent(line)
		if err == nil {
			p.d.Extents = append(p.d.Extents, e)
		}
		return err
	}
	key, value, ok := strings.Cut(line, "=")
	key = strings.TrimSpace(key)
	if !ok || key == "" || strings.ContainsAny(key, " \t\"") {
		return corrupt("neither an extent nor a key with a value: %.80q", line)
	}
	value = unquote(value)
	if lower := strings.ToLower(key); !strings.HasPrefix(lower, "ddb.") {
		if old, ok := p.header[lower]; ok && old != value {
			return corrupt("%s is %.80q here and was %.80q before", key, value, old)
		}
		p.header[lower] = value
		return nil
	}
	p.d.DDB[key[len("ddb."):]] = value
	return nil
}

// parseExtent decodes an extent line: access, sectors, type, and then, as the
// type wants, the file's name, the offset in sectors, and two fields about the
// partition and device that it maps, which say nothing about the data.
func parseExtent(line string) (Extent, *layer.Error) {
	fields, closed := splitFields(line)
	switch {
	case !closed:
		return Extent{}, corrupt("a quote is not closed")
	case len(fields) < 3 || len(fields) > 7:
		return Extent{}, corrupt("an extent of %d fields, which has 3 to 7", len(fields))
	}
	e := Extent{Access: strings.ToUpper(fields[0]), Type: strings.ToUpper(fields[2])}
	var err error
	if e.Sectors, err = strconv.ParseInt(fields[1], 10, 64); err != nil || e.Sectors < 1 {
		return Extent{}, corrupt("an extent of %.80q sectors", fields[1])
	}
	if len(fields) > 3 {
		e.File = fields[3]
	}
	if len(fields) > 4 {
		if e.Offset, err = strconv.ParseInt(fields[4], 10, 64); err != nil || e.Offset < 0 {
			return Extent{}, corrupt("an extent at sector %.80q of its file", fields[4])
		}
	}
	return e, nil
}

// finish decodes the header, and the names by the encoding that it names.
func (p *parser) finish() *layer.Error {
	d := p.d
	d.Encoding, d.CreateType = p.header["encoding"], p.header["createtype"]
	d.Version, d.ParentCID = 1, NoParent
	var err error
	if s, ok := p.header["version"]; ok {
		if d.Version, err = strconv.Atoi(s); err != nil {
			return corrupt("version is %.80q", s)
		}
	}
	for key, id := range map[string]*uint32{"cid": &d.CID, "parentcid": &d.ParentCID} {
		if s, ok := p.header[key]; ok {
			n, err := strconv.ParseUint(s, 16, 32)
			if err != nil {
				return corrupt("%s is %.80q, no number of 8 hexadecimal digits", key, s)
			}
			*id = uint32(n)
		}
	}
	if len(d.Extents) == 0 {
		return corrupt("no extents")
	}
	for i := range d.Extents {
		e := &d.Extents[i]
		name, err := decodeName(d.Encoding, e.File)
		if err != nil {
			return err
		}
		if e.File = name; name == "" && e.Type != Zero {
			return corrupt("a %s extent without a file", e.Type)
		}
	}
	d.ParentFileNameHint = decodeText(d.Encoding, p.header["parentfilenamehint"])
	for key, value := range d.DDB {
		d.DDB[key] = decodeText(d.Encoding, value)
	}
	return p.refuseEncrypted()
}

// refuseEncrypted looks for what encrypted disks have in their descriptors:
// keys, and the I/O filter that encrypts.
func (p *parser) refuseEncrypted() *layer.Error {
	encrypted := false
	for key := range p.header {
		encrypted = encrypted || strings.HasPrefix(key, "encryption") || strings.HasPrefix(key, "keysafe")
	}
	for key, value := range p.d.DDB {
		encrypted = encrypted || strings.EqualFold(key, "iofilters") && strings.Contains(strings.ToLower(value), "crypt")
	}
	if !encrypted {
		return nil
	}
	return layer.Errorf(layer.ErrUnsupported, "vmdk", "", -1, "the disk is encrypted")
}

// decodeText is decodeName for what no file is opened by: bytes that cannot
// be decoded appear escaped.
func decodeText(encoding, s string) string {
	text, err := decodeName(encoding, s)
	if err != nil {
		return vnode.Escape([]byte(s))
	}
	return text
}

package restore

import (
	"encoding/xml"
	"fmt"
	"html"
	"path"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/vmdkfs/vmdkfs/internal/charset"
	"github.com/vmdkfs/vmdkfs/internal/vm"
)

// A spelling is how a text writes the names of files.
type spelling struct {
	encoding         string // as the text says; "" when it does not, and its bytes do not either
	escape, unescape func(string) string
}

var (
	xmlEncoding  = regexp.MustCompile(`^(?:\xef\xbb\xbf)?\s*<\?xml[^>]*\sencoding\s*=\s*["']([^"']*)["']`)
	textEncoding = regexp.MustCompile(`(?im)^[ \t]*\.?encoding[ \t]*=[ \t]*"?([^"\r\n]*?)"?[ \t]*\r?$`)
)

// spellingOf returns the spelling of a text, a descriptor or one of a machine.
// Without an encoding it is taken for UTF-8 or windows-1252, as vmdk does, and
// an .vmxf, which is XML, for UTF-8.
func spellingOf(name string, text []byte) spelling {
	s := spelling{"", func(s string) string { return s }, func(s string) string { return s }}
	stated := textEncoding
	switch ext := strings.ToLower(path.Ext(name)); {
	case ext == ".vmxf":
		s, stated = spelling{"utf-8", escapeXML, html.UnescapeString}, xmlEncoding
	case isText(name):
		s = spelling{"", vm.Escape, vm.Unescape}
	}
	if m := stated.FindSubmatch(text); m != nil {
		s.encoding = string(m[1])
	}
	switch {
	case s.encoding != "" || charset.IsASCII(string(text)):
	case utf8.Valid(text):
		s.encoding = "utf-8"
	default:
		s.encoding = "windows-1252"
	}
	return s
}

// read returns a name as it is, and as it stands there when it cannot be
// decoded: no file is called so.
func (s spelling) read(raw string) string {
	name := raw
	if encoding := strings.ToLower(s.encoding); encoding != "utf-8" && encoding != "utf8" {
		var err error
		if name, err = charset.Decode(s.encoding, raw); err != nil {
			return raw
		}
	}
	return s.unescape(name)
}

// write is the inverse of read.
func (s spelling) write(name string) (string, error) {
	raw, err := charset.Encode(s.encoding, s.escape(name))
	if err != nil {
		return "", fmt.Errorf("the name %q cannot be written: %w", name, err)
	}
	return raw, nil
}

func escapeXML(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s)) // a Builder takes everything
	return b.String()
}

package vmdk

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"

	"github.com/vmdkfs/vmdkfs/internal/charset"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

// windows1252 has the characters of the bytes 0x80 to 0x9f. The five that the
// code page leaves out are the control characters of ISO 8859-1, as Windows
// has them.
var windows1252 = [32]rune{
	'€', 0x81, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', 0x8d, 'Ž', 0x8f,
	0x90, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', 0x9d, 'ž', 'Ÿ',
}

// decodeName returns a name in the given encoding as UTF-8. Descriptors that
// name none are UTF-8 where they can be, and else windows-1252, in which
// VMware's programs wrote before they named encodings. The names of encodings
// are those of the Encoding Standard, which has VMware's (GBK, Shift_JIS, Big5,
// EUC-KR, windows-1251), but for ISO 8859-1, which is windows-1252 there. Names
// in ASCII need no decoder: it is a part of every encoding that VMware uses.
func decodeName(encoding, s string) (string, *layer.Error) {
	if charset.IsASCII(s) {
		return s, nil
	}
	switch strings.ToLower(encoding) {
	case "utf-8", "utf8":
		if !utf8.ValidString(s) {
			return "", corrupt("the encoding is UTF-8, and the name %q is not", vnode.Escape([]byte(s)))
		}
		return s, nil
	case "":
		if utf8.ValidString(s) {
			return s, nil
		}
		return decodeBytes(s, windows1252[:]), nil
	case "windows-1252", "cp1252":
		return decodeBytes(s, windows1252[:]), nil
	case "iso-8859-1", "latin1":
		return decodeBytes(s, nil), nil
	}
	table, err := htmlindex.Get(charset.Registered(encoding))
	if err != nil {
		return "", layer.Errorf(layer.ErrUnsupported, "vmdk", "", -1, "the name %q is in the encoding %.80q", vnode.Escape([]byte(s)), encoding)
	}
	text, err := table.NewDecoder().String(s)
	if err != nil || strings.ContainsRune(text, utf8.RuneError) {
		return "", corrupt("the encoding is %s, and the name %q is not", encoding, vnode.Escape([]byte(s)))
	}
	return text, nil
}

// decodeBytes decodes an encoding of one byte a character: upper has those
// from 0x80 on, the others are Unicode's own.
func decodeBytes(s string, upper []rune) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		r := rune(s[i])
		if n := int(r) - 0x80; n >= 0 && n < len(upper) {
			r = upper[n]
		}
		b.WriteRune(r)
	}
	return b.String()
}

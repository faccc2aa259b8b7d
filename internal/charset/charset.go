// Package charset decodes and encodes text whose encoding is named in it, as VMware's
// descriptors and configurations do (encoding = "windows-1252").
package charset

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/ianaindex"

	"github.com/vmdkfs/vmdkfs/internal/vnode"
)

// Decode returns s, which is in the named encoding, as UTF-8. Without a name it
// is UTF-8 where it can be, and else windows-1252, in which VMware's programs
// wrote before they named encodings. Bytes that stand for nothing appear
// escaped, as in names of files. ASCII needs no decoder: it is a part of every
// encoding that these programs write in.
func Decode(name, s string) (string, error) {
	if IsASCII(s) {
		return s, nil
	}
	switch strings.ToLower(name) {
	case "utf-8", "utf8":
		return vnode.Escape([]byte(s)), nil
	case "":
		if utf8.ValidString(s) {
			return s, nil
		}
		return decode(charmap.Windows1252, s)
	}
	e, err := lookup(name)
	if err != nil {
		return "", err
	}
	return decode(e, s)
}

// Encode returns s, which is UTF-8, in the named encoding. What is not ASCII
// needs a name, and has to be in the encoding.
func Encode(name, s string) (string, error) {
	if IsASCII(s) {
		return s, nil
	}
	switch strings.ToLower(name) {
	case "utf-8", "utf8":
		return s, nil
	case "":
		return "", errors.New("no encoding is stated")
	}
	e, err := lookup(name)
	if err != nil {
		return "", err
	}
	raw, err := e.NewEncoder().String(s)
	if err != nil {
		return "", fmt.Errorf("the encoding %.80q lacks characters of it", name)
	}
	return raw, nil
}

func lookup(name string) (encoding.Encoding, error) {
	e, err := ianaindex.IANA.Encoding(Registered(name))
	if err != nil || e == nil {
		return nil, fmt.Errorf("the encoding %.80q", name)
	}
	return e, nil
}

// Registered returns the name under which an encoding is registered that a
// program of VMware's on Windows has named by its code page; all others as they
// are.
func Registered(name string) string {
	switch strings.ToLower(name) {
	case "windows-932":
		return "Shift_JIS"
	case "windows-936":
		return "GBK"
	case "windows-949":
		return "EUC-KR"
	case "windows-950":
		return "Big5"
	}
	return name
}

func decode(e encoding.Encoding, s string) (string, error) {
	return e.NewDecoder().String(s)
}

// IsASCII reports whether s is ASCII only.
func IsASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

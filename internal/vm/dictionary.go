package vm

import (
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"strconv"
	"strings"

	"github.com/vmdkfs/vmdkfs/internal/charset"
	"github.com/vmdkfs/vmdkfs/layer"
)

// maxText is how many bytes a configuration may have. Those of real machines
// have some thousand, a package of a hundred machines some hundred thousand.
const maxText = 4 << 20

// readText returns the text of a configuration.
func readText(fsys fs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, layer.Errorf(err, "vm", name, -1, "")
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxText+1))
	if err != nil {
		return nil, layer.Errorf(err, "vm", name, -1, "")
	}
	if len(text) > maxText {
		return nil, failed(layer.ErrFormat, name, "more than the %d bytes that a configuration may have", maxText)
	}
	return text, nil
}

// A dictionary holds the values of a .vmx or .vmsd by their keys in lower case.
// A key that is missing has the empty value.
type dictionary map[string]string

// parseDictionary decodes lines of the form key = "value". Values have
// characters that would end them as a bar and two hexadecimal digits: |22 is a
// quote. The key .encoding names the encoding of the whole text.
func parseDictionary(name string, text []byte) (dictionary, error) {
	s := strings.TrimPrefix(string(text), "\ufeff")
	s, err := charset.Decode(encodingOf(s), s)
	if err != nil {
		return nil, failed(layer.ErrUnsupported, name, "%v", err)
	}
	d := make(dictionary)
	number := 0
	for line := range strings.Lines(s) {
		number++
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		key, value, err := parseLine(line)
		if err == nil {
			if old, twice := d[key]; twice && old != value {
				err = fmt.Errorf("%s is %.80q here and was %.80q before", key, value, old)
			}
		}
		if err != nil {
			return nil, failed(layer.ErrCorrupt, fmt.Sprintf("%s, line %d", name, number), "%v", err)
		}
		d[key] = value
	}
	return d, nil
}

// encodingOf returns the encoding that text names, or "". That line is ASCII
// in every encoding that is used.
func encodingOf(text string) string {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.ToLower(strings.TrimSpace(line)), ".encoding") {
			if key, value, err := parseLine(strings.TrimSpace(line)); err == nil && key == ".encoding" {
				return value
			}
		}
	}
	return ""
}

// parseLine decodes a line with a key and a value, which may lack its quotes.
func parseLine(line string) (key, value string, err error) {
	key, value, ok := strings.Cut(line, "=")
	key = strings.ToLower(strings.TrimSpace(key))
	if !ok || key == "" || strings.ContainsAny(key, " \t\"\x00") {
		return "", "", fmt.Errorf("neither a comment nor a key with a value: %.80q", line)
	}
	value = strings.TrimSpace(value)
	if inner, quoted := strings.CutPrefix(value, `"`); quoted {
		if value, _, ok = strings.Cut(inner, `"`); !ok {
			return "", "", fmt.Errorf("the quote of %s is not closed", key)
		}
	}
	return key, Unescape(value), nil
}

// barred matches a character in a value that would end it.
var barred = regexp.MustCompile("[\"|#\x00-\x1f]")

// Escape returns a value as it is written: its barred characters as |XX.
func Escape(s string) string {
	return barred.ReplaceAllStringFunc(s, func(c string) string { return fmt.Sprintf("|%02X", c[0]) })
}

// Unescape replaces |XX by the character of that number.
func Unescape(s string) string {
	if !strings.Contains(s, "|") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '|' && i+2 < len(s) {
			if c, err := strconv.ParseUint(s[i+1:i+3], 16, 7); err == nil {
				b.WriteByte(byte(c))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// isFalse reports whether a switch is there and off.
func (d dictionary) isFalse(key string) bool {
	switch strings.ToLower(d[key]) {
	case "false", "no", "n", "off", "0":
		return true
	}
	return false
}

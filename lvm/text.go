package lvm

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxNesting bounds sections within sections. LVM writes four (group,
// logical_volumes, volume, segment); the bound keeps a crafted text from
// exhausting the stack.
const maxNesting = 16

// maxArray bounds the values of an array: two for each stripe, of which
// device-mapper has far fewer.
const maxArray = 1 << 18

// A section is a list of entries in braces, or the whole text.
type section struct {
	raw     string // what lies between the braces
	entries []entry
}

// An entry is a key with its value: an int64, a float64, a string, an array of
// these ([]any) or a *section.
type entry struct {
	key   string
	value any
}

// A syntaxError is where a text leaves the grammar.
type syntaxError struct {
	pos  int // in bytes of the text
	what string
	err  error // of the number; may be nil
}

func (e *syntaxError) Unwrap() error { return e.err }

func (e *syntaxError) Error() string { return fmt.Sprintf("%s at byte %d of the text", e.what, e.pos) }

// A parser reads the grammar of LVM2's configuration and metadata
// (libdm/libdm-config.c):
//
//	text    = { entry }
//	entry   = key ( "{" { entry } "}" | "=" value )
//	value   = scalar | "[" [ scalar { "," scalar } [ "," ] ] "]"
//	scalar  = integer | float | "string" | 'string' | word
//	key     = word | "string" | 'string'
//
// with comments from # to the end of the line. In an array, the comma in front
// of a string in quotes may be missing. In a string in double quotes \"
// and \\ stand for their second character; no other escapes exist. A word ends
// at a blank and at one of #={} only. An integer that begins with 0 is octal, as
// for LVM, which writes none. Strings of the result share the text's memory.
type parser struct {
	text string
	pos  int
}

// parseText parses a metadata text, which a NUL ends. Unlike LVM it refuses a
// key that a section has twice: one of the two would be lost.
func parseText(text string) (*section, error) {
	text, _, _ = strings.Cut(text, "\x00")
	p := &parser{text: text}
	return p.section(0)
}

func (p *parser) fail(pos int, format string, args ...any) error {
	return &syntaxError{pos, fmt.Sprintf(format, args...), nil}
}

// peek skips blanks and comments and returns the byte that follows, 0 at the
// end.
func (p *parser) peek() byte {
	for p.pos < len(p.text) {
		switch c := p.text[p.pos]; c {
		case ' ', '\t', '\n', '\v', '\f', '\r':
			p.pos++
		case '#':
			end := strings.IndexByte(p.text[p.pos:], '\n')
			if end < 0 {
				p.pos = len(p.text)
				return 0
			}
			p.pos += end
		default:
			return c
		}
	}
	return 0
}

// section reads entries up to the brace that closes the section, or the end of
// the text at depth 0.
func (p *parser) section(depth int) (*section, error) {
	start := p.pos
	s := &section{}
	for {
		c := p.peek()
		if (c == 0 && depth == 0) || (c == '}' && depth > 0) {
			s.raw = p.text[start:p.pos]
			return s, p.unique(s, start)
		}
		if c == 0 {
			return nil, p.fail(p.pos, "section without an end")
		}
		e, err := p.entry(depth)
		if err != nil {
			return nil, err
		}
		s.entries = append(s.entries, e)
	}
}

// unique refuses a section with equal keys.
func (p *parser) unique(s *section, pos int) error {
	keys := make([]string, len(s.entries))
	for i, e := range s.entries {
		keys[i] = e.key
	}
	slices.Sort(keys)
	for i := 1; i < len(keys); i++ {
		if keys[i] == keys[i-1] {
			return p.fail(pos, "second %q in the section", keys[i])
		}
	}
	return nil
}

func (p *parser) entry(depth int) (entry, error) {
	pos := p.pos
	key, err := p.word()
	if err != nil {
		return entry{}, err
	}
	if key == "" {
		return entry{}, p.fail(pos, "no key")
	}
	e := entry{key: key}
	switch p.peek() {
	case '{':
		if depth == maxNesting {
			return entry{}, p.fail(p.pos, "more than %d nested sections", maxNesting)
		}
		p.pos++
		if e.value, err = p.section(depth + 1); err == nil {
			p.pos++ // the closing brace
		}
	case '=':
		p.pos++
		alone := p.peek() != '['
		e.value, err = p.value()
		if alone && key == "creation_time" && errors.Is(err, strconv.ErrRange) {
			err = nil // LVM before 2.02.169 wrote such times on 32 bits; nobody knows the right ones
		}
	default:
		err = p.fail(p.pos, "neither = nor { behind %q", key)
	}
	return e, err
}

func (p *parser) value() (any, error) {
	if p.peek() != '[' {
		return p.scalar()
	}
	start := p.pos
	p.pos++
	array := []any{}
	for comma := true; ; {
		switch c := p.peek(); {
		case c == 0:
			return nil, p.fail(start, "array without an end")
		case c == ']':
			p.pos++
			return array, nil
		case !comma && c != '"' && c != '\'':
			return nil, p.fail(p.pos, "no comma between the values of an array")
		case len(array) == maxArray:
			return nil, p.fail(p.pos, "more than %d values in an array", maxArray)
		}
		v, err := p.scalar()
		if err != nil {
			return nil, err
		}
		array = append(array, v)
		if comma = p.peek() == ','; comma {
			p.pos++
		}
	}
}

func (p *parser) scalar() (any, error) {
	c := p.peek()
	pos := p.pos
	if ('0' > c || c > '9') && !strings.ContainsRune("+-.", rune(c)) {
		return p.word()
	}
	for p.pos++; p.pos < len(p.text); p.pos++ {
		if c := p.text[p.pos]; ('0' > c || c > '9') && c != '.' {
			break
		}
	}
	number := p.text[pos:p.pos]
	if strings.Contains(number, ".") {
		f, err := strconv.ParseFloat(number, 64)
		if err != nil {
			return nil, p.fail(pos, "number %q", number)
		}
		return f, nil
	}
	base := 10
	if digits := strings.TrimLeft(number, "+-"); strings.HasPrefix(digits, "0") {
		base = 8
	}
	n, err := strconv.ParseInt(number, base, 64)
	if err != nil {
		return nil, &syntaxError{pos, fmt.Sprintf("number %q", number), err}
	}
	return n, nil
}

// unescape undoes the escapes of a string in double quotes.
var unescape = strings.NewReplacer(`\"`, `"`, `\\`, `\`)

// word reads a string in quotes, or a bare word.
func (p *parser) word() (string, error) {
	quote := p.peek()
	start := p.pos
	if quote != '"' && quote != '\'' {
		n := strings.IndexAny(p.text[p.pos:], " \t\n\v\f\r#={}")
		if n < 0 {
			n = len(p.text) - p.pos
		}
		if n == 0 || quote == '[' || quote == ']' || quote == ',' {
			return "", p.fail(p.pos, "%s where a word or a value is expected", p.found())
		}
		p.pos += n
		return p.text[p.pos-n : p.pos], nil
	}
	escaped := false
	for p.pos++; p.pos < len(p.text); p.pos++ {
		switch c := p.text[p.pos]; {
		case c == '\\' && quote == '"':
			p.pos++
			escaped = true
		case c == quote:
			s := p.text[start+1 : p.pos]
			p.pos++
			if escaped {
				s = unescape.Replace(s)
			}
			return s, nil
		}
	}
	p.pos = len(p.text)
	return "", p.fail(start, "string without an end")
}

// found names what lies at the parser's place, for an error.
func (p *parser) found() string {
	if p.pos >= len(p.text) {
		return "end"
	}
	return strconv.QuoteRune(rune(p.text[p.pos]))
}

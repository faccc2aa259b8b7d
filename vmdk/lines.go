package vmdk

import (
	"iter"
	"strconv"
	"strings"
)

// lines yields the lines of text, numbered from 1 and without spaces around
// them. LF, CRLF and CR end a line.
func lines(text []byte) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		s := strings.TrimPrefix(string(text), "\ufeff")
		s = strings.ReplaceAll(s, "\r\n", "\n")
		s = strings.ReplaceAll(s, "\r", "\n")
		n := 0
		for line := range strings.SplitSeq(s, "\n") {
			n++
			if !yield(n, strings.TrimSpace(line)) {
				return
			}
		}
	}
}

// isDescriptor reports whether a file that begins with head is a descriptor:
// it says so in a comment, or its first line that is none gives a version, by
// which VMware's programs know it.
func isDescriptor(head []byte) bool {
	for _, line := range lines(head) {
		switch comment, ok := strings.CutPrefix(line, "#"); {
		case ok && strings.EqualFold(strings.TrimSpace(comment), "Disk DescriptorFile"):
			return true
		case ok || line == "":
			continue
		}
		key, value, _ := strings.Cut(line, "=")
		version, err := strconv.Atoi(unquote(value))
		return strings.EqualFold(strings.TrimSpace(key), "version") && err == nil && version > 0
	}
	return false
}

// unquote returns a value without the spaces and the quotes around it.
func unquote(s string) string {
	s = strings.TrimSpace(s)
	if inner, ok := strings.CutPrefix(s, `"`); ok {
		s, _, _ = strings.Cut(inner, `"`)
	}
	return s
}

// splitFields splits a line at its spaces, except in quotes, which it takes
// off, and up to a comment. It reports whether the last quote was closed.
func splitFields(line string) (fields []string, closed bool) {
	for {
		line = strings.TrimLeft(line, " \t")
		if line == "" || line[0] == '#' {
			return fields, true
		}
		if line[0] == '"' {
			field, rest, ok := strings.Cut(line[1:], `"`)
			if !ok {
				return nil, false
			}
			fields, line = append(fields, field), rest
			continue
		}
		end := strings.IndexAny(line, " \t")
		if end < 0 {
			end = len(line)
		}
		fields, line = append(fields, line[:end]), line[end:]
	}
}

package vmdkfs

import (
	"path"
	"strings"
)

// An fstabLine is a line of etc/fstab (fstab(5)) that names a file system.
type fstabLine struct {
	source  string // "UUID=...", "/dev/mapper/vg-lv"
	target  string // an absolute path
	fstype  string
	options []string
}

// parseFstab returns the lines of text that mount something. Lines that make
// no sense are left out, as mount does.
func parseFstab(text string) []fstabLine {
	var list []fstabLine
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 3 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		for i, f := range fields[:3] {
			fields[i] = unescapeOctal(f)
		}
		if !strings.HasPrefix(fields[1], "/") {
			continue // swap has none
		}
		l := fstabLine{source: unquote(fields[0]), target: path.Clean(fields[1]), fstype: fields[2]}
		if len(fields) > 3 {
			l.options = strings.Split(fields[3], ",")
		}
		list = append(list, l)
	}
	return list
}

// isBind reports whether the line shows a directory in a second place.
func (l fstabLine) isBind() bool {
	for _, o := range l.options {
		if o == "bind" || o == "rbind" {
			return strings.HasPrefix(l.source, "/")
		}
	}
	return false
}

// local reports whether the line mounts a file system of a disk.
func (l fstabLine) local() bool {
	return strings.HasPrefix(l.source, "/dev/") || tagOf(l.source) != ""
}

// ignored tells of options that choose what of a file system is mounted, as
// those of btrfs do; they are not followed.
func (l fstabLine) ignored() (note string) {
	for _, o := range l.options {
		switch key, _, _ := strings.Cut(o, "="); key {
		case "subvol", "subvolid", "X-mount.subdir":
			note = joinNotes(note, o+" is ignored")
		}
	}
	return note
}

// tagOf returns the tag of a source that is given by one: "UUID" of
// "UUID=...".
func tagOf(source string) string {
	tag, value, _ := strings.Cut(source, "=")
	switch tag {
	case "UUID", "LABEL", "PARTUUID", "PARTLABEL":
		if value != "" { // which every volume without a label would have
			return tag
		}
	}
	return ""
}

// unquote takes away the quotes that the value of a tag may have.
func unquote(s string) string {
	tag, value, ok := strings.Cut(s, "=")
	if n := len(value); ok && n >= 2 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] {
		return tag + "=" + value[1:n-1]
	}
	return s
}

// unescapeOctal replaces escapes as \040, which stands for a space.
func unescapeOctal(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) && isOctal(s[i+1:i+4]) {
			b.WriteByte((s[i+1]-'0')<<6 | (s[i+2]-'0')<<3 | (s[i+3] - '0'))
			i += 3
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// isOctal reports whether s is the number of a byte.
func isOctal(s string) bool {
	return s[0] >= '0' && s[0] <= '3' && s[1] >= '0' && s[1] <= '7' && s[2] >= '0' && s[2] <= '7'
}

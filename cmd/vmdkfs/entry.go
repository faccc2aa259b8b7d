package main

import (
	"io/fs"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/vmdkfs/vmdkfs/layer"
)

// typeName returns the type of a file as JSON has it.
func typeName(mode fs.FileMode) string {
	switch mode.Type() {
	case 0:
		return "file"
	case fs.ModeDir:
		return "dir"
	case fs.ModeSymlink:
		return "symlink"
	case fs.ModeDevice | fs.ModeCharDevice:
		return "char"
	case fs.ModeDevice:
		return "block"
	case fs.ModeNamedPipe:
		return "fifo"
	case fs.ModeSocket:
		return "socket"
	}
	return "unknown"
}

// permBits returns the twelve permission bits of mode as Unix numbers them.
func permBits(mode fs.FileMode) uint32 {
	bits := uint32(mode.Perm())
	for i, m := range []fs.FileMode{fs.ModeSticky, fs.ModeSetgid, fs.ModeSetuid} {
		if mode&m != 0 {
			bits |= 1 << (9 + i)
		}
	}
	return bits
}

// unixOf returns what a Unix file system knows of the file, if it is in one.
func unixOf(info fs.FileInfo) (layer.Unix, bool) {
	sys, ok := info.Sys().(layer.Sys)
	if !ok {
		return layer.Unix{}, false
	}
	return sys.Unix(), true
}

// appendObject appends the JSON object of a file, without the brace at its
// end. What is not known of a file is left out.
func appendObject(b []byte, path string, info fs.FileInfo, target string) []byte {
	mode := info.Mode()
	b = append(b, `{"path":`...)
	b = appendJSON(b, path)
	b = append(b, `,"type":"`...)
	b = append(b, typeName(mode)...)
	b = append(b, `","mode":"`...)
	b = appendOctal(b, permBits(mode))
	b = append(b, '"')
	unix, known := unixOf(info)
	if known {
		b = append(b, `,"uid":`...)
		b = strconv.AppendUint(b, uint64(unix.UID), 10)
		b = append(b, `,"gid":`...)
		b = strconv.AppendUint(b, uint64(unix.GID), 10)
	}
	b = append(b, `,"size":`...)
	b = strconv.AppendInt(b, info.Size(), 10)
	b = appendTime(b, "mtime", info.ModTime())
	if known {
		b = append(b, `,"nlink":`...)
		b = strconv.AppendUint(b, uint64(unix.Links), 10)
		b = append(b, `,"inode":`...)
		b = strconv.AppendUint(b, unix.Inode, 10)
	}
	if mode&fs.ModeSymlink != 0 && target != "" {
		b = append(b, `,"target":`...)
		b = appendJSON(b, target)
	}
	if known && mode&fs.ModeDevice != 0 {
		b = append(b, `,"rdev":"`...)
		b = appendDevice(b, unix, ':')
		b = append(b, '"')
	}
	return b
}

// appendTime appends a member with a time, unless it is not known.
func appendTime(b []byte, key string, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	b = append(b, `,"`...)
	b = append(b, key...)
	b = append(b, `":"`...)
	b = t.UTC().AppendFormat(b, time.RFC3339Nano)
	return append(b, '"')
}

func appendOctal(b []byte, bits uint32) []byte {
	return append(b, '0'+byte(bits>>9&7), '0'+byte(bits>>6&7), '0'+byte(bits>>3&7), '0'+byte(bits&7))
}

func appendDevice(b []byte, unix layer.Unix, between ...byte) []byte {
	b = strconv.AppendUint(b, uint64(unix.Major), 10)
	b = append(b, between...)
	return strconv.AppendUint(b, uint64(unix.Minor), 10)
}

// appendJSON appends s as a JSON string.
func appendJSON(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ' || c == 0x7f:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRuneInString(s[i:])
			b = utf8.AppendRune(b, r) // U+FFFD for what is not UTF-8
			i += n
			continue
		default:
			b = append(b, c)
		}
		i++
	}
	return append(b, '"')
}

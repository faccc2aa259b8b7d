package main

import (
	"io/fs"
	"strconv"
	"time"
)

// The widths of the columns of ls -l. They are fixed, as a listing is printed
// while it is being read; what is wider moves its line to the right.
const (
	linksWidth = 3
	ownerWidth = 5
	sizeWidth  = 11
)

// appendLong appends what ls -l shows in front of the name. Without info,
// only the type is known.
func appendLong(b []byte, kind fs.FileMode, info fs.FileInfo) []byte {
	if info == nil {
		return append(append(b, typeLetter(kind)), "?????????   ?     ?     ?           ? ?                    "...)
	}
	mode := info.Mode()
	b = appendMode(b, mode)
	b = append(b, ' ')
	unix, known := unixOf(info)
	for i, n := range []uint32{unix.Links, unix.UID, unix.GID} {
		width := ownerWidth
		if i == 0 {
			width = linksWidth
		}
		if known {
			b = appendNumber(b, width, uint64(n))
		} else {
			b = append(appendSpaces(b, width-1), '-')
		}
		b = append(b, ' ')
	}
	if mode&fs.ModeDevice != 0 && known {
		device := appendDevice(nil, unix, ',', ' ')
		b = append(appendSpaces(b, sizeWidth-len(device)), device...)
	} else {
		b = appendNumber(b, sizeWidth, uint64(info.Size()))
	}
	b = append(b, ' ')
	if t := info.ModTime(); t.IsZero() {
		b = append(b, "-                   "...)
	} else {
		b = t.UTC().AppendFormat(b, time.RFC3339)
	}
	return append(b, ' ')
}

// appendNumber appends a number with spaces before it to fill width.
func appendNumber(b []byte, width int, n uint64) []byte {
	for limit := uint64(10); width > 1; limit *= 10 {
		if n < limit {
			b = appendSpaces(b, width-1)
			break
		}
		width--
	}
	return strconv.AppendUint(b, n, 10)
}

func appendSpaces(b []byte, n int) []byte {
	const spaces = "           "
	return append(b, spaces[:min(max(n, 0), len(spaces))]...)
}

// typeLetter returns the first letter of ls -l.
func typeLetter(mode fs.FileMode) byte {
	switch mode.Type() {
	case 0:
		return '-'
	case fs.ModeDir:
		return 'd'
	case fs.ModeSymlink:
		return 'l'
	case fs.ModeDevice | fs.ModeCharDevice:
		return 'c'
	case fs.ModeDevice:
		return 'b'
	case fs.ModeNamedPipe:
		return 'p'
	case fs.ModeSocket:
		return 's'
	}
	return '?'
}

// appendMode appends the ten letters of a mode as ls shows them.
func appendMode(b []byte, mode fs.FileMode) []byte {
	b = append(b, typeLetter(mode))
	start := len(b)
	for i := range 9 {
		if mode&(0o400>>i) != 0 {
			b = append(b, "rwx"[i%3])
		} else {
			b = append(b, '-')
		}
	}
	for i, special := range []fs.FileMode{fs.ModeSetuid, fs.ModeSetgid, fs.ModeSticky} {
		if mode&special == 0 {
			continue
		}
		at := start + 3*i + 2
		letter := "sst"[i]
		if b[at] == '-' {
			letter -= 'a' - 'A' // without the right to execute
		}
		b[at] = letter
	}
	return b
}

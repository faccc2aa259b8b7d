package export

import (
	"errors"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/vmdkfs/vmdkfs/internal/charset"
)

// A tarHeader is what a tar archive says of a member in front of its content:
// a block in the ustar format, and before it, in the pax format, records of
// what the block cannot hold. Source: POSIX.1-2001, pax, "pax Interchange
// Format" and "ustar Interchange Format".
//
// archive/tar writes neither the records of GNU tar's sparse files nor owners
// above the machine's int, and takes a quarter of the time of an archive.
type tarHeader struct {
	name, link   string // raw bytes; of a directory with a slash at the end
	kind         byte   // typeflag
	mode         int64
	uid, gid     uint32
	size         int64 // of what follows
	modified     time.Time
	major, minor uint32
	records      []record
}

// A record is one of pax.
type record struct{ key, value string }

// tarBlock is the unit of a tar archive.
const tarBlock = 512

// The kinds of members.
const (
	tarFile    = '0'
	tarHard    = '1'
	tarSymlink = '2'
	tarChar    = '3'
	tarDevice  = '4'
	tarDir     = '5'
	tarFIFO    = '6'
	tarRecords = 'x'
)

// The fields of a ustar header: where they begin, and their widths.
const (
	tarName, tarNameWidth   = 0, 100
	tarMode, tarUID, tarGID = 100, 108, 116
	tarIDWidth              = 8
	tarSize, tarMtime       = 124, 136
	tarNumberWidth          = 12
	tarSum, tarKind         = 148, 156
	tarLink                 = 157
	tarMagic                = 257 // "ustar", NUL, version 00
	tarMajor, tarMinor      = 329, 337
)

var errHeader = errors.New("a name or an attribute has bytes that tar has no place for")

// add adds a record.
func (h *tarHeader) add(key, value string) { h.records = append(h.records, record{key, value}) }

// appendTo appends the blocks of h to b.
func (h *tarHeader) appendTo(b []byte) ([]byte, error) {
	if strings.Contains(h.name, "\x00") || strings.Contains(h.link, "\x00") {
		return nil, errHeader
	}
	h.addNeeded()
	if len(h.records) > 0 {
		slices.SortFunc(h.records, func(a, b record) int { return strings.Compare(a.key, b.key) })
		dir, base := path.Split(strings.TrimSuffix(h.name, "/"))
		size := 0
		for _, r := range h.records {
			size += r.length()
		}
		b = appendUstar(b, &tarHeader{name: dir + "PaxHeaders.0/" + base, kind: tarRecords, mode: 0o644, size: int64(size), modified: time.Unix(0, 0)})
		for _, r := range h.records {
			if strings.ContainsAny(r.key, "=\x00") {
				return nil, errHeader
			}
			b = strconv.AppendInt(b, int64(r.length()), 10)
			b = append(append(append(append(append(b, ' '), r.key...), '='), r.value...), '\n')
		}
		b = append(b, zeros[:-size&(tarBlock-1)]...)
	}
	return appendUstar(b, h), nil
}

// addNeeded adds the records of what the block cannot hold.
func (h *tarHeader) addNeeded() {
	for _, r := range [...]record{{"path", h.name}, {"linkpath", h.link}} {
		if len(r.value) > tarNameWidth || !charset.IsASCII(r.value) {
			h.records = append(h.records, r)
		}
	}
	if !utf8.ValidString(h.name) || !utf8.ValidString(h.link) {
		h.add("hdrcharset", "BINARY") // not the UTF-8 that pax promises
	}
	number := func(key string, n int64, width int) {
		if !fits(n, width) {
			h.add(key, strconv.FormatInt(n, 10))
		}
	}
	number("uid", int64(h.uid), tarIDWidth)
	number("gid", int64(h.gid), tarIDWidth)
	number("SCHILY.devmajor", int64(h.major), tarIDWidth)
	number("SCHILY.devminor", int64(h.minor), tarIDWidth)
	number("size", h.size, tarNumberWidth)
	if h.modified.Nanosecond() != 0 || !fits(h.modified.Unix(), tarNumberWidth) {
		h.add("mtime", paxTime(h.modified))
	}
}

// length returns how many bytes r has, the digits of that number among them.
func (r record) length() int {
	rest := len(" =\n") + len(r.key) + len(r.value)
	n := rest + 1
	for digits := len(strconv.Itoa(n)); n != rest+digits; digits = len(strconv.Itoa(n)) {
		n = rest + digits
	}
	return n
}

// paxTime returns a time as pax has it: seconds, with a fraction.
func paxTime(t time.Time) string {
	sec, nsec := t.Unix(), int64(t.Nanosecond())
	if nsec == 0 {
		return strconv.FormatInt(sec, 10)
	}
	var b []byte
	if sec < 0 {
		b, sec, nsec = append(b, '-'), -(sec + 1), 1e9-nsec
	}
	b = append(strconv.AppendInt(b, sec, 10), '.')
	fraction := strconv.FormatInt(1e9+nsec, 10)[1:]
	return string(append(b, strings.TrimRight(fraction, "0")...))
}

// fits reports whether n is in the range of a field of a header: of octal
// digits, with a NUL at the end.
func fits(n int64, width int) bool { return n >= 0 && n>>(3*(width-1)) == 0 }

// appendUstar appends the block of h. What it cannot hold is cut off, or 0: a
// record has it.
func appendUstar(b []byte, h *tarHeader) []byte {
	var block [tarBlock]byte
	octal := func(at, width int, n int64) {
		if !fits(n, width) {
			n = 0
		}
		for i := at + width - 2; i >= at; i-- {
			block[i] = '0' + byte(n&7)
			n >>= 3
		}
	}
	copy(block[tarName:][:tarNameWidth], h.name)
	octal(tarMode, tarIDWidth, h.mode)
	octal(tarUID, tarIDWidth, int64(h.uid))
	octal(tarGID, tarIDWidth, int64(h.gid))
	octal(tarSize, tarNumberWidth, h.size)
	octal(tarMtime, tarNumberWidth, h.modified.Unix())
	block[tarKind] = h.kind
	copy(block[tarLink:][:tarNameWidth], h.link)
	copy(block[tarMagic:], "ustar\x0000")
	octal(tarMajor, tarIDWidth, int64(h.major))
	octal(tarMinor, tarIDWidth, int64(h.minor))
	// The checksum counts its own field as spaces.
	sum := int64(8 * ' ')
	for _, c := range block {
		sum += int64(c)
	}
	octal(tarSum, 7, sum)
	block[tarSum+7] = ' '
	return append(b, block[:]...)
}

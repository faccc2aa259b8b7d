package iso

import (
	"fmt"
	"strconv"
	"time"
)

const (
	shortDateSize = 7  // ECMA-119 9.1.5
	longDateSize  = 17 // ECMA-119 8.4.26.1

	// The first and last year of a short date, which counts them in a byte.
	firstShortYear = 1900
	lastShortYear  = 1900 + 255

	// A time zone is counted in quarters of an hour.
	quarter = 15 * 60
)

// An instant is a time in microseconds since 1970, as fine as UDF has it. The
// other views have its second.
type instant int64

func instantOf(t time.Time) instant { return instant(t.UnixMicro()) }

func (i instant) time() time.Time { return time.UnixMicro(int64(i)).UTC() }

// fitsShort reports whether a short date can hold the time.
func fitsShort(i instant) bool {
	year := i.time().Year()
	return year >= firstShortYear && year <= lastShortYear
}

// appendShortDate appends a time as the seven bytes of ECMA-119 9.1.5, in UTC.
// A year which they cannot hold becomes the nearest that they can.
func appendShortDate(b []byte, i instant) []byte {
	t := i.time()
	year := min(max(t.Year(), firstShortYear), lastShortYear)
	return append(b, byte(year-firstShortYear), byte(t.Month()), byte(t.Day()), byte(t.Hour()), byte(t.Minute()), byte(t.Second()), 0)
}

// shortDate returns the time that seven bytes hold, the zero time when they
// hold none.
func shortDate(b []byte) time.Time {
	return date(firstShortYear+int(b[0]), int(b[1]), int(b[2]), int(b[3]), int(b[4]), int(b[5]), 0, b[6])
}

// appendLongDate appends a time as the 16 digits of ECMA-119 8.4.26.1, in UTC.
// A year which they cannot hold becomes the nearest that they can.
func appendLongDate(b []byte, i instant) []byte {
	t := i.time()
	year := min(max(t.Year(), 1), 9999)
	return append(fmt.Appendf(b, "%04d%02d%02d%02d%02d%02d00", year, t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second()), 0)
}

// longDate returns the time that 16 digits and a zone hold, the zero time when
// they hold none.
func longDate(b []byte) time.Time {
	var n [7]int
	for i, pos := 0, 0; i < len(n); i++ {
		width := 2
		if i == 0 {
			width = 4
		}
		v, err := strconv.ParseUint(string(b[pos:pos+width]), 10, 16)
		if err != nil {
			return time.Time{}
		}
		n[i], pos = int(v), pos+width
	}
	return date(n[0], n[1], n[2], n[3], n[4], n[5], n[6], b[16])
}

// date returns a time of its parts. What is no day of a calendar is the zero
// time: writers fill dates that they do not record with zeros.
func date(year, month, day, hour, minute, second, hundredths int, zone byte) time.Time {
	if year < 1 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60 {
		return time.Time{}
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, hundredths*1e7, time.UTC)
	return t.Add(-time.Duration(int8(zone)) * quarter * time.Second)
}

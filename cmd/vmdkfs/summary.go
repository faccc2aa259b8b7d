package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/vmdkfs/vmdkfs"
)

// A summary counts what a command has written.
type summary struct {
	files   int64 // of every type but directories
	dirs    int64
	skipped int64 // files that were there already
	bytes   int64 // of data
	planned bool  // nothing was written, this is what would be
}

// writing is with for a command that writes files. What it counts is the last
// word on standard error, whether that is a terminal or not, unless --quiet
// forbids it. With --json everything on standard error is an object, one a
// line: failures, warnings, the summary.
func (a *app) writing(image string, do func(d *vmdkfs.Disk) (summary, error)) error {
	a.events = a.json
	return a.with(image, func(d *vmdkfs.Disk) error {
		s, err := do(d)
		a.summary = &s
		return err
	})
}

// printSummary says what was written, if anything was to be.
func (a *app) printSummary(interrupted bool) {
	if a.summary == nil || a.quiet {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	s, seconds := *a.summary, time.Since(a.start).Seconds()
	if a.events {
		a.event(struct {
			Event       string  `json:"event"`
			DryRun      bool    `json:"dry_run"`
			Files       int64   `json:"files"`
			Dirs        int64   `json:"dirs"`
			Skipped     int64   `json:"skipped"`
			Bytes       int64   `json:"bytes"`
			Failed      int64   `json:"failed"`
			Seconds     float64 `json:"seconds"`
			Interrupted bool    `json:"interrupted"`
		}{"summary", s.planned, s.files, s.dirs, s.skipped, s.bytes, a.failures, seconds, interrupted})
		return
	}
	if s == (summary{}) && a.failed {
		return // the lines above say it all
	}
	parts := []string{count(s.files, "file"), number(s.dirs) + " " + plural(s.dirs, "directory", "directories")}
	switch {
	case s.planned:
		parts = append(parts, sizeText(s.bytes)+" would be written")
	case s.bytes > 0 && seconds > 0:
		parts = append(parts, sizeText(s.bytes)+" in "+durationText(seconds), sizeText(int64(float64(s.bytes)/seconds))+"/s")
	default:
		parts = append(parts, sizeText(s.bytes)+" in "+durationText(seconds))
	}
	if s.skipped > 0 {
		parts = append(parts, number(s.skipped)+" skipped")
	}
	if a.failures > 0 {
		parts = append(parts, number(a.failures)+" failed")
	}
	fmt.Fprintf(a.stderr, "vmdkfs: %s\n", strings.Join(parts, ", "))
}

// event prints an object on standard error; a.mu is held.
func (a *app) event(v any) {
	line, err := json.Marshal(v)
	if err != nil {
		return // there is nothing in an event that JSON cannot hold
	}
	a.stderrNow().Write(append(line, '\n'))
}

// count returns n with a noun.
func count[N int | int64](n N, noun string) string {
	return number(int64(n)) + " " + plural(int64(n), noun, noun+"s")
}

func plural(n int64, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// number returns n with a comma between thousands.
func number(n int64) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// durationText returns seconds as people say them.
func durationText(seconds float64) string {
	switch d := time.Duration(seconds * float64(time.Second)); {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < 10*time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	default:
		return d.Round(time.Second).String()
	}
}

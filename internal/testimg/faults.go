package testimg

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/vmdkfs/vmdkfs/layer"
)

// faultyReads is at how many of its reads, spread evenly, `go test` lets an
// image fail; VMDKFS_FAULTS is for more. faultyFiles is the bound of the walks,
// which is that of no image: a directory that fails would change what is seen
// elsewhere.
const (
	faultyReads = 40
	faultyFiles = 1 << 20
)

// A fault is what happens to one read, and to those behind it, of a source.
type fault struct {
	name string
	text string // that the errors have which come of it
	// read answers the nth read of r from the one that fails on, from 0.
	read func(r io.ReaderAt, n int64, p []byte, off int64) (int, error)
}

// late is the name of the fault that is none: the read takes longer.
const late = "late"

// endsEarly is in the errors of what a short read cost: "unexpected EOF", or that
// the source ends.
const endsEarly = "EOF"

// faults are the ways in which storage fails.
var faults = []fault{
	{"once", ErrSource.Error(), func(r io.ReaderAt, n int64, p []byte, off int64) (int, error) {
		if n > 0 {
			return r.ReadAt(p, off)
		}
		return 0, ErrSource
	}},
	{"for good", ErrSource.Error(), func(io.ReaderAt, int64, []byte, int64) (int, error) { return 0, ErrSource }},
	{"half of it", ErrSource.Error(), func(r io.ReaderAt, n int64, p []byte, off int64) (int, error) {
		m, _ := r.ReadAt(p[:len(p)/2], off)
		return m, ErrSource
	}},
	{"short", endsEarly, func(r io.ReaderAt, n int64, p []byte, off int64) (int, error) {
		m, _ := r.ReadAt(p[:len(p)/2], off)
		return m, io.EOF
	}},
	{"short, without an error", endsEarly, func(r io.ReaderAt, n int64, p []byte, off int64) (int, error) {
		m, _ := r.ReadAt(p[:len(p)/2], off)
		return m, nil
	}},
	{late, "nothing fails", func(r io.ReaderAt, n int64, p []byte, off int64) (int, error) {
		for range 100 {
			runtime.Gosched()
		}
		return r.ReadAt(p, off)
	}},
}

// A trigger counts reads, and lets those fail that come at one of them or later.
// Without a fault it only counts.
type trigger struct {
	from  int64
	count atomic.Int64
	fault func(r io.ReaderAt, n int64, p []byte, off int64) (int, error)
}

func (t *trigger) read(r io.ReaderAt, p []byte, off int64) (int, error) {
	if n := t.count.Add(1) - 1 - t.from; n >= 0 && t.fault != nil {
		return t.fault(r, n, p, off)
	}
	return r.ReadAt(p, off)
}

// A failing source has a fault from one of its reads on.
type failing struct {
	io.ReaderAt
	*trigger
}

func (f failing) ReadAt(p []byte, off int64) (int, error) { return f.read(f.ReaderAt, p, off) }

// spread yields which of so many reads are to fail: some of them, or as many as
// VMDKFS_FAULTS says.
func spread(reads int64, some int) iter.Seq[int64] {
	return func(yield func(int64) bool) {
		for n := int64(0); n < reads && yield(n); n += max(1, reads/int64(number("VMDKFS_FAULTS", some))) {
		}
	}
}

// Faults opens and walks images of s whose source fails in some way at its nth
// read, for every n. What is told then is what is told of the sound image, or
// the failure of the source itself: never other bytes, never corruption, and
// never less without an error.
func Faults(t *testing.T, s Subject, names ...string) {
	t.Helper()
	for _, name := range names {
		image := s.Images[name]
		if image == nil {
			t.Fatalf("no image %q", name)
		}
		walk := func(r io.ReaderAt) (string, error) {
			fsys, err := s.Open(name, r, int64(len(image)))
			if err != nil {
				return "", err
			}
			defer closeFS(fsys)
			text := fingerprint(fsys, faultyFiles)
			if s.Warnings != nil {
				for _, w := range s.Warnings(fsys) {
					text += fmt.Sprintf("%s%v\n", warningLine, w)
				}
			}
			return text, nil
		}
		sound := new(trigger)
		want, err := walk(failing{bytes.NewReader(image), sound})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		reads := sound.count.Load()
		for _, fault := range faults {
			for n := range spread(reads, faultyReads) {
				got, err := walk(failing{bytes.NewReader(image), &trigger{from: n, fault: fault.read}})
				if err != nil {
					// What ends early is not to be told from an image that was copied short.
					isKind := errors.Is(err, layer.ErrCorrupt) || errors.Is(err, layer.ErrFormat)
					if fault.text != endsEarly && (isKind || !strings.Contains(err.Error(), fault.text)) {
						t.Errorf("%s, read %d of %d fails %s: opening: %v", name, n, reads, fault.name, err)
					}
				} else if line := falseLine(want, got, fault.text); line != "" {
					t.Errorf("%s, read %d of %d fails %s: %s", name, n, reads, fault.name, line)
				}
				if t.Failed() {
					return
				}
			}
		}
	}
}

// falseLine compares what a walk sees while its source fails with what it
// should see. A line may be that of the failure, and what lies below a
// directory that failed may be missing.
func falseLine(want, got, text string) string {
	told := make(map[string]bool)
	var failed []string // of which some may be missing
	redundant := false
	for line := range strings.Lines(got) {
		told[line] = true
		if tells(line, text) {
			if text == ErrSource.Error() && strings.Contains(line, "("+layer.ErrCorrupt.Error()) {
				return "a failure is called corruption: " + line
			}
			name, _, _ := strings.Cut(line, ": ")
			if strings.HasPrefix(line, warningLine) {
				name, redundant = ".", true // a member is left out
			}
			failed = append(failed, name)
		}
	}
	excused := func(line string) bool {
		for _, f := range failed {
			if f == "." || strings.HasPrefix(line, f+": ") || strings.HasPrefix(line, f+"/") {
				return true
			}
		}
		return false
	}
	known := make(map[string]bool)
	for line := range strings.Lines(want) {
		known[line], known[withoutExtents(line)] = true, true
		if !told[line] && !excused(line) {
			return fmt.Sprintf("missing: %s%s of\n%.1000s", line, near(got, line), got)
		}
	}
	for line := range strings.Lines(got) {
		switch {
		case known[line] || tells(line, text) || strings.HasPrefix(line, warningLine):
		case excused(line) && (failedPart(line) || strings.Contains(line, brokenVolume)), redundant && known[withoutExtents(line)]:
		case excused(line) && !known[line[:strings.Index(line, ": ")+2]] && !strings.Contains(want, "\n"+line[:strings.Index(line, ": ")+2]):
			// what is there instead of what cannot be read: a disk without its table
		default:
			return fmt.Sprintf("false (%v, %v): %s%s", redundant, failed, line, near(want, line))
		}
	}
	return ""
}

// tells reports whether a line has the error of a fault.
func tells(line, text string) bool {
	return strings.Contains(line, text) || text == endsEarly && strings.Contains(line, "the source ends")
}

// near returns the line of text about the same file.
func near(text, line string) string {
	name := line[:strings.Index(line, ": ")+2]
	for l := range strings.Lines(text) {
		if strings.HasPrefix(l, name) {
			return l
		}
	}
	return ""
}

// warningLine begins the line of a warning.
const warningLine = "a warning: "

// withoutExtents returns the line of a file without the places of its data,
// which are others when it is read from another copy.
func withoutExtents(line string) string {
	line, _, _ = strings.Cut(line, " {")
	return line
}

// brokenVolume is in the line of a volume whose file system cannot be opened:
// a directory, of which the listing is the error.
const brokenVolume = ": dr-xr-xr-x 0 0001-01-01"

// failedPart reports whether a line tells of parts that are missing.
func failedPart(line string) bool { return strings.Contains(line, layer.ErrIncomplete.Error()) }

// BadSectors makes one sector of the data of a file unreadable, for one file
// after another, and fails the test when that costs another file anything, or
// not this one's reader the error of the source.
func BadSectors(t *testing.T, s Subject, names ...string) {
	t.Helper()
	for _, name := range names {
		image := s.Images[name]
		bad := &badSector{ReaderAt: bytes.NewReader(image), at: -1}
		fsys, err := s.Open(name, bad, int64(len(image)))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want, tried := fingerprint(fsys, faultyFiles), 0
		users, places := dataSectors(fsys)
		for _, at := range places {
			if tried++; tried > 10 {
				break
			}
			bad.at = -1
			fresh, err := s.Open(name, bad, int64(len(image)))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			bad.at = at
			got := fingerprint(fresh, faultyFiles)
			failed := make(map[string]bool)
			for line := range strings.Lines(got) {
				if strings.Contains(line, ErrSource.Error()) {
					failed[line[:strings.Index(line, ": ")]] = true
				}
			}
			for _, user := range users[at] {
				if !failed[user] {
					t.Errorf("%s: %s is read without its byte %d", name, user, at)
				}
				delete(failed, user)
			}
			if len(failed) > 0 {
				t.Errorf("%s: byte %d of %v costs %v", name, at, users[at], failed)
			}
			if line := falseLine(want, got, ErrSource.Error()); line != "" {
				t.Errorf("%s: byte %d: %s", name, at, line)
			}
			if closeFS(fresh); t.Failed() {
				return
			}
		}
		if closeFS(fsys); tried == 0 {
			t.Fatalf("%s: no file has data of its own", name)
		}
	}
}

// badSector is a source of which one sector cannot be read.
type badSector struct {
	io.ReaderAt
	at int64
}

func (b *badSector) ReadAt(p []byte, off int64) (int, error) {
	if b.at >= 0 && off < b.at+sector && b.at < off+int64(len(p)) {
		return 0, ErrSource
	}
	return b.ReaderAt.ReadAt(p, off)
}

// dataSectors returns sectors that hold data of files, the first of each, and
// whose they are.
func dataSectors(fsys fs.FS) (users map[int64][]string, places []int64) {
	users = make(map[int64][]string)
	_ = fs.WalkDir(fsys, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return nil
		}
		f, err := e.(layer.DirEntry).Open()
		if err != nil {
			return nil
		}
		defer f.Close()
		for x, err := range f.(layer.File).Extents() {
			if at := x.Physical; err == nil && at > 0 && at%sector == 0 && x.Offset < exerciseBytes {
				if users[at] == nil {
					places = append(places, at)
				}
				users[at] = append(users[at], name)
			}
			break
		}
		return nil
	})
	return users, places
}

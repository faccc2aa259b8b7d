package vmdkfs

import (
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

// linuxSystem reads what a Linux system says of itself.
func (g *Guest) linuxSystem() (s System, err error) {
	var errs []error
	read := func(name string) string {
		text, err := g.readText(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
		return string(text)
	}
	release := read("etc/os-release")
	if release == "" {
		release = read("usr/lib/os-release")
	}
	s.Name, s.Version = releaseField(release, "PRETTY_NAME"), releaseField(release, "VERSION_ID")
	s.Hostname = strings.TrimSpace(read("etc/hostname"))
	if s.TimeZone = strings.TrimSpace(read("etc/timezone")); s.TimeZone == "" {
		if target, err := g.ReadLink("etc/localtime"); err == nil { // a file, or nothing, says nothing
			_, s.TimeZone, _ = strings.Cut(target, "zoneinfo/")
		}
	}
	if s.Shutdown, err = g.lastShutdown(); err != nil {
		errs = append(errs, err)
	}
	return s, join(errs)
}

// maxGuestText is how many bytes a file of the guest's configuration may have
// that is read as a whole: an image can say that it has any number of them.
const maxGuestText = 1 << 20

// readText reads a file of the guest's configuration.
func (g *Guest) readText(name string) ([]byte, error) {
	info, err := g.Stat(name)
	switch {
	case err != nil:
		return nil, err
	case info.Size() > maxGuestText:
		return nil, &fs.PathError{Op: "read", Path: name, Err: guestError(layer.ErrUnsupported, "%d bytes, more than %d", info.Size(), maxGuestText)}
	}
	return g.ReadFile(name)
}

// releaseField returns the value of a field of os-release(5).
func releaseField(text, key string) string {
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), key+"="); ok {
			return strings.Trim(value, `"'`)
		}
	}
	return ""
}

// A record of var/log/wtmp (utmp(5)), as glibc has it on machines of 64-bit
// x86 and all of 32 bits.
const (
	utmpSize = 384
	utmpUser = 44 // 32 bytes
	utmpTime = 340
	runLevel = 1 // the type of the record of a shutdown, whose user is "shutdown"

	// maxWtmp is how much of the file's end is searched: a year of a busy
	// machine.
	maxWtmp = 1 << 20
)

// lastShutdown returns the time of the last shutdown that var/log/wtmp records;
// the zero time where there is none, or no such file.
func (g *Guest) lastShutdown() (time.Time, error) {
	file, err := g.Open("var/log/wtmp")
	if errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	defer file.Close()
	f, ok := file.(layer.File)
	if !ok || f.Size()%utmpSize != 0 {
		return time.Time{}, nil // of another machine, or no log
	}
	records, err := ondisk.Read(f, max(0, f.Size()-maxWtmp/utmpSize*utmpSize), min(f.Size(), maxWtmp/utmpSize*utmpSize))
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return time.Time{}, err
	}
	for at := len(records) - utmpSize; at >= 0; at -= utmpSize {
		r := records[at:][:utmpSize]
		if binary.LittleEndian.Uint16(r) == runLevel && untilNUL(r[utmpUser:][:32]) == "shutdown" {
			return time.Unix(int64(binary.LittleEndian.Uint32(r[utmpTime:])), 0).UTC(), nil
		}
	}
	return time.Time{}, nil
}

package testimg

import (
	"errors"
	"io"
	"io/fs"
	"strings"
)

// A Storage is a file system whose reads, of all files together, may fail.
type Storage struct {
	fault   *fault // nil for one that is sound
	trigger *trigger
}

// Fails says how it fails, for messages.
func (s *Storage) Fails() string {
	if s.fault == nil {
		return "never"
	}
	return s.fault.name
}

// FailsLate reports whether reads only take longer.
func (s *Storage) FailsLate() bool { return s.fault != nil && s.fault.name == late }

// Tells reports whether a line is about the failure.
func (s *Storage) Tells(line string) bool {
	return s.fault != nil && (tells(line, s.fault.text) || s.fault.text == endsEarly && strings.Contains(line, "incomplete"))
}

// From returns the number of the read that fails.
func (s *Storage) From() int64 { return s.trigger.from }

// FS returns fsys as it is when it lies on s.
func (s *Storage) FS(fsys fs.FS) fs.FS { return faultyFS{fsys, s.trigger} }

// EachStorage calls do with a storage that is sound, then with those that fail:
// in every way, and for each at some reads that are spread over those that do
// made of the sound one; VMDKFS_FAULTS is for more. It stops when do returns
// false.
func EachStorage(some int, do func(s *Storage) bool) {
	sound := new(trigger)
	if !do(&Storage{nil, sound}) {
		return
	}
	for i := range faults {
		for n := range spread(sound.count.Load(), some) {
			if !do(&Storage{&faults[i], &trigger{from: n, fault: faults[i].read}}) {
				return
			}
		}
	}
}

type faultyFS struct {
	fs.FS
	trigger *trigger
}

func (f faultyFS) Open(name string) (fs.File, error) {
	file, err := f.FS.Open(name)
	if err != nil {
		return nil, err
	}
	if dir, ok := file.(fs.ReadDirFile); ok {
		if info, err := file.Stat(); err == nil && info.IsDir() {
			return dir, nil
		}
	}
	return &faultyFile{File: file, trigger: f.trigger}, nil
}

func (f faultyFS) Stat(name string) (fs.FileInfo, error)      { return fs.Stat(f.FS, name) }
func (f faultyFS) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(f.FS, name) }

type faultyFile struct {
	fs.File
	trigger *trigger
	pos     int64
}

func (f *faultyFile) ReadAt(p []byte, off int64) (int, error) {
	r, ok := f.File.(io.ReaderAt)
	if !ok {
		return 0, errors.New("no io.ReaderAt")
	}
	return f.trigger.read(r, p, off)
}

func (f *faultyFile) Read(p []byte) (int, error) {
	n, err := f.ReadAt(p, f.pos)
	f.pos += int64(n)
	return n, err
}

package iso

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/vmdkfs/vmdkfs/layer"
)

// A Report tells what an image holds, and what it does not.
type Report struct {
	Size    int64 // of the image, in bytes
	Entries int   // files of all types, the root among them
	Dirs    int   // directories among them
	Data    int64 // bytes of files, without padding, hard links once
	// Errors holds one error for each file that could not be read, in the
	// order in which they were met: an *fs.PathError with the file's path in
	// the source. The image is whole nevertheless: a file
	// or directory that could not be described is not in it, a directory that
	// could not be listed has what was listed, and a file whose data could not
	// be read, or had changed, has its size, with zeros from there on.
	Errors []error
}

// Err returns all errors as one, or nil.
func (r *Report) Err() error { return errors.Join(r.Errors...) }

func (r *Report) add(err error) { r.Errors = append(r.Errors, err) }

// settings are what the options of Write change.
type settings struct {
	ctx        context.Context
	label      string
	date       time.Time
	paths      []string
	jolietMax  int
	udf        bool
	manifest   bool
	progress   func(done, total int64)
	file       func(name string, files int)
	maxSection int64
	maxExtent  int64
	maxDepth   int
}

// A WriteOption changes what Write does.
type WriteOption func(*settings)

// WithContext makes Write end with the context's error once it is done.
func WithContext(ctx context.Context) WriteOption { return func(s *settings) { s.ctx = ctx } }

// WithLabel names the volume; without it, it is "VMDKFS". The primary
// descriptor has room for 32 characters of ASCII, that of Joliet for 16 of
// UCS-2: a longer label is cut there.
func WithLabel(label string) WriteOption { return func(s *settings) { s.label = label } }

// WithTime sets the time at which the volume was made, which is now without
// it. It is also the time of files that have none. With it, equal trees make
// equal images.
func WithTime(t time.Time) WriteOption { return func(s *settings) { s.date = t } }

// WithPaths takes only these files and directories from the source, with all
// that lies below them, at their paths: the directories above them are in the
// image as well. A path that is not there is an error before anything is
// written. To begin the image at a directory, use [fs.Sub].
func WithPaths(paths ...string) WriteOption { return func(s *settings) { s.paths = paths } }

// WithLongJoliet lets names in Joliet have 103 characters, where its
// specification has 64, as mkisofs -joliet-long does.
func WithLongJoliet() WriteOption { return func(s *settings) { s.jolietMax = jolietLongLength } }

// WithoutUDF leaves the UDF file system out, which takes 2 KiB for each file and
// half a MiB for all, and without which Windows sees the Joliet names.
func WithoutUDF() WriteOption { return func(s *settings) { s.udf = false } }

// WithManifest adds a directory VMDKFS to the root, or VMDKFS-1 and so on where
// there is one, with a file MANIFEST.TXT: what the image holds, what could not
// be read, and what no view of an image can hold.
func WithManifest() WriteOption { return func(s *settings) { s.manifest = true } }

// WithProgress has f called after each write, with the bytes written so far
// and those of the whole image.
func WithProgress(f func(done, total int64)) WriteOption {
	return func(s *settings) { s.progress = f }
}

// WithFile has f called before the data of each file is read, with the file's
// path in the source and how many files there are, without directories.
func WithFile(f func(name string, files int)) WriteOption { return func(s *settings) { s.file = f } }

// Write writes an image of fsys to w, from its first byte to its last. It
// reads all metadata before it writes, and each file once.
//
// Names and targets are taken as layers escape them when the entries of fsys
// are [layer.DirEntry] values, and as they are otherwise. Modes are those of
// io/fs; owners, link counts, devices, and the times other than the
// modification time come from [layer.Sys], or from the host's own stat on
// Linux.
//
// An error means that there is no image: w failed, the context ended, the root
// or a path asked for could not be read, or the tree is larger than an image
// can be ([layer.ErrUnsupported]). What else could not be read is in the
// report, which is never nil.
func Write(w io.Writer, fsys fs.FS, opts ...WriteOption) (*Report, error) {
	s := settings{ctx: context.Background(), label: "VMDKFS", jolietMax: jolietLength, udf: true, maxSection: maxSection, maxExtent: maxExtent, maxDepth: maxDepth}
	for _, opt := range opts {
		opt(&s)
	}
	if s.date.IsZero() {
		s.date = time.Now()
	}
	report := &Report{}
	return report, s.write(w, fsys, report)
}

func (s *settings) write(w io.Writer, fsys fs.FS, report *Report) error {
	var wanted selection
	if s.paths != nil {
		var err error
		if wanted, err = selectPaths(s.paths); err != nil {
			return err
		}
	}
	date := instantOf(s.date)
	walk := walker{ctx: s.ctx, fsys: fsys, date: date, linked: make(map[fileID]*link), attrs: make(map[attr]*attr), report: report, maxDepth: s.maxDepth}
	if s.manifest {
		walk.manifest = new(node)
	}
	root, err := walk.walk(wanted)
	if err != nil {
		return err
	}
	m := &image{
		root: root, label: s.label, date: date, jolietMax: s.jolietMax, maxSection: s.maxSection,
		hasUDF: s.udf, maxExtent: s.maxExtent, serials: walk.serial,
	}
	if s.manifest {
		m.manifest = &manifest{file: walk.manifest, report: report, entries: walk.entries}
	}
	if err := m.lay(); err != nil {
		return err
	}
	report.Entries, report.Dirs, report.Data, report.Size = walk.entries, walk.dirs, m.data, int64(m.sectors)*sectorSize
	out := &sink{w: w, ctx: s.ctx, total: report.Size, progress: s.progress}
	if err := out.sections(m.front); err != nil {
		return err
	}
	if err := m.writeData(out, fsys, report, s.file); err != nil {
		return err
	}
	if m.manifest != nil {
		m.finishManifest()
	}
	if err := out.sections(m.back); err != nil {
		return err
	}
	return out.check("data", report.Size)
}

// sections writes all that lies before the data, or behind it.
func (s *sink) sections(list []section) error {
	buf := bufio.NewWriterSize(s, chunkSize/4)
	for _, part := range list {
		if err := part.write(buf); err != nil {
			return err
		}
		if err := s.check(part.name, part.end*sectorSize-int64(buf.Buffered())); err != nil {
			return err
		}
	}
	return buf.Flush()
}

// writeDescriptors writes the set of volume descriptors.
func (m *image) writeDescriptors(w io.Writer) error {
	for _, d := range []*volumeDescriptor{m.descriptor(primary), m.descriptor(joliet), terminator()} {
		if _, err := w.Write(d[:]); err != nil {
			return err
		}
	}
	return nil
}

// A sink counts what reaches the caller's writer.
type sink struct {
	w        io.Writer
	ctx      context.Context
	done     int64
	total    int64
	progress func(done, total int64)
}

func (s *sink) Write(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := s.w.Write(p)
	s.done += int64(n)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return n, layer.Errorf(err, layerName, "", s.done, "the image cannot be written")
	}
	if s.progress != nil {
		s.progress(s.done, s.total)
	}
	return n, nil
}

// check fails when what was written does not end where the layout says: all
// that follows would lie elsewhere than the directories tell.
func (s *sink) check(name string, end int64) error {
	if s.done != end {
		return fmt.Errorf("iso: %s end at byte %d, not at %d", name, s.done, end)
	}
	return nil
}

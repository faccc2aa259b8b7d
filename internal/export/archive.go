package export

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/internal/walk"
	"github.com/vmdkfs/vmdkfs/layer"
)

// An archive is a stream of files that is being written.
type archive struct {
	ctx     context.Context
	fsys    walk.FS
	opts    Options
	notes   notes
	summary Summary
	names   map[fileID]string // what the first name of a file with several is called, once it is written
	buf     []byte
}

// A member is a file with its place in an archive.
type member struct {
	walk.Entry
	info fs.FileInfo
	name string // in the archive, as raw bytes; "." for a directory whose content is wanted

	// Of a regular file:
	file  fs.File
	start []byte // what it begins with, all of it when a buffer holds that
}

// A format writes members to an archive of one kind. Errors that are not
// fatal are about the member alone, of which nothing was written.
type format interface {
	member(m *member) error
	// link writes another name of a file that was written. It is
	// errors.ErrUnsupported where the format has no links.
	link(m *member, to string) error
	close() error
}

// A fatal error ends an archive: its output cannot be written.
type fatal struct{ error }

func (f fatal) Unwrap() error { return f.error }

// errLeftOut is what a format returns for a member that it cannot hold and has
// noted.
var errLeftOut = errors.New("left out")

// write writes sources to w, in the format that open returns for it. Reading
// and writing overlap.
func write(ctx context.Context, fsys walk.FS, sources []Source, w io.Writer, opts Options, open func(*archive, io.Writer) format) (Summary, error) {
	a := &archive{ctx: ctx, fsys: fsys, opts: opts, names: make(map[fileID]string), buf: make([]byte, bufferSize)}
	out := newAhead(w)
	f := open(a, out)
	err := a.sources(fsys, sources, f)
	if err == nil {
		err = f.close()
	}
	if e := out.close(err == nil); err == nil {
		err = e
	}
	a.notes.tell(opts.Note)
	if end := (fatal{}); errors.As(err, &end) {
		err = end.error
	}
	return a.summary, err
}

// sources writes all members of all sources.
func (a *archive) sources(fsys walk.FS, sources []Source, f format) error {
	taken := make(map[string]bool)
	for _, s := range sources {
		t, err := newTree(fsys, s, a.opts.Filter)
		if err != nil {
			a.fail(s.Path, err)
			continue
		}
		top := path.Base(s.Path)
		if t.content() {
			top = "."
		}
		if taken[top] {
			a.fail(s.Path, fmt.Errorf("two files are called %q", top))
			continue
		}
		taken[top] = true
		for e, err := range t.all() {
			if err := a.ctx.Err(); err != nil {
				return err
			}
			if err != nil {
				a.fail(e.Path, err)
				continue
			}
			ok, err := a.write(f, &member{Entry: e, name: vnode.Raw(t.nameIn(top, e))})
			if err != nil {
				return err
			}
			if !ok {
				t.skipDir() // of a directory that is not there, nothing else can be
			}
		}
	}
	return nil
}

// write writes one file, and those that are made of its named streams. It
// reports whether the file itself is in the archive, or left out with a note;
// an error ends the archive.
func (a *archive) write(f format, m *member) (ok bool, err error) {
	if a.opts.Start != nil {
		a.opts.Start(m.Path)
	}
	err = a.member(f, m)
	var streams []walk.Entry
	if err == nil && m.name == "." {
		if a.opts.hasStreamFiles(m.info) {
			a.notes.add(noteOwnStreams)
		}
	} else if err == nil {
		streams, err = a.opts.streamsOf(a.fsys, m.Entry, m.info)
	}
	switch {
	case err == nil:
	case err == errLeftOut:
		return true, nil
	case errors.As(err, new(fatal)):
		return false, err
	default:
		a.fail(m.Path, err)
		return false, nil
	}
	for _, e := range streams {
		if _, err := a.write(f, &member{Entry: e, name: m.name + streamSuffix(e)}); err != nil {
			return true, err
		}
	}
	return true, nil
}

// member writes one file.
func (a *archive) member(f format, m *member) (err error) {
	if raw := m.name[strings.LastIndexByte(m.name, '/')+1:]; raw != "." && !vnode.Valid([]byte(raw)) {
		return fs.ErrInvalid
	}
	if m.info, err = m.Info(); err != nil {
		return err
	}
	var id fileID
	if sys, ok := m.info.Sys().(layer.Sys); ok && !m.info.IsDir() {
		if unix := sys.Unix(); unix.Links > 1 {
			id = fileID{unix.Volume, unix.Inode}
			if to, ok := a.names[id]; ok {
				if err := f.link(m, to); err != errors.ErrUnsupported {
					return a.count(m, err)
				}
			}
		}
	}
	if m.info.Mode().IsRegular() {
		if m.file, err = open(m.Entry, m.info); err != nil {
			return err
		}
		defer m.file.Close()
		m.start = a.buf[:min(int64(len(a.buf)), m.info.Size())]
		if err := m.readFull(m.start, 0); err != nil {
			return err
		}
	}
	err = a.count(m, f.member(m))
	if err == nil && id.volume != nil {
		a.names[id] = m.name
	}
	return err
}

// count counts a member that was written without an error.
func (a *archive) count(m *member, err error) error {
	switch {
	case err != nil:
	case m.info.IsDir():
		a.summary.Dirs++
	default:
		a.summary.Files++
	}
	return err
}

// readFull fills p from the source.
func (m *member) readFull(p []byte, off int64) error {
	r, ok := m.file.(io.ReaderAt)
	if !ok {
		return errNoReaderAt
	}
	return ondisk.ReadFull(r, p, off)
}

// content writes length bytes of m from off on to w. Its place in the archive
// has its size by now: what cannot be read is reported, and zeros stand for
// the rest of it.
func (a *archive) content(w io.Writer, m *member, off, length int64, broken *bool) error {
	for end := off + length; off < end; {
		if err := a.ctx.Err(); err != nil {
			return fatal{err}
		}
		var part []byte
		if off < int64(len(m.start)) {
			part = m.start[off:min(int64(len(m.start)), end)]
		} else {
			// The start is written when what lies behind it is read.
			part = a.buf[:min(int64(len(a.buf)), end-off)]
			m.start = nil
			if !*broken {
				if err := m.readFull(part, off); err != nil {
					a.fail(m.Path, fmt.Errorf("zeros stand for what lies from byte %d on: %w", off, bare(err)))
					*broken = true
				}
			}
			if *broken {
				clear(part)
			}
		}
		if _, err := w.Write(part); err != nil {
			return fatal{err}
		}
		off += int64(len(part))
		a.summary.Bytes += int64(len(part))
		a.progress(int64(len(part)))
	}
	return nil
}

func (a *archive) progress(n int64) {
	if a.opts.Progress != nil {
		a.opts.Progress(n)
	}
}

// fail counts and reports a failure.
func (a *archive) fail(path string, err error) {
	a.summary.Failed++
	if a.opts.Fail != nil {
		a.opts.Fail(path, bare(err))
	}
}

package export

import (
	"context"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/internal/walk"
	"github.com/vmdkfs/vmdkfs/layer"
)

// Tar writes sources to w as a tar archive in the POSIX format of 2001 (pax):
// with owners, modes, times in nanoseconds, links, devices, holes, extended
// attributes and ACLs, in the records that GNU tar and libarchive restore them
// from. A Content source is called ".", any other by its own name.
//
// Files that fail are reported and left out, or, when only a part of a file
// that is larger than the buffer fails, end in zeros. The error is that of w
// or of the context.
func Tar(ctx context.Context, fsys walk.FS, sources []Source, w io.Writer, opts Options) (Summary, error) {
	return write(ctx, fsys, sources, w, opts, func(a *archive, w io.Writer) format {
		return &tarFormat{archive: a, out: w}
	})
}

// A tarFormat writes a tar archive.
type tarFormat struct {
	*archive
	out  io.Writer
	head []byte // of the last member, to be used again
}

// close ends the archive: with two blocks of zeros.
func (t *tarFormat) close() error {
	_, err := t.out.Write(make([]byte, 2*tarBlock))
	return err
}

func (t *tarFormat) member(m *member) error {
	h := newHeader(m)
	switch mode := m.info.Mode(); mode.Type() {
	case 0:
		h.kind, h.size = tarFile, m.info.Size()
	case fs.ModeDir:
		h.kind = tarDir
		h.name += "/"
	case fs.ModeSymlink:
		target, err := m.ReadLink()
		if err != nil {
			return err
		}
		h.kind, h.link = tarSymlink, vnode.Raw(target)
	case fs.ModeNamedPipe:
		h.kind = tarFIFO
	case fs.ModeDevice:
		h.kind = tarDevice
	case fs.ModeDevice | fs.ModeCharDevice:
		h.kind = tarChar
	default:
		t.notes.add("sockets are left out: tar has no place for them")
		return errLeftOut
	}
	if err := t.attributes(h, m); err != nil {
		return err
	}
	if h.kind != tarFile {
		return t.header(h)
	}
	data, holes, err := dataOf(m)
	if err != nil {
		return err
	}
	if holes >= minHoles {
		return t.sparse(h, m, data)
	}
	if err := t.header(h); err != nil {
		return err
	}
	if err := t.content(t.out, m, 0, h.size, new(bool)); err != nil {
		return err
	}
	return t.pad(h.size)
}

// pad fills the last block of size bytes of content.
func (t *tarFormat) pad(size int64) error {
	if _, err := t.out.Write(make([]byte, -size&(tarBlock-1))); err != nil {
		return fatal{err}
	}
	return nil
}

func (t *tarFormat) link(m *member, to string) error {
	h := newHeader(m)
	h.kind, h.link = tarHard, to
	return t.header(h)
}

// header writes h. An error that is not fatal says what h cannot hold.
func (t *tarFormat) header(h *tarHeader) error {
	blocks, err := h.appendTo(t.head[:0])
	if err != nil {
		return err
	}
	t.head = blocks
	if _, err := t.out.Write(blocks); err != nil {
		return fatal{err}
	}
	return nil
}

// newHeader returns the header of m without what depends on its type.
func newHeader(m *member) *tarHeader {
	h := &tarHeader{name: m.name, mode: int64(m.info.Mode().Perm()), modified: m.info.ModTime()}
	for i, bit := range [...]fs.FileMode{fs.ModeSticky, fs.ModeSetgid, fs.ModeSetuid} {
		if m.info.Mode()&bit != 0 {
			h.mode |= 0o1000 << i
		}
	}
	if h.modified.IsZero() {
		h.modified = time.Unix(0, 0)
	}
	if sys, ok := m.info.Sys().(layer.Sys); ok {
		unix := sys.Unix()
		h.uid, h.gid, h.major, h.minor = unix.UID, unix.GID, unix.Major, unix.Minor
		if !unix.Access.IsZero() {
			h.add("atime", paxTime(unix.Access))
		}
		if !unix.Change.IsZero() {
			h.add("ctime", paxTime(unix.Change))
		}
	}
	return h
}

// attributes adds the extended attributes of m: ACLs as text in Schilling's
// records, which both GNU tar and libarchive read, everything else as it is.
func (t *tarFormat) attributes(h *tarHeader, m *member) error {
	fail := func(err error) { t.fail(m.Path, err) }
	xattrs, err := t.opts.xattrs(m.info, fail)
	if err != nil {
		return err
	}
	if words := t.opts.sddl(m.info, fail); words != "" {
		h.add("SCHILY.xattr."+sddlXattr, words)
	}
	for name, value := range xattrs {
		if kind, ok := aclRecords[name]; ok {
			if text, ok := aclText(value); ok {
				h.add(kind, text)
				continue
			}
		}
		h.add("SCHILY.xattr."+keyEscaper.Replace(name), string(value))
	}
	return nil
}

// keyEscaper writes what the key of a record cannot hold, as GNU tar does.
var keyEscaper = strings.NewReplacer("%", "%25", "=", "%3D")

var aclRecords = map[string]string{
	"system.posix_acl_access":  "SCHILY.acl.access",
	"system.posix_acl_default": "SCHILY.acl.default",
}

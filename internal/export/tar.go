package export

import (
	"archive/tar"
	"context"
	"io"
	"io/fs"
	"maps"
	"strings"
	"time"
	"unicode/utf8"

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

// tarBlock is the unit of a tar archive.
const tarBlock = 512

// A tarFormat writes a tar archive.
type tarFormat struct {
	*archive
	out io.Writer
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
		h.Typeflag, h.Size = tar.TypeReg, m.info.Size()
	case fs.ModeDir:
		h.Typeflag = tar.TypeDir
		h.Name += "/"
	case fs.ModeSymlink:
		target, err := m.ReadLink()
		if err != nil {
			return err
		}
		h.Typeflag = tar.TypeSymlink
		setLink(h, string(vnode.Unescape(target)))
	case fs.ModeNamedPipe:
		h.Typeflag = tar.TypeFifo
	case fs.ModeDevice:
		h.Typeflag = tar.TypeBlock
	case fs.ModeDevice | fs.ModeCharDevice:
		h.Typeflag = tar.TypeChar
	default:
		t.notes.add("sockets are left out: tar has no place for them")
		return errLeftOut
	}
	if err := t.attributes(h, m); err != nil {
		return err
	}
	if h.Typeflag != tar.TypeReg {
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
	if err := t.content(t.out, m, 0, h.Size, new(bool)); err != nil {
		return err
	}
	return t.pad(h.Size)
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
	h.Typeflag = tar.TypeLink
	setLink(h, to)
	return t.header(h)
}

// header writes h. An error that is not fatal says what h cannot hold.
func (t *tarFormat) header(h *tar.Header) error {
	blocks, err := headerBlocks(h)
	if err != nil {
		return err
	}
	if _, err := t.out.Write(blocks); err != nil {
		return fatal{err}
	}
	return nil
}

// newHeader returns the header of m without what depends on its type.
func newHeader(m *member) *tar.Header {
	h := &tar.Header{
		Name:       m.name,
		Mode:       int64(m.info.Mode().Perm()),
		ModTime:    m.info.ModTime(),
		PAXRecords: make(map[string]string),
		Format:     tar.FormatPAX,
	}
	for bit, value := range map[fs.FileMode]int64{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
		if m.info.Mode()&bit != 0 {
			h.Mode |= value
		}
	}
	if h.ModTime.IsZero() {
		h.ModTime = time.Unix(0, 0)
	}
	if sys, ok := m.info.Sys().(layer.Sys); ok {
		unix := sys.Unix()
		setOwner(h, unix.UID, unix.GID)
		h.Devmajor, h.Devminor = int64(unix.Major), int64(unix.Minor)
		h.AccessTime, h.ChangeTime = unix.Access, unix.Change
	}
	declare(h, h.Name)
	return h
}

// setLink sets the name that h is a link to.
func setLink(h *tar.Header, name string) {
	h.Linkname = name
	declare(h, name)
}

// declare says that the names of h are bytes of no encoding, where name is not
// the UTF-8 that pax promises.
func declare(h *tar.Header, name string) {
	if !utf8.ValidString(name) {
		h.PAXRecords["hdrcharset"] = "BINARY"
	}
}

// attributes adds the extended attributes of m: ACLs as text in Schilling's
// records, which both GNU tar and libarchive read, everything else as it is.
func (t *tarFormat) attributes(h *tar.Header, m *member) error {
	xattrs, err := t.opts.xattrs(m.info, func(err error) { t.fail(m.Path, err) })
	if err != nil {
		return err
	}
	for name, value := range xattrs {
		if kind, ok := aclRecords[name]; ok {
			if text, ok := aclText(value); ok {
				h.PAXRecords[kind] = text
				continue
			}
		}
		h.PAXRecords["SCHILY.xattr."+keyEscaper.Replace(name)] = string(value)
	}
	return nil
}

// keyEscaper writes what the key of a record cannot hold, as GNU tar does.
var keyEscaper = strings.NewReplacer("%", "%25", "=", "%3D")

var aclRecords = map[string]string{
	"system.posix_acl_access":  "SCHILY.acl.access",
	"system.posix_acl_default": "SCHILY.acl.default",
}

// clone returns a copy of h whose records may be changed.
func clone(h *tar.Header) *tar.Header {
	c := *h
	c.PAXRecords = maps.Clone(h.PAXRecords)
	return &c
}

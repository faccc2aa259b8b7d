package export

import (
	"archive/zip"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/klauspost/compress/flate"

	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/internal/walk"
	"github.com/vmdkfs/vmdkfs/layer"
	"github.com/vmdkfs/vmdkfs/ntfs"
)

// Zip writes sources to w as a zip archive: deflated, or as they are with
// stored, with modes, owners, times in seconds and symbolic links as Info-ZIP
// keeps them, and with 64-bit sizes where they are needed. Zip has no holes,
// hard links, devices or extended attributes; what is lost is noted. Sources
// and errors are those of [Tar].
func Zip(ctx context.Context, fsys walk.FS, sources []Source, w io.Writer, stored bool, opts Options) (Summary, error) {
	return write(ctx, fsys, sources, w, opts, func(a *archive, w io.Writer) format {
		z := &zipFormat{archive: a, w: zip.NewWriter(w), stored: stored}
		z.w.RegisterCompressor(zip.Deflate, z.compressor)
		return z
	})
}

// A zipFormat writes a zip archive.
type zipFormat struct {
	*archive
	w       *zip.Writer
	stored  bool
	deflate *flate.Writer // of the members so far
}

// compressor returns what compresses one member: twice as fast as that of
// archive/zip.
func (z *zipFormat) compressor(w io.Writer) (_ io.WriteCloser, err error) {
	if z.deflate == nil {
		z.deflate, err = flate.NewWriter(w, flate.DefaultCompression)
	} else {
		z.deflate.Reset(w)
	}
	return z.deflate, err
}

func (z *zipFormat) close() error { return z.w.Close() }

func (z *zipFormat) link(*member, string) error {
	z.notes.add("further names of hard links are files of their own")
	return errors.ErrUnsupported
}

func (z *zipFormat) member(m *member) error {
	mode := m.info.Mode()
	h := &zip.FileHeader{Name: m.name, Modified: m.info.ModTime()}
	if h.Modified.IsZero() {
		h.Modified = time.Unix(0, 0)
	}
	h.SetMode(mode)
	h.Extra = owner(m.info)
	if err := z.noteXattrs(m); err != nil {
		return err
	}
	switch mode.Type() {
	case 0:
		if !z.stored {
			h.Method = zip.Deflate
		}
		w, err := z.create(h)
		if err != nil {
			return err
		}
		return z.content(w, m, 0, m.info.Size(), new(bool))
	case fs.ModeDir:
		if m.name == "." {
			return errLeftOut // the directory that it is unpacked in
		}
		h.Name += "/"
		_, err := z.create(h)
		return err
	case fs.ModeSymlink:
		target, err := m.ReadLink()
		if err != nil {
			return err
		}
		w, err := z.create(h)
		if err != nil {
			return err
		}
		if _, err := w.Write(vnode.Unescape(target)); err != nil {
			return fatal{err}
		}
		return nil
	}
	z.notes.add("devices, fifos and sockets are left out: zip has no place for them")
	return errLeftOut
}

// noteXattrs tells of what zip has no place for.
func (z *zipFormat) noteXattrs(m *member) error {
	if r, ok := m.info.Sys().(*ntfs.FileRecord); ok {
		if r.HasStreams() && z.opts.keep(Streams) && !z.opts.StreamFiles {
			z.notes.add("streams are not kept: zip has no place for them, but as files, with --streams=files")
		}
		z.notes.add("security descriptors are not kept: zip has no place for them")
		return nil
	}
	xattrs, err := z.opts.xattrs(m.info, nil)
	if len(xattrs) > 0 {
		z.notes.add("extended attributes and ACLs are not kept: zip has no place for them")
	}
	return err
}

var errLongName = errors.New("name is longer than zip can hold")

// create begins a member.
func (z *zipFormat) create(h *zip.FileHeader) (io.Writer, error) {
	if len(h.Name) > 0xffff {
		return nil, errLongName
	}
	if strings.Contains(h.Name, `\`) {
		z.notes.add("names with a backslash may be unpacked as directories on Windows")
	}
	w, err := z.w.CreateHeader(h)
	if err != nil {
		return nil, fatal{err}
	}
	return w, nil
}

// owner returns the extra field of Info-ZIP's "new Unix" kind (0x7875,
// proginfo/extrafld.txt): version 1, UID and GID of four bytes each.
func owner(info fs.FileInfo) []byte {
	sys, ok := info.Sys().(layer.Sys)
	if !ok {
		return nil
	}
	unix := sys.Unix()
	b := []byte{'u', 'x', 11, 0, 1, 4}
	b = binary.LittleEndian.AppendUint32(b, unix.UID)
	b = append(b, 4)
	return binary.LittleEndian.AppendUint32(b, unix.GID)
}

package vm

import (
	"archive/tar"
	"errors"
	"io"
	"io/fs"
	"math"
	"path"
	"strings"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

// maxEntries is how many files an archive may have. A package has a handful;
// what lists more is no package, and its index would take memory for nothing.
const maxEntries = 1 << 14

// openArchive reads the headers of the tar archive in r, and returns its files
// as a file system over r, and their paths in the archive's order. Data is read
// where it lies, so that opening costs a read or two for each file.
//
// An archive that is cut off or damaged has what could be found; its root says
// that there may be more.
func openArchive(name string, r io.ReaderAt, size int64) (*vnode.FS, []string) {
	a := &archive{name: name, source: io.NewSectionReader(r, 0, size), size: size, root: &vnode.Listing{}, nodes: make(map[string]*entryNode)}
	if err := a.index(); err != nil {
		a.root.Broken = err
	}
	dirs := map[string]*vnode.Listing{".": a.root}
	for _, p := range a.paths {
		a.dir(dirs, path.Dir(p)).Add(path.Base(p), a.nodes[p])
	}
	return vnode.New(a.root), a.paths
}

// An archive is an index that is being made.
type archive struct {
	name   string
	source *io.SectionReader // shared by all entries: only ReadAt moves nothing
	size   int64
	root   *vnode.Listing
	paths  []string
	nodes  map[string]*entryNode
}

// index reads all headers.
func (a *archive) index() error {
	r := &headerReader{SectionReader: io.NewSectionReader(a.source, 0, a.size)}
	t := tar.NewReader(r)
	for last := "its start"; ; {
		r.begin()
		h, err := t.Next()
		switch {
		case err == io.EOF:
			return nil
		case errors.Is(err, io.ErrUnexpectedEOF):
			return failed(layer.ErrIncomplete, a.name, "the archive of %d bytes ends before it is complete, after %s", a.size, last)
		case errors.Is(err, tar.ErrHeader):
			return failed(layer.ErrCorrupt, a.name, "no header of a tar archive after %s", last)
		case err != nil && !errors.Is(err, tar.ErrInsecurePath):
			return layer.Errorf(err, "vm", a.name, -1, "after %s", last)
		}
		data, err := r.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		if len(a.paths) >= maxEntries {
			return failed(layer.ErrUnsupported, a.name, "more than %d files", maxEntries)
		}
		if err := a.add(h, r.first, data); err != nil {
			return err
		}
		last = path.Clean(h.Name)
	}
}

// add adds the entry whose headers begin at first and whose data lies at data.
func (a *archive) add(h *tar.Header, first, data int64) error {
	name := vnode.Escape([]byte(path.Clean(h.Name)))
	node := &entryNode{modified: h.ModTime, size: h.Size}
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeCont, tar.TypeGNUSparse:
		runs := []extent.Run{{Length: h.Size, Physical: data}}
		if isSparse(h) {
			var err error
			if runs, err = sparseRuns(a.source, first, data, h); err != nil {
				return layer.Errorf(err, "vm", a.name, first, "%s", name)
			}
		}
		if h.Size == 0 {
			runs = nil
		}
		// An entry that is cut off is found when it is read: the source ends.
		list, err := extent.NewList(runs, math.MaxInt64)
		if err != nil {
			return failed(layer.ErrCorrupt, a.name, "%s: %v", name, err)
		}
		node.content = extent.NewReader(list, h.Size, a.source)
	case tar.TypeLink, tar.TypeSymlink:
		node.size, node.err = 0, failed(layer.ErrUnsupported, name, "the archive has a link to %q in its place", h.Linkname)
	default:
		return nil // directories have their files' paths; devices hold nothing
	}
	if !fs.ValidPath(name) || name == "." {
		return nil // no name that a package could refer to
	}
	if _, twice := a.nodes[name]; twice {
		a.nodes[name] = &entryNode{err: failed(layer.ErrCorrupt, name, "two files of the archive have this name")}
		return nil
	}
	a.paths = append(a.paths, name)
	a.nodes[name] = node
	return nil
}

// dir returns the directory at p, and makes those on the way there.
func (a *archive) dir(dirs map[string]*vnode.Listing, p string) *vnode.Listing {
	if d, ok := dirs[p]; ok {
		return d
	}
	d := &vnode.Listing{Broken: a.root.Broken}
	dirs[p] = d
	a.dir(dirs, path.Dir(p)).Add(path.Base(p), d)
	return d
}

// An entryNode is a file of the archive.
type entryNode struct {
	modified time.Time
	size     int64
	content  *extent.Reader
	err      error // why it cannot be read
}

func (*entryNode) Mode() fs.FileMode    { return 0o444 }
func (n *entryNode) Size() int64        { return n.size }
func (n *entryNode) ModTime() time.Time { return n.modified }
func (*entryNode) Sys() any             { return nil }

func (n *entryNode) Open() (vnode.Content, error) {
	if n.err != nil {
		return nil, n.err
	}
	return n.content, nil
}

// A headerReader notes where the headers of an entry begin: with the first
// whole block that is read. What is read before is the end of the entry before
// it, less than a block.
type headerReader struct {
	*io.SectionReader
	first int64 // negative while no block was read
}

// begin starts anew, for the next entry.
func (r *headerReader) begin() { r.first = -1 }

func (r *headerReader) Read(p []byte) (int, error) {
	if len(p) == blockSize && r.first < 0 {
		at, err := r.Seek(0, io.SeekCurrent)
		if err != nil {
			return 0, err
		}
		r.first = at
	}
	return r.SectionReader.Read(p)
}

// isPackage reports whether a path is that of a package's description.
func isPackage(p string) bool { return strings.EqualFold(path.Ext(p), ".ovf") }

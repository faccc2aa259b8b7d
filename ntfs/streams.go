package ntfs

import (
	"bytes"
	"io/fs"
	"strings"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/cache"
	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
)

// A Stream is a named stream of a file: it is opened as the path of the file, a
// colon and the name. FileInfo.Sys of such a path returns *Stream.
type Stream struct {
	Name       string // escaped as names of files are
	Size       int64  // bytes
	Allocated  int64  // bytes, 0 when it is resident
	Resident   bool   // it is in the file record
	Sparse     bool
	Compressed bool
	Encrypted  bool
	File       *FileRecord
}

// streamType is what Windows allows behind the name of a stream.
const streamType = ":$DATA"

// decodeStream returns what an attribute says of its stream.
func (r *FileRecord) decodeStream(a attribute) Stream {
	s := Stream{Name: shownName(a.name()), Size: a.size(), Resident: !a.nonResident(), File: r,
		Sparse: a.flags()&attrSparse != 0, Compressed: a.flags()&attrCompressionMask != 0, Encrypted: a.flags()&attrEncrypted != 0}
	if a.nonResident() {
		s.Allocated = a.allocatedSize()
	}
	return s
}

// HasStreams reports whether the file has named streams, without a read.
func (r *FileRecord) HasStreams() bool { return r.streams }

// Streams returns the named streams of the file, in the order of their names
// as Windows compares them.
func (r *FileRecord) Streams() ([]Stream, error) {
	if !r.streams {
		return nil, nil
	}
	var h cache.Hold
	defer h.Release()
	x, err := r.fileFor(&h)
	if err != nil {
		return nil, err
	}
	var list []Stream
	for a, err := range x.all() {
		if err != nil {
			return nil, err
		}
		if a.kind() == attrData && len(a.name()) > 0 {
			list = append(list, r.decodeStream(a))
		}
	}
	return list, nil
}

// stream returns the stream of that name, with or without its type: the name
// itself, else one that differs by case only. The empty name is that of what
// the file itself holds.
func (r *FileRecord) stream(name string) (vnode.Node, error) {
	if n, cut := strings.CutSuffix(name, streamType); cut {
		name = n
	}
	if name == "" || name == streamType[1:] {
		if n, ok := r.node().(fileNode); ok {
			return n, nil
		}
		return nil, fs.ErrNotExist
	}
	units, ok := storedName(name)
	if !ok || !r.streams {
		return nil, fs.ErrNotExist
	}
	table, err := r.fsys.upCase()
	if err != nil {
		return nil, err
	}
	var h cache.Hold
	defer h.Release()
	x, err := r.fileFor(&h)
	if err != nil {
		return nil, err
	}
	var found *streamNode
	for a, err := range x.all() {
		if err != nil {
			return nil, err
		}
		if a.kind() != attrData || len(a.name()) == 0 || table.compare(units, a.name()) != 0 {
			continue
		}
		exact := equal(units, a.name())
		if exact || found == nil && !r.fsys.caseSensitive {
			found = &streamNode{r.decodeStream(a), bytes.Clone(a.name())}
		}
		if exact {
			break
		}
	}
	if found == nil {
		return nil, fs.ErrNotExist
	}
	return *found, nil
}

// A streamNode is a named stream as a vnode.Node.
type streamNode struct {
	stream Stream
	name   []byte // UTF-16
}

func (n streamNode) Mode() fs.FileMode  { return n.stream.File.mode & fs.ModePerm }
func (n streamNode) Size() int64        { return n.stream.Size }
func (n streamNode) ModTime() time.Time { return n.stream.File.Modified }
func (n streamNode) Sys() any           { return &n.stream }

// Open returns what the stream holds.
func (n streamNode) Open() (vnode.Content, error) {
	var h cache.Hold
	defer h.Release()
	x, err := n.stream.File.fileFor(&h)
	if err != nil {
		return nil, err
	}
	return x.open(n.name)
}

// maxXattr is XATTR_SIZE_MAX, the most bytes that an extended attribute of
// Linux has.
const maxXattr = 64 << 10

// Xattrs implements [layer.Sys]: the named streams, as user.NAME, which is how
// ntfs-3g shows them and how they can be kept elsewhere. Those that are larger
// than an extended attribute can be are left out; Streams has them.
func (r *FileRecord) Xattrs() (map[string][]byte, error) {
	streams, err := r.Streams()
	if err != nil {
		return nil, err
	}
	var list map[string][]byte
	for _, s := range streams {
		if s.Size > maxXattr {
			continue
		}
		units, ok := storedName(s.Name)
		if !ok {
			continue // a name of more units than Windows gives
		}
		value, err := r.readStream(units, s.Size)
		if err != nil {
			return nil, err
		}
		if list == nil {
			list = make(map[string][]byte)
		}
		list["user."+s.Name] = value
	}
	return list, nil
}

// readStream returns a stream of a name in UTF-16.
func (r *FileRecord) readStream(units []uint16, size int64) ([]byte, error) {
	raw := make([]byte, 0, 2*len(units))
	for _, u := range units {
		raw = le.AppendUint16(raw, u)
	}
	content, err := streamNode{Stream{File: r}, raw}.Open()
	if err != nil {
		return nil, err
	}
	value, err := ondisk.Read(content, 0, size)
	if err != nil {
		return nil, failed(recordName(r.Number), noOffset, err)
	}
	return value, nil
}

package ntfs

import (
	"io/fs"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/cache"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
)

// A node is a FileRecord as a vnode.Node. The types around it add what each
// type of file can do.
type node struct{ record *FileRecord }

type (
	dirNode  struct{ node }
	fileNode struct{ node }
	linkNode struct{ node }
)

var (
	_ vnode.Dir  = dirNode{}
	_ vnode.File = fileNode{}
	_ vnode.Link = linkNode{}
	_ vnode.File = streamNode{}
)

func (n node) Mode() fs.FileMode  { return n.record.mode }
func (n node) Size() int64        { return n.record.Length }
func (n node) ModTime() time.Time { return n.record.Modified }
func (n node) Sys() any           { return n.record }

// node returns the record as the node that its mode says.
func (r *FileRecord) node() vnode.Node {
	switch r.mode.Type() {
	case fs.ModeDir:
		return dirNode{node{r}}
	case 0:
		return fileNode{node{r}}
	case fs.ModeSymlink:
		return linkNode{node{r}}
	}
	return node{r}
}

// Open returns what the file holds.
func (n fileNode) Open() (vnode.Content, error) {
	var h cache.Hold
	defer h.Release()
	x, err := n.record.fileFor(&h)
	if err != nil {
		return nil, err
	}
	a, err := x.find(attrData, nil)
	switch {
	case err != nil:
		return nil, err
	case n.record.ReparseTag == tagWOF:
		return x.openWOF(n.record.Length)
	}
	if err := n.record.elsewhere(a); err != nil {
		return nil, err
	}
	if a == nil {
		return inline(nil), nil // a metadata file, or one with named streams only
	}
	return x.content(a)
}

// elsewhere refuses a file whose reparse point says that its bytes are, or may
// be, in another place than its unnamed stream.
func (r *FileRecord) elsewhere(a attribute) error {
	switch tag := r.ReparseTag; {
	case tag == 0:
		return nil
	case tag == tagAppExecLink && r.Length == 0:
		return nil // it has none: Windows starts another program
	case isCloud(tag) || tag == tagProjFS || tag == tagStorageSync:
		// Those that were downloaded have them here, and no hole.
		if r.Attributes&(attributesAway|AttributeSparse) == 0 && (a == nil || a.flags()&attrSparse == 0) {
			return nil
		}
	}
	return unsupported(recordName(r.Number), "its content is elsewhere, or in a form that only the owner of %s knows", tagName(r.ReparseTag))
}

// attributesAway are those of a file or directory that is not all here.
const attributesAway = AttributeOffline | attributeRecallOnOpen | attributeRecallOnData

// incomplete tells that a directory may have more entries than those that lie
// here: a layer below, a server, or a program that makes them when they are
// asked for.
func (r *FileRecord) incomplete() error {
	switch tag := r.ReparseTag; {
	case tag == 0:
		return nil
	case (isCloud(tag) || tag == tagStorageSync || tag == tagSyncFolder) && r.Attributes&attributesAway == 0:
		return nil // it has been filled
	}
	return unsupported(r.dirObject(), "entries of it may be elsewhere, as only the owner of %s knows", tagName(r.ReparseTag))
}

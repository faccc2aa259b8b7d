package export

import (
	"fmt"
	"io/fs"
	"strings"

	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/internal/walk"
	"github.com/vmdkfs/vmdkfs/ntfs"
)

const (
	// sddlXattr is the extended attribute that a security descriptor is kept
	// in, in words. ntfs-3g's own, system.ntfs_acl, exists on NTFS only.
	sddlXattr = "user.ntfs.sddl"
	// maxXattr is XATTR_SIZE_MAX, the most bytes that an extended attribute of
	// Linux has.
	maxXattr = 64 << 10
)

// ntfsXattrs returns the named streams of a file as extended attributes.
func (o *Options) ntfsXattrs(r *ntfs.FileRecord, fail func(error)) (map[string][]byte, error) {
	if !o.keep(Streams) || o.StreamFiles || !r.HasStreams() {
		return nil, nil
	}
	streams, err := r.Streams()
	if err != nil {
		return nil, err
	}
	for _, s := range streams {
		if s.Size > maxXattr {
			fail(fmt.Errorf("stream %q is not kept: %d bytes are more than an extended attribute has; files can hold it, with --streams=files", s.Name, s.Size))
		}
	}
	return r.Xattrs()
}

// sddl returns the security descriptor of a file in words, if it has one that
// is to be kept. One that cannot be told is told to fail.
func (o *Options) sddl(info fs.FileInfo, fail func(error)) string {
	r, ok := info.Sys().(*ntfs.FileRecord)
	if !ok || !o.keep(Security) {
		return ""
	}
	text, err := r.SDDL()
	if err != nil {
		fail(fmt.Errorf("its security descriptor is not kept: %w", err))
	}
	return text
}

// A text is a descriptor in words, and as the value of an attribute.
type text struct {
	words string
	value []byte
}

// setSDDL gives a file its security descriptor, or tells of it.
func (c *copier) setSDDL(words string, at route, f xattrSetter) error {
	if c.opts.SDDL != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.opts.SDDL(c.told(at.dest()), words)
		return nil
	}
	last := c.sddl.Load() // most files have that of the file before
	if last == nil || last.words != words {
		last = &text{words, []byte(words)}
		c.sddl.Store(last)
	}
	return c.noted(sddlXattr, f.setXattr(sddlXattr, last.value))
}

// noteOwnStreams is told of a directory that has no name in the destination,
// and so no place beside it.
const noteOwnStreams = "streams of the directory itself are not kept: its content only was asked for"

func (o *Options) hasStreamFiles(info fs.FileInfo) bool {
	r, ok := info.Sys().(*ntfs.FileRecord)
	return ok && o.StreamFiles && o.keep(Streams) && r.HasStreams()
}

// streamsOf returns the named streams of a file that are to be files, with
// their names, which are those of streams on Windows.
func (o *Options) streamsOf(fsys walk.FS, e walk.Entry, info fs.FileInfo) (list []walk.Entry, err error) {
	if !o.hasStreamFiles(info) {
		return nil, nil
	}
	streams, err := info.Sys().(*ntfs.FileRecord).Streams()
	for _, s := range streams {
		if err == nil {
			var found walk.Entry
			found, err = walk.Find(fsys, e.Path+":"+s.Name)
			list = append(list, found)
		}
	}
	return list, err
}

// streamSuffix returns what the name of a file gets for one of its streams: a
// colon and the stream's name, as raw bytes.
func streamSuffix(stream walk.Entry) string {
	name := stream.Name()
	return vnode.Raw(name[strings.LastIndexByte(name, ':'):])
}

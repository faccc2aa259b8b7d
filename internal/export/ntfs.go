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

// ntfsXattrs returns the named streams and the security descriptor of a file
// as extended attributes.
func (o *Options) ntfsXattrs(r *ntfs.FileRecord, fail func(error)) (xattrs map[string][]byte, err error) {
	if o.keep(Streams) && !o.StreamFiles && r.HasStreams() {
		streams, err := r.Streams()
		if err != nil {
			return nil, err
		}
		for _, s := range streams {
			if s.Size > maxXattr {
				fail(fmt.Errorf("stream %q is not kept: %d bytes are more than an extended attribute has; files can hold it, with --streams=files", s.Name, s.Size))
			}
		}
		if xattrs, err = r.Xattrs(); err != nil {
			return nil, err
		}
	}
	if o.keep(Security) {
		switch s, err := r.Security(); {
		case err != nil:
			fail(fmt.Errorf("its security descriptor is not kept: %w", err))
		case s != nil:
			if xattrs == nil {
				xattrs = make(map[string][]byte)
			}
			xattrs[sddlXattr] = []byte(s.SDDL)
		}
	}
	return xattrs, nil
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
	return string(vnode.Unescape(name[strings.LastIndexByte(name, ':'):]))
}

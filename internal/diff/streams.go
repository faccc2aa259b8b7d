package diff

import (
	"io/fs"
	"maps"

	"github.com/vmdkfs/vmdkfs/internal/walk"
	"github.com/vmdkfs/vmdkfs/ntfs"
)

// largeStreams reports whether two files on NTFS differ in the named streams
// that are too large to be among their extended attributes. What cannot be read
// is a failure, and not a difference.
func (c *comparison) largeStreams(p pair, infoA, infoB fs.FileInfo, xattrsA, xattrsB map[string][]byte) bool {
	before, err := streamSizes(infoA, xattrsA)
	if err != nil {
		c.fail(&c.first, p.a.Path, err)
		return false
	}
	after, err := streamSizes(infoB, xattrsB)
	if err != nil {
		c.fail(&c.second, p.b.Path, err)
		return false
	}
	if !maps.Equal(before, after) {
		return true
	}
	for name := range before {
		a, err := walk.Find(c.first, streamPath(p.a.Path, name))
		if err != nil {
			c.fail(&c.first, p.a.Path, err)
			continue
		}
		b, err := walk.Find(c.second, streamPath(p.b.Path, name))
		if err != nil {
			c.fail(&c.second, p.b.Path, err)
			continue
		}
		if differ, _ := c.bytes(pair{a, b}); differ { // an error has been reported
			return true
		}
	}
	return false
}

// streamPath returns the path of a stream of the file at path.
func streamPath(path, stream string) string {
	if path == "." {
		path = ""
	}
	return path + ":" + stream
}

// streamSizes returns the sizes of the named streams of a file that are not
// among its extended attributes.
func streamSizes(info fs.FileInfo, xattrs map[string][]byte) (sizes map[string]int64, err error) {
	r, ok := info.Sys().(*ntfs.FileRecord)
	if !ok || !r.HasStreams() {
		return nil, nil
	}
	streams, err := r.Streams()
	for _, s := range streams {
		if _, small := xattrs["user."+s.Name]; small {
			continue
		}
		if sizes == nil {
			sizes = make(map[string]int64)
		}
		sizes[s.Name] = s.Size
	}
	return sizes, err
}

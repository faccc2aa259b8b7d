package iso

import (
	"io/fs"

	"github.com/vmdkfs/vmdkfs/layer"
)

// unixOf returns the Unix attributes that a source knows of a file: those of a
// layer, or those of the host's own files where the host is known.
func unixOf(info fs.FileInfo) (layer.Unix, bool) {
	if sys, ok := info.Sys().(layer.Sys); ok {
		return sys.Unix(), true
	}
	return hostUnix(info)
}

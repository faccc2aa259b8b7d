package walk

import (
	"bytes"
	"io/fs"
	"strings"

	"github.com/vmdkfs/vmdkfs/internal/vnode"
)

// ByPath orders the entries of a directory so that the paths of all files of
// a walk, as raw bytes, are in order: a directory counts with the slash that
// follows it.
func ByPath(a, b fs.DirEntry) int {
	x, y := a.Name(), b.Name()
	if strings.IndexByte(x, '\\') >= 0 || strings.IndexByte(y, '\\') >= 0 {
		return bytes.Compare(append(vnode.Unescape(x), slash(a)...), append(vnode.Unescape(y), slash(b)...))
	}
	n := min(len(x), len(y))
	if c := strings.Compare(x[:n], y[:n]); c != 0 || len(x) == len(y) {
		return c
	}
	return strings.Compare(x[n:]+slash(a), y[n:]+slash(b))
}

func slash(e fs.DirEntry) string {
	if e.IsDir() {
		return "/"
	}
	return ""
}

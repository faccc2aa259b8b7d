package testimg

import (
	"io/fs"
	"iter"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/vnode"
)

// A DeepDir holds one directory, and so on for so many levels.
type DeepDir int

func (DeepDir) Mode() fs.FileMode  { return fs.ModeDir | 0o755 }
func (DeepDir) Size() int64        { return 0 }
func (DeepDir) ModTime() time.Time { return time.Unix(0, 0) }
func (DeepDir) Sys() any           { return nil }

func (d DeepDir) Lookup(name string) (vnode.Node, error) {
	if name != "d" || d == 0 {
		return nil, fs.ErrNotExist
	}
	return d - 1, nil
}

func (d DeepDir) Entries() iter.Seq2[vnode.Entry, error] {
	return func(yield func(vnode.Entry, error) bool) {
		if d > 0 {
			yield(deepEntry(d-1), nil)
		}
	}
}

type deepEntry DeepDir

func (deepEntry) Name() string                { return "d" }
func (deepEntry) Type() fs.FileMode           { return fs.ModeDir }
func (e deepEntry) Node() (vnode.Node, error) { return DeepDir(e), nil }
